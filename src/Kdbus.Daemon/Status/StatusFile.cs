using Kdbus.Engine;
using Kdbus.Engine.Status;

namespace Kdbus.Daemon.Status;

/// <summary>What was copied out of the engine for one reader.</summary>
internal abstract class Snapshot
{
    /// <summary>The bytes of the file.</summary>
    public abstract byte[] Render(bool asJson, Rendering rendering);
}

/// <summary>A file of <c>.status</c>, or of a bus's directory in it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="AsJson">It shows JSON, else text.</param>
/// <param name="Take">Copies what it shows out of the engine; under its lock.</param>
internal sealed record StatusFile(string Name, bool AsJson, Func<Domain, Bus?, Snapshot> Take)
{
    /// <summary>The files about the domain.</summary>
    public static IReadOnlyList<StatusFile> OfDomain { get; } =
    [
        .. Of("buses", BusTables.Buses, static (domain, _) => DomainStatus.Buses(domain)),
        .. Of("limits", BusTables.Limits, static (domain, _) => DomainStatus.Limits(domain)),
        .. Of("memory", MemoryTables.Memory, static (_, _) => MemoryTables.Rows()),
        .. Of("metadata", BusTables.Metadata, static (domain, _) => DomainStatus.Metadata(domain)),
        .. Of("users", BusTables.Users, static (domain, _) => DomainStatus.Users(domain)),
    ];

    /// <summary>The files about a bus.</summary>
    public static IReadOnlyList<StatusFile> OfBus { get; } =
    [
        .. Of("connections", ConnectionTables.Connections, static (_, bus) => BusStatus.Connections(bus!)),
        .. Of("names", NameTables.Names, static (_, bus) => BusStatus.Names(bus!)),
        .. Of("matches", MatchTables.Matches, static (_, bus) => BusStatus.Matches(bus!)),
        .. Of("queues", MessageTables.Queues, static (_, bus) => BusStatus.Queues(bus!)),
        .. Of("replies", MessageTables.Replies, static (_, bus) => BusStatus.Replies(bus!)),
        .. Of("policy", NameTables.Policy, static (_, bus) => BusStatus.Policy(bus!)),
        .. Of("quota", MessageTables.Quota, static (_, bus) => BusStatus.Quota(bus!)),
    ];

    private static StatusFile[] Of<TRow>(string name, Table<TRow> table, Func<Domain, Bus?, Listing<TRow>> rows)
    {
        Snapshot Take(Domain domain, Bus? bus) => new Snapshot<TRow>(table, bus?.Name, rows(domain, bus));
        return [new StatusFile(name, AsJson: false, Take), new StatusFile($"{name}.json", AsJson: true, Take)];
    }

    private sealed class Snapshot<TRow>(Table<TRow> table, string? bus, Listing<TRow> rows) : Snapshot
    {
        public override byte[] Render(bool asJson, Rendering rendering) =>
            asJson ? table.ToJson(bus, rows, rendering) : table.ToText(rows, rendering);
    }
}
