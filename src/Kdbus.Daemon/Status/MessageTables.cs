using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>What the files about messages show: queues, requests, quota.</summary>
internal static class MessageTables
{
    /// <summary>In place of the number of a sender that is the bus itself.</summary>
    private const string Bus = "bus";

    private static readonly Format<ulong?> Sender = new(
        AlignRight: true,
        static (cells, sender) =>
        {
            if (sender is { } id) cells.Add(id);
            else cells.Add(Bus);
        },
        Format.Number.Json);

    private static readonly Format<IReadOnlyList<HolderRow>> Holders = Format.List<HolderRow>(
        static (cells, holder) =>
        {
            Sender.Text(cells, holder.Connection);
            cells.Add(":");
            cells.Add((ulong)holder.Messages);
            cells.Add(":");
            cells.Add(holder.Bytes);
        },
        static (json, holder) =>
        {
            json.WriteStartObject();
            json.WritePropertyName("connection"u8);
            Sender.Json(json, holder.Connection);
            json.WriteNumber("messages"u8, holder.Messages);
            json.WriteNumber("bytes"u8, holder.Bytes);
            json.WriteEndObject();
        });

    /// <summary>The messages that wait.</summary>
    public static Table<QueueRow> Queues { get; } = new Table<QueueRow>()
        .Column("RECEIVER", "receiver", Format.Number, row => row.Receiver)
        .Column("POSITION", "position", Format.Number, row => (ulong)row.Position)
        .Column("SENDER", "sender", Sender, row => row.Sender)
        .Column("USER", "user", Words.User, row => row.User)
        .Column("BYTES", "bytes", Format.Number, row => row.Size)
        .Column("FDS", "fds", Format.Number, row => (ulong)row.Fds)
        .Column("PRIORITY", "priority", Format.Signed, row => row.Priority)
        .Column("OFFSET", "offset", Format.Number, row => row.Offset)
        .Column("REQUEST", "request", Format.Number, row => row.Request)
        .Column("ENDED", "requestEnded", Format.YesNo, row => row.RequestEnded)
        .Column("PEEKED", "peeked", Format.YesNo, row => row.Peeked)
        .Column("KEPT", "kept", Format.YesNo, row => row.Kept)
        .Column("NAME", "name", Format.Word, row => row.Name);

    /// <summary>The requests without a reply.</summary>
    public static Table<ReplyRow> Replies { get; } = new Table<ReplyRow>()
        .Column("REQUESTER", "requester", Format.Number, row => row.Requester)
        .Column("COOKIE", "cookie", Format.Number, row => row.Cookie)
        .Column("ANSWERER", "answerer", Format.Number, row => row.Answerer)
        .Column("STATE", "state", Format.Word, row => Words.Of(row.State))
        .Column("DEADLINE", "deadline", Format.Remaining, (row, rendering) => new Moment(row.Deadline, rendering.Now))
        .Column("SYNC", "synchronous", Format.YesNo, row => row.Synchronous)
        .Column("EXPECTED", "expected", Format.YesNo, row => row.Expected)
        .Column("QUEUED", "queued", Format.YesNo, row => row.Queued)
        .Column("RESULT", "result", Format.Word, row => row.Result?.ToString())
        .Column("ANSWER", "answerBytes", Format.Number, row => row.AnswerBytes)
        .Column("SLOTS", "slots", Format.Number, row => (ulong)row.Slots)
        .Column("NAME", "name", Format.Word, row => row.Name);

    /// <summary>Who holds how much of whose pool and queue.</summary>
    public static Table<QuotaRow> Quota { get; } = new Table<QuotaRow>()
        .Column("RECEIVER", "receiver", Format.Number, row => row.Receiver)
        .Column("USER", "user", Words.User, row => row.User)
        .Column("MESSAGES", "messages", Format.Number, row => (ulong)row.Share.Messages)
        .Column("LIMIT", "messagesLimit", Format.Number, row => Held(row, row.Share.MessagesLimit))
        .Column("BYTES", "bytes", Format.Number, row => row.Share.Bytes)
        .Column("LIMIT", "bytesLimit", Format.Number, row => row.User == null ? null : row.Share.BytesLimit)
        .Column("FDS", "fds", Format.Number, row => (ulong)row.Share.Fds)
        .Column("LIMIT", "fdsLimit", Format.Number, row => Held(row, row.Share.FdsLimit))
        .Column("ON THE WAY", "onTheWayBytes", Format.Number, row => row.OnTheWay)
        .Column("REFUSED", "refused", Format.Number, row => row.Refused)
        .Column("LAST REFUSAL", "lastRefusal", Format.Word, row => Words.Of(row.LastRefusal))
        .Column("HOLDERS", "holders", Holders, row => row.Holders);

    private static ulong? Held(QuotaRow row, int limit) => row.User == null ? null : (ulong)limit;
}
