using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>What the file about connections shows.</summary>
internal static class ConnectionTables
{
    /// <summary>In place of the name of a process that has ended.</summary>
    private const string Gone = "(gone)";

    private static readonly Format<(int Pid, string? Name)> Process = new(
        AlignRight: false,
        static (cells, process) =>
        {
            if (process.Pid != 0) cells.AddAny(process.Name ?? Gone);
        },
        static (json, process) => json.WriteStringValue(process.Name));

    /// <summary>The connections of a bus.</summary>
    public static Table<ConnectionRow> Connections { get; } = new Table<ConnectionRow>()
        .Column("ID", "id", Format.Number, row => row.Id)
        .Column("KIND", "kind", Format.Word, row => Words.Of(row.Kind))
        .Column("PID", "pid", Format.Number, row => row.Pid == 0 ? null : (ulong)row.Pid)
        .Column("PROCESS", "process", Process, (row, rendering) => (row.Pid, rendering.Processes.Of(row.Pid)))
        .Column("DESCRIPTION", "description", Format.Word, row => row.Description.Length == 0 ? null : row.Description)
        .Column("UID", "uid", Format.Number, row => row.Uid)
        .Column("EUID", "euid", Format.Number, row => row.Euid)
        .Column("EGID", "egid", Format.Number, row => row.Egid)
        .Column("USER", "user", Words.User, row => row.User)
        .Column("PRIVILEGED", "privileged", Format.YesNo, row => row.Privileged)
        .Column("FAKED", "faked", Format.YesNo, row => row.IsFaked)
        .Column("ENDPOINT", "endpoint", Format.Word, row => row.Endpoint)
        .Column("AGE", "connected", Format.Age, (row, rendering) => new Moment(row.ConnectedAt, rendering.Now))
        .Column("LAST READ", "lastRead", Format.Age, (row, rendering) => new Moment(row.LastRead, rendering.Now))
        .Column("QUEUED", "queued", Format.Number, row => (ulong)row.Queued)
        .Column("CHARGED", "chargedBytes", Format.Number, row => row.ChargedBytes)
        .Column("POOL", "poolSize", Format.Number, row => row.PoolSize)
        .Column("USED", "poolUsed", Format.Number, row => row.PoolUsed)
        .Column("SLICES", "slices", Format.Number, row => (ulong)row.Slices)
        .Column("LARGEST FREE", "largestFree", Format.Number, row => row.LargestFree)
        .Column("DROPPED", "dropped", Format.Number, row => row.Dropped)
        .Column("REFUSED", "refused", Format.Number, row => row.Refused)
        .Column("LAST REFUSAL", "lastRefusal", Format.Word, row => Words.Of(row.LastRefusal))
        .Column("SLOTS", "requestSlots", Format.Number, row => (ulong)row.RequestSlots)
        .Column("MATCHES", "matches", Format.Number, row => (ulong)row.Matches)
        .Column("FLAGS", "flags", Format.Flags(FlagNames.Hello), row => (ulong)row.Flags)
        .Column("ACTIVATOR OF", "activatorOf", Format.Word, row => row.ActivatorOf)
        .Column("SENDS", "attachSend", Format.Flags(FlagNames.Attach), row => (ulong)row.AttachSend)
        .Column("WANTS", "attachRecv", Format.Flags(FlagNames.Attach), row => (ulong)row.AttachRecv)
        .Column("NAMES", "names", Format.Words, row => row.Names)
        .Column("WAITS FOR", "waitsFor", Format.Words, row => row.WaitsFor);
}
