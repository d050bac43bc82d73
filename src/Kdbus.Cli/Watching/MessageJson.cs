using System.Buffers;
using System.Text.Json.Nodes;
using Kdbus.Abi;

namespace Kdbus.Cli.Watching;

/// <summary>A message as an object, with everything that is known about it.</summary>
internal static class MessageJson
{
    /// <summary>The object of a message.</summary>
    /// <param name="sighting">The message.</param>
    /// <param name="shown">How much of payloads; hex is base64 always.</param>
    public static JsonObject Of(Sighting sighting, PayloadShown shown)
    {
        (WatchedMessage message, EndedCall? ended, PeerBook peers) = sighting;
        JsonObject json = new()
        {
            ["event"] = "message",
            ["time"] = message.RealtimeNs,
            ["monotonic"] = message.MonotonicNs,
            ["timeOf"] = message.HasTimestamp ? "sending" : "arrival",
            ["kind"] = message.Kind.Word(),
            ["sender"] = message.Sender == 0 ? null : Side(message.Sender, peers),
            ["receiver"] = message.IsToEverybody || message.Receiver == 0 ? null : Side(message.Receiver, peers),
            ["name"] = message.Name,
            ["everybody"] = message.IsToEverybody,
            ["type"] = PayloadTypeNames.Of(message.Header.PayloadType),
            ["cookie"] = message.Header.Cookie,
            ["replyTo"] = message.Kind is MessageKind.Reply or MessageKind.Error || message.Notification?.EndsCall == true ? message.ReplyTo : null,
            ["deadline"] = message.Kind == MessageKind.Call ? message.Header.TimeoutNs : null,
            ["latency"] = ended?.LatencyNs,
            ["priority"] = message.Header.Priority,
            ["autoStart"] = ((MessageFlags)message.Header.Flags & MessageFlags.NoAutoStart) == 0,
            ["size"] = message.PayloadSize,
            ["memfds"] = message.Memfds,
            ["descriptors"] = new JsonArray([.. message.Descriptors.Select(static kind => (JsonNode?)JsonValue.Create(kind.Word()))]),
            ["incomplete"] = message.Notes.IsIncomplete,
        };
        if (message.Notification is { } news)
            json["notification"] = News(news);
        else
            AddPayload(json, message, shown);
        return json;
    }

    /// <summary>The object that says how many messages were lost.</summary>
    public static JsonObject OfLost(ulong lost) => new() { ["event"] = "lost", ["count"] = lost };

    /// <summary>The object of a call without an answer.</summary>
    public static JsonObject Of(EndedCall unanswered) => new()
    {
        ["event"] = "unanswered",
        ["caller"] = unanswered.Call.Caller,
        ["cookie"] = unanswered.Call.Cookie,
        ["receiver"] = unanswered.Call.Receiver == 0 ? null : unanswered.Call.Receiver,
        ["name"] = unanswered.Call.Name,
        ["why"] = unanswered.End.Word(),
        ["waited"] = unanswered.LatencyNs,
    };

    private static JsonObject Side(ulong id, PeerBook peers)
    {
        Peer? peer = peers.PeerOf(id);
        return new JsonObject
        {
            ["id"] = id,
            ["names"] = new JsonArray([.. peers.NamesOf(id).Order(StringComparer.Ordinal).Select(static name => (JsonNode?)JsonValue.Create(name))]),
            ["pid"] = peer?.Pid,
            ["process"] = peer?.Process,
            ["user"] = peer?.User,
            ["description"] = peers.DescriptionOf(id),
        };
    }

    private static JsonObject News(BusNotification news) => new()
    {
        ["what"] = news.Word,
        ["name"] = news.Name,
        ["oldOwner"] = news.Name is null || news.OldId == 0 ? null : news.OldId,
        ["newOwner"] = news.Name is null || news.NewId == 0 ? null : news.NewId,
        ["connection"] = news.Type is ItemType.IdAdd or ItemType.IdRemove ? news.NewId : null,
    };

    private static void AddPayload(JsonObject json, WatchedMessage message, PayloadShown shown)
    {
        PayloadReading reading = PayloadReading.Of(message);
        if (reading.Interface is not null)
            (json["interface"], json["member"]) = (reading.Interface, reading.Member);
        if (reading.Stream is not null)
            json["stream"] = reading.Stream;
        if (reading.Topic is not null)
            json["topic"] = reading.Topic;
        if (reading.Stops is { } stops)
            json["stops"] = stops;
        if (reading.ErrorName is not null)
            (json["errorName"], json["errorText"]) = (reading.ErrorName, reading.ErrorText);
        if (shown == PayloadShown.None)
            return;
        byte[] payload = message.Payload.ToArray();
        string? text = shown == PayloadShown.Hex ? null : Escaped.AsText(payload);
        json["payload"] = text;
        json["payloadBase64"] = text is null ? Convert.ToBase64String(payload) : null;
        json["payloadCut"] = message.IsCut;
    }
}
