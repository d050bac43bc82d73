using Kdbus.Abi;
using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>What the files about names and policy show.</summary>
internal static class NameTables
{
    private static readonly Format<IReadOnlyList<WaiterRow>> Waiters = Format.List<WaiterRow>(
        static (cells, waiter) => cells.Add(waiter.Connection),
        static (json, waiter) =>
        {
            json.WriteStartObject();
            json.WriteNumber("connection"u8, waiter.Connection);
            json.WritePropertyName("flags"u8);
            FlagNames.Name.Write(json, (ulong)waiter.Flags);
            json.WriteEndObject();
        });

    private static readonly Format<IReadOnlyList<AccessRow>> Access = Format.List<AccessRow>(
        static (cells, access) =>
        {
            cells.Add(Words.Of(access.Type));
            if (access.Type != PolicyAccessType.World)
            {
                cells.Add(":");
                cells.Add((ulong)access.Id);
            }

            cells.Add("=");
            cells.Add(Words.Of(access.Level));
        },
        static (json, access) =>
        {
            json.WriteStartObject();
            json.WriteString("type"u8, Words.Of(access.Type));
            json.WritePropertyName("id"u8);
            Format.Number.Json(json, access.Type == PolicyAccessType.World ? null : access.Id);
            json.WriteString("level"u8, Words.Of(access.Level));
            json.WriteEndObject();
        });

    /// <summary>The names of a bus that somebody owns.</summary>
    public static Table<NameRow> Names { get; } = new Table<NameRow>()
        .Column("NAME", "name", Format.Word, row => row.Name)
        .Column("OWNER", "owner", Format.Number, row => row.Owner)
        .Column("ACTIVATOR", "activator", Format.Number, row => row.Activator)
        .Column("ENTRY", "entry", Format.Number, row => row.Id)
        .Column("IN FLIGHT", "inFlight", Format.Number, row => (ulong)row.InFlight)
        .Column("FLAGS", "flags", Format.Flags(FlagNames.Name), row => (ulong)row.Flags)
        .Column("WAITERS", "waiters", Waiters, row => row.Waiters);

    /// <summary>The policy of a bus and of its custom endpoints.</summary>
    public static Table<PolicyRow> Policy { get; } = new Table<PolicyRow>()
        .Column("OF", "endpoint", Format.Word, row => row.Endpoint)
        .Column("NAME", "name", Format.Word, row => row.Name)
        .Column("OWNER", "owner", Format.Number, row => row.Owner)
        .Column("UID", "uid", Format.Number, row => row.Uid)
        .Column("ACCESS", "access", Access, row => row.Access);
}
