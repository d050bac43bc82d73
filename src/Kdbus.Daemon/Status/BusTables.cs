using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>What the files about the domain show.</summary>
internal static class BusTables
{
    private static readonly Format<IReadOnlyList<EndpointRow>> Endpoints = Format.List<EndpointRow>(
        static (cells, endpoint) => cells.AddAny(endpoint.Name),
        static (json, endpoint) =>
        {
            json.WriteStartObject();
            json.WriteString("name"u8, endpoint.Name);
            json.WriteNumber("uid"u8, endpoint.Uid);
            json.WriteNumber("gid"u8, endpoint.Gid);
            json.WritePropertyName("flags"u8);
            FlagNames.Make.Write(json, (ulong)endpoint.Flags);
            json.WriteBoolean("custom"u8, endpoint.IsCustom);
            json.WriteEndObject();
        });

    /// <summary>The buses.</summary>
    public static Table<BusRow> Buses { get; } = new Table<BusRow>()
        .Column("BUS", "name", Format.Word, bus => bus.Name)
        .Column("ID", "id", Format.Number, bus => bus.Id)
        .Column("UID", "uid", Format.Number, bus => bus.Uid)
        .Column("GID", "gid", Format.Number, bus => bus.Gid)
        .Column("USER", "user", Words.User, bus => bus.User)
        .Column("CONNECTIONS", "connections", Format.Number, bus => (ulong)bus.Connections)
        .Column("MONITORS", "monitors", Format.Number, bus => (ulong)bus.Monitors)
        .Column("NAMES", "names", Format.Number, bus => (ulong)bus.Names)
        .Column("MATCHES", "matches", Format.Number, bus => (ulong)bus.Matches)
        .Column("BLOOM", "bloomSize", Format.Number, bus => bus.BloomSize)
        .Column("HASHES", "bloomHashes", Format.Number, bus => bus.BloomHashes)
        .Column("FLAGS", "flags", Format.Flags(FlagNames.Make), bus => (ulong)bus.Flags)
        .Column("UUID", "uuid", Format.Word, bus => bus.Uuid)
        .Column("REQUIRED", "attachRequired", Format.Flags(FlagNames.Attach), bus => (ulong)bus.Required)
        .Column("UNMET", "unmet", Format.Number, bus => bus.Unmet.Count)
        .Column("LAST MISSING", "lastMissing", Format.Flags(FlagNames.Attach), bus => (ulong)bus.Unmet.Missing)
        .Column("OF PID", "lastMissingPid", Format.Number, bus => bus.Unmet.Pid == 0 ? null : (ulong)bus.Unmet.Pid)
        .Column("CREATOR", "attachCreator", Format.Flags(FlagNames.Attach), bus => (ulong)bus.Creator)
        .Column("ENDPOINTS", "endpoints", Endpoints, bus => bus.Endpoints);

    /// <summary>The limits of the domain.</summary>
    public static Table<LimitRow> Limits { get; } = new Table<LimitRow>()
        .Column("LIMIT", "name", Format.Word, limit => limit.Name)
        .Column("VALUE", "value", Format.Number, limit => (ulong)limit.Value)
        .Column("LEAST", "least", Format.Number, limit => (ulong)limit.Least)
        .Column("MOST", "most", Format.Number, limit => (ulong)limit.Most)
        .Column("ERROR", "error", Format.Word, limit => limit.Error)
        .Column("COUNTS", "counts", Format.Prose, limit => limit.Counts);

    /// <summary>The kinds of metadata, and whether the domain lets them through.</summary>
    public static Table<MetadataRow> Metadata { get; } = new Table<MetadataRow>()
        .Column("KIND", "kind", Format.Word, row => FlagNames.Attach.NameOf((ulong)row.Kind))
        .Column("ITEM", "item", Format.Number, row => (ulong)row.Item)
        .Column("LETS THROUGH", "letsThrough", Format.YesNo, row => row.LetsThrough);

    /// <summary>Who is charged, in all of the domain.</summary>
    public static Table<UserRow> Users { get; } = new Table<UserRow>()
        .Column("USER", "user", Words.User, row => row.User)
        .Column("BUS", "endpointOf", Format.Word, row => row.Bus)
        .Column("BUSES", "buses", Format.Number, row => (ulong)row.Buses)
        .Column("CONNECTIONS", "connections", Format.Number, row => (ulong)row.Connections)
        .Column("MESSAGES", "messages", Format.Number, row => (ulong)row.Messages)
        .Column("FILES", "files", Format.Number, row => (ulong)row.Files);
}
