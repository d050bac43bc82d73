using System.Reflection;
using Kdbus.Conformance.Worlds.Mounted;
using Xunit.Sdk;
using Xunit.v3;

namespace Kdbus.Conformance.Worlds;

/// <summary>
/// Runs a theory once per world: in all, or in those named. Where a machine cannot mount, the rows that need a mount are skipped and say why.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class WorldsAttribute(params WorldKind[] kinds) : DataAttribute
{
    private static readonly WorldKind[] s_classic = [WorldKind.Memory, WorldKind.Mount, WorldKind.PageCache];
    private static readonly WorldKind[] s_byExchange = [WorldKind.MemoryByExchange, WorldKind.MountByExchange];

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([.. KindsFor(testMethod).Select(Row)]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;

    private WorldKind[] KindsFor(MethodInfo method) =>
        kinds.Length > 0 ? kinds
        : method.DeclaringType!.IsDefined(typeof(AlsoByExchangeAttribute)) && !method.IsDefined(typeof(NotByExchangeAttribute))
            ? [.. s_classic, .. s_byExchange]
        : s_classic;

    private static TheoryDataRow<WorldKind> Row(WorldKind kind) =>
        new(kind) { Skip = kind is WorldKind.Memory or WorldKind.MemoryByExchange ? null : MountWorld.Obstacle };
}

/// <summary>These statements hold as well where messages are sent and received by EXCHANGE: they are run in such worlds too.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class AlsoByExchangeAttribute : Attribute;

/// <summary>But this one is about SEND and RECV themselves.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NotByExchangeAttribute : Attribute;
