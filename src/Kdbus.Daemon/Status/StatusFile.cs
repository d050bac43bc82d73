using Kdbus.Engine;
using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>What was copied out of the engine for one reader.</summary>
internal abstract class Snapshot
{
    /// <summary>The bytes of the file.</summary>
    public abstract byte[] Render(bool asJson, Rendering rendering);
}

/// <summary>What files are made of; under the lock of the engine.</summary>
/// <param name="Domain">The domain.</param>
/// <param name="Bus">The bus, or null for what is about the domain.</param>
/// <param name="Server">The server.</param>
internal readonly record struct StatusSource(Domain Domain, Bus? Bus, ServerRow Server);

/// <summary>A file of <c>.status</c>, or of a bus's directory in it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="AsJson">It shows JSON, else text.</param>
/// <param name="Take">Copies what it shows out of the engine; under its lock.</param>
internal sealed record StatusFile(string Name, bool AsJson, Func<StatusSource, Snapshot> Take)
{
    /// <summary>Everybody may read it.</summary>
    public bool IsForAll { get; private init; }

    /// <summary>The files about the domain.</summary>
    public static IReadOnlyList<StatusFile> OfDomain { get; } =
    [
        .. Of("buses", BusTables.Buses, static source => DomainStatus.Buses(source.Domain)),
        .. Of("limits", BusTables.Limits, static source => DomainStatus.Limits(source.Domain)),
        .. Of("memory", MemoryTables.Memory, static _ => MemoryTables.Rows()),
        .. Of("metadata", BusTables.Metadata, static source => DomainStatus.Metadata(source.Domain)),
        .. Of("server", ServerTables.Server, static source => ServerTables.Rows(source.Server)).Select(static file => file with { IsForAll = true }),
        .. Of("users", BusTables.Users, static source => DomainStatus.Users(source.Domain)),
    ];

    /// <summary>The files about a bus.</summary>
    public static IReadOnlyList<StatusFile> OfBus { get; } =
    [
        .. Of("connections", ConnectionTables.Connections, static source => BusStatus.Connections(source.Bus!)),
        .. Of("names", NameTables.Names, static source => BusStatus.Names(source.Bus!)),
        .. Of("matches", MatchTables.Matches, static source => BusStatus.Matches(source.Bus!)),
        .. Of("queues", MessageTables.Queues, static source => BusStatus.Queues(source.Bus!)),
        .. Of("replies", MessageTables.Replies, static source => BusStatus.Replies(source.Bus!)),
        .. Of("policy", NameTables.Policy, static source => BusStatus.Policy(source.Bus!)),
        .. Of("quota", MessageTables.Quota, static source => BusStatus.Quota(source.Bus!)),
    ];

    private static StatusFile[] Of<TRow>(string name, Table<TRow> table, Func<StatusSource, Listing<TRow>> rows)
    {
        Snapshot Take(StatusSource source) => new Snapshot<TRow>(table, source.Bus?.Name, rows(source));
        return [new StatusFile(name, AsJson: false, Take), new StatusFile($"{name}.json", AsJson: true, Take)];
    }

    private sealed class Snapshot<TRow>(Table<TRow> table, string? bus, Listing<TRow> rows) : Snapshot
    {
        public override byte[] Render(bool asJson, Rendering rendering) =>
            asJson ? table.ToJson(bus, rows, rendering) : table.ToText(rows, rendering);
    }
}
