using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Cli.Status;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl status</c>: all about one connection.</summary>
internal static class StatusCommand
{
    private static readonly Sheet<QuotaRow> s_quota = new Sheet<QuotaRow>()
        .Column("OF", "user", static row => Cell.Of(row.User?.ToString() ?? "nobody"))
        .Column("MESSAGES", "messages", static row => OfLimit(row.Messages, row.MessagesLimit), isNumber: true)
        .Column("BYTES", "bytes", static row => OfLimit(row.Bytes, row.BytesLimit), isNumber: true)
        .Column("FDS", "fds", static row => OfLimit(row.Fds, row.FdsLimit), isNumber: true)
        .Column("REFUSED", "refused", static row => Cell.Of(row.Refused, row.Refused == 0 ? null : "red"), isNumber: true)
        .Column("LAST REFUSAL", "lastRefusal", static row => Cell.Of(row.LastRefusal));

    private static readonly Sheet<QueueRow> s_queue = new Sheet<QueueRow>()
        .Column("#", "position", static row => Cell.Of((long)row.Position), isNumber: true)
        .Column("FROM", "sender", static row => row.Sender is null ? Cell.None with { Text = "the bus" } : Cell.Of(row.Sender, "cyan"), isNumber: true)
        .Column("BYTES", "bytes", static row => Cell.Of(row.Bytes), isNumber: true)
        .Column("FDS", "fds", static row => Cell.Of((long)row.Fds), rank: 1, isNumber: true)
        .Column("PRIORITY", "priority", static row => Cell.Of(row.Priority), rank: 1, isNumber: true)
        .Column("REQUEST", "request", static row => Cell.Of(row.Request), isNumber: true)
        .Column("TO NAME", "name", static row => Cell.Of(row.Name));

    private static readonly Sheet<ReplyRow> s_replies = new Sheet<ReplyRow>()
        .Column("FROM", "requester", static row => Cell.Of(row.Requester, "cyan"), isNumber: true)
        .Column("COOKIE", "cookie", static row => Cell.Of(row.Cookie), isNumber: true)
        .Column("TO", "answerer", static row => Cell.Of(row.Answerer, "cyan"), isNumber: true)
        .Column("STATE", "state", static row => Cell.Of(row.State))
        .Column("TIME LEFT", "timeLeft", static row => Cell.Duration(row.Deadline?.Left), isNumber: true)
        .Column("READ", "received", static row => Cell.Of(!row.Queued))
        .Column("NAME", "name", static row => Cell.Of(row.Name));

    private static readonly Sheet<MatchRow> s_matches = new Sheet<MatchRow>()
        .Column("COOKIE", "cookie", static row => Cell.Of(row.Cookie), isNumber: true)
        .Column("RULES", "rules", static row => Cell.Of(row.Rules.Select(RuleText)));

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<Destination> target = Target.Argument("ID|NAME", "the connection, by id or by a name that it owns");
        Command command = new("status", "Show all about one connection: metadata, names, queue, quota, matches, pending replies.")
        {
            target, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, async invocation =>
        {
            BusConnection bus = await invocation.ConnectAsync().ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
                Show(invocation, Target.Find(bus, invocation.Get(target)));
            return ExitCode.Success;
        });
        return command;
    }

    private static void Show(Invocation invocation, PeerInfo peer)
    {
        Metadata metadata = peer.Metadata;
        StatusFiles status = new(invocation.Bus);
        ConnectionRow? row = null;
        string? hidden = null;
        try
        {
            row = status.Connections().FirstOrDefault(connection => connection.Id == peer.Id);
        }
        catch (CommandException refusal) when (refusal.Code == ExitCode.NotPermitted)
        {
            hidden = $"queue, quota, matches and pending replies are not shown: {refusal.Hint}";
        }

        Facts facts = new Facts().Group()
            .Add("Connection", "id", Cell.Of(peer.Id, "cyan"))
            .Add("Kind", "kind", Cell.Of(Peer.KindOf(peer.Flags)))
            .Add("Names", "names", peer.Names.Count == 0 ? Cell.None : Cell.Of(peer.Names, "green"))
            .Add("Waits for", "waitsFor", row is { WaitsFor.Count: > 0 } ? Cell.Of(row.WaitsFor) : Cell.None)
            .Add("Stands in for", "activatorOf", Cell.Of(row?.ActivatorOf))
            .Add("Description", "description", Cell.Of(metadata.Description))
            .Add("Endpoint", "endpoint", Cell.Of(row?.Endpoint))
            .Add("Connected", "connected", Ago(row?.Connected))
            .Add("Privileged", "privileged", row is null ? Cell.None : Cell.Of(row.Privileged))
            .Add("Speaks for another process", "faked", peer.IsFaked ? Cell.Of(true) : Cell.None)
            .Add("Accepts descriptors", "acceptsDescriptors", Cell.Of((peer.Flags & HelloFlags.AcceptFd) != 0));
        MetadataFacts.AddTo(facts, metadata, row?.Process);
        _ = facts.Group("Metadata", "metadata")
            .Add("Allows to be told", "sends", row is null ? Cell.None : Cell.Of((AttachFlags)row.AttachSend.Value))
            .Add("Wants to be told", "wants", row is null ? Cell.None : Cell.Of((AttachFlags)row.AttachRecv.Value));
        _ = facts.Group("Queue and pool", "pool")
            .Add("Last read", "lastRead", row is null ? Cell.None : row.LastRead is null ? new Cell("never", null) with { Json = "never" } : Ago(row.LastRead))
            .Add("Messages", "queued", Cell.Of(row?.Queued, row?.Queued > 0 ? "yellow" : null))
            .Add("Charged", "chargedBytes", Cell.Bytes(row?.ChargedBytes))
            .Add("Pool", "poolSize", Cell.Bytes(row?.PoolSize))
            .Add("Used", "poolUsed", row is null ? Cell.None : Cell.Bytes(row.PoolUsed) with { Text = $"{Sizes.Text(row.PoolUsed)} in {row.Slices} slices, largest free range {Sizes.Text(row.LargestFree)}" })
            .Add("Signals lost", "dropped", Cell.Of(row?.Dropped))
            .Add("Refused for lack of room", "refused", row is null ? Cell.None : Cell.Of(row.Refused, row.Refused > 0 ? "red" : null) with
            {
                Text = row.LastRefusal is null ? row.Refused.ToString(CultureInfo.InvariantCulture) : $"{row.Refused}, the last one with {row.LastRefusal}",
            })
            .Add("Own requests unanswered", "requests", Cell.Of((long?)row?.RequestSlots));

        QuotaRow[] quota = row is null ? [] : [.. status.Quota().Where(of => of.Receiver == peer.Id)];
        QueueRow[] queue = row is null ? [] : [.. status.Queues().Where(message => message.Receiver == peer.Id)];
        ReplyRow[] replies = row is null ? [] : [.. status.Replies().Where(reply => reply.Requester == peer.Id || reply.Answerer == peer.Id)];
        MatchRow[] matches = row is null ? [] : [.. status.Matches().Where(match => match.Connection == peer.Id)];
        if (invocation.Output.IsJson)
        {
            JsonObject json = facts.ToJson();
            json["quota"] = Rows(s_quota, quota, row);
            json["queue"] = Rows(s_queue, queue, row);
            json["replies"] = Rows(s_replies, replies, row);
            json["matches"] = Rows(s_matches, matches, row);
            invocation.Output.Json(json);
        }
        else
        {
            invocation.Output.Write(facts);
            ShowTable(invocation.Output, "Who holds what of its queue", s_quota, quota);
            ShowTable(invocation.Output, "Messages it has not read", s_queue, queue);
            ShowTable(invocation.Output, "Replies that are waited for", s_replies, replies);
            ShowTable(invocation.Output, "Matches", s_matches, matches);
        }
        if (hidden is not null)
            Invocation.Note(hidden);
    }

    private static JsonArray? Rows<T>(Sheet<T> sheet, T[] rows, ConnectionRow? known) => known is null ? null : new JsonArray([.. rows.Select(row => (JsonNode?)sheet.ToJson(row))]);

    private static void ShowTable<T>(Output output, string heading, Sheet<T> sheet, T[] rows)
    {
        if (rows.Length == 0)
            return;
        output.Line(heading, "bold");
        output.Write(sheet, rows);
    }

    private static Cell Ago(StatusAge? age) => age is null ? Cell.None : Cell.Duration(age.Since) with { Text = $"{Durations.Text(age.Since)} ago" };

    private static Cell OfLimit(long value, long? limit) => Cell.Of(value) with { Text = limit is null ? value.ToString(CultureInfo.InvariantCulture) : $"{value} of {limit}" };

    private static string RuleText(RuleRow rule) => rule.Type switch
    {
        "bloom" => "signals of a filter",
        "id" => $"from {Any(rule.Id)}",
        "name" => $"from {rule.Name}",
        "id-add" => $"{Any(rule.Id)} comes",
        "id-remove" => $"{Any(rule.Id)} goes",
        _ => $"{rule.Type} {rule.Name ?? "any name"}: {Any(rule.OldId)} to {Any(rule.NewId)}",
    };

    private static string Any(ulong? id) => id?.ToString(CultureInfo.InvariantCulture) ?? "anybody";
}
