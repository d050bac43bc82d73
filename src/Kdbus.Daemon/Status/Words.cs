using Kdbus.Abi;
using Kdbus.Daemon.Serving;
using Kdbus.Engine;
using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>The words for values that have few, and how users are shown.</summary>
internal static class Words
{
    /// <summary>A uid, <c>endpoint:NAME</c>, or <c>bus</c>; in JSON an object with a uid and an endpoint, both null for the bus itself.</summary>
    public static Format<UserId?> User { get; } = new(
        AlignRight: false,
        static (cells, user) =>
        {
            if (user is { } known) AddTo(cells, known);
        },
        static (json, user) =>
        {
            if (user is not { } known)
            {
                json.WriteNullValue();
                return;
            }

            json.WriteStartObject();
            json.WritePropertyName("uid"u8);
            Format.Number.Json(json, known.Uid);
            json.WriteString("endpoint"u8, known.Endpoint);
            json.WriteEndObject();
        });

    public static string Of(ConnectionKind kind) => kind switch
    {
        ConnectionKind.Activator => "activator",
        ConnectionKind.PolicyHolder => "policy-holder",
        ConnectionKind.Monitor => "monitor",
        _ => "ordinary",
    };

    public static string Of(PoolProfile profile) => profile == PoolProfile.Passthrough ? "passthrough" : "page-cache";

    public static string Of(ReplyState state) => state switch
    {
        ReplyState.Waiting => "waiting",
        ReplyState.Interrupted => "interrupted",
        ReplyState.Answering => "answering",
        ReplyState.Answered => "answered",
        _ => "asynchronous",
    };

    public static string Of(PolicyAccessType type) => type switch
    {
        PolicyAccessType.User => "user",
        PolicyAccessType.Group => "group",
        _ => "world",
    };

    public static string Of(PolicyAccessLevel level) => level switch
    {
        PolicyAccessLevel.See => "see",
        PolicyAccessLevel.Talk => "talk",
        _ => "own",
    };

    public static string Of(ItemType rule) => rule switch
    {
        ItemType.BloomMask => "bloom",
        ItemType.Id => "id",
        ItemType.Name => "name",
        ItemType.NameAdd => "name-add",
        ItemType.NameRemove => "name-remove",
        ItemType.NameChange => "name-change",
        ItemType.IdAdd => "id-add",
        ItemType.IdRemove => "id-remove",
        _ => rule.ToString(),
    };

    /// <summary>The name of an error; null for none.</summary>
    public static string? Of(Errno? error) => error is null or Errno.OK ? null : error.Value.ToString();

    private static void AddTo(TextCells cells, UserId user)
    {
        if (user.Uid is { } uid)
        {
            cells.Add((ulong)uid);
        }
        else if (user.Endpoint is { } endpoint)
        {
            cells.Add("endpoint:");
            cells.AddAny(endpoint);
        }
        else
        {
            cells.Add("bus");
        }
    }
}
