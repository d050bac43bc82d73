using System.Text.Json.Serialization;

namespace Kdbus.Cli.Status;

/// <summary>A file of <c>.status</c>.</summary>
internal sealed record StatusTable<TRow>(IReadOnlyList<TRow> Rows);

/// <summary>Flags: the number, and names.</summary>
internal sealed record StatusFlags(ulong Value, IReadOnlyList<string> Names);

/// <summary>Who is charged: a user, the anonymous user of a custom endpoint, or, with neither, the bus.</summary>
internal sealed record StatusUser(uint? Uid, string? Endpoint)
{
    /// <inheritdoc/>
    public override string ToString() => Uid is { } uid ? $"user {uid}" : Endpoint is not null ? $"endpoint {Endpoint}" : "the bus";
}

/// <summary>A time of CLOCK_MONOTONIC that is past, in nanoseconds, and how long ago that was.</summary>
internal sealed record StatusAge(ulong Monotonic, long Age)
{
    /// <summary>How long ago.</summary>
    [JsonIgnore]
    public TimeSpan Since => TimeSpan.FromTicks(Age / 100);
}

/// <summary>A time of CLOCK_MONOTONIC that is to come, in nanoseconds, and how long it is until then.</summary>
internal sealed record StatusRemaining(ulong Monotonic, long Remaining)
{
    /// <summary>How long until then.</summary>
    [JsonIgnore]
    public TimeSpan Left => TimeSpan.FromTicks(Remaining / 100);
}

/// <summary>The server of a domain.</summary>
internal sealed record ServerRow(string Version, int Pid, uint Uid, string Profile, string Fuse, StatusAge Started, bool Extensions, bool LowLatency);

/// <summary>A bus.</summary>
internal sealed record BusRow(
    string Name, ulong Id, uint Uid, uint Gid, int Connections, int Monitors, int Names, int Matches, int BloomSize, int BloomHashes, StatusFlags Flags, string Uuid,
    StatusFlags AttachRequired, StatusFlags AttachCreator);

/// <summary>A limit of the domain.</summary>
internal sealed record LimitRow(string Name, long Value, long Least, long Most, string Error, string Counts);

/// <summary>A connection.</summary>
internal sealed record ConnectionRow(
    ulong Id, string Kind, int? Pid, string? Process, string? Description, uint Uid, uint Euid, uint Egid, StatusUser User, bool Privileged, bool Faked, string Endpoint,
    StatusAge Connected, StatusAge? LastRead, long Queued, long ChargedBytes, long PoolSize, long PoolUsed, long Slices, long LargestFree, ulong Dropped, ulong Refused,
    string? LastRefusal, int RequestSlots, int Matches, StatusFlags Flags, string? ActivatorOf, StatusFlags AttachSend, StatusFlags AttachRecv, IReadOnlyList<string> Names,
    IReadOnlyList<string> WaitsFor);

/// <summary>A connection that waits for a name.</summary>
internal sealed record WaiterRow(ulong Connection, StatusFlags Flags);

/// <summary>A name.</summary>
internal sealed record NameRow(string Name, ulong? Owner, ulong? Activator, ulong Entry, int InFlight, StatusFlags Flags, IReadOnlyList<WaiterRow> Waiters);

/// <summary>A rule of a match.</summary>
internal sealed record RuleRow(string Type, ulong? Id, ulong? OldId, ulong? NewId, string? Name, string? Masks);

/// <summary>A match.</summary>
internal sealed record MatchRow(ulong Connection, ulong Cookie, IReadOnlyList<RuleRow> Rules);

/// <summary>A message in a queue.</summary>
internal sealed record QueueRow(
    ulong Receiver, int Position, ulong? Sender, StatusUser? User, long Bytes, int Fds, long Priority, ulong Offset, ulong? Request, bool RequestEnded, bool Peeked, bool Kept, string? Name);

/// <summary>A reply that is waited for.</summary>
internal sealed record ReplyRow(
    ulong Requester, ulong Cookie, ulong Answerer, string State, StatusRemaining? Deadline, bool Synchronous, bool Expected, bool Queued, string? Result, long AnswerBytes, int Slots, string? Name);

/// <summary>Who may do what: <c>user</c>, <c>group</c> or <c>world</c>; <c>see</c>, <c>talk</c> or <c>own</c>.</summary>
internal sealed record AccessRow(string Type, ulong? Id, string Level);

/// <summary>A policy entry, of the bus or of a custom endpoint.</summary>
internal sealed record PolicyRow(string? Endpoint, string Name, ulong? Owner, uint? Uid, IReadOnlyList<AccessRow> Access);

/// <summary>How much of what a user holds in a queue came from one sender.</summary>
internal sealed record HolderRow(ulong? Connection, long Messages, long Bytes);

/// <summary>What a user holds of a receiver's queue and pool.</summary>
internal sealed record QuotaRow(
    ulong Receiver, StatusUser? User, long Messages, long? MessagesLimit, long Bytes, long? BytesLimit, long Fds, long? FdsLimit, long OnTheWayBytes, ulong Refused, string? LastRefusal,
    IReadOnlyList<HolderRow> Holders);

/// <summary>Reads them without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusTable<ServerRow>))]
[JsonSerializable(typeof(StatusTable<BusRow>))]
[JsonSerializable(typeof(StatusTable<LimitRow>))]
[JsonSerializable(typeof(StatusTable<ConnectionRow>))]
[JsonSerializable(typeof(StatusTable<NameRow>))]
[JsonSerializable(typeof(StatusTable<MatchRow>))]
[JsonSerializable(typeof(StatusTable<QueueRow>))]
[JsonSerializable(typeof(StatusTable<ReplyRow>))]
[JsonSerializable(typeof(StatusTable<PolicyRow>))]
[JsonSerializable(typeof(StatusTable<QuotaRow>))]
internal sealed partial class StatusJson : JsonSerializerContext;
