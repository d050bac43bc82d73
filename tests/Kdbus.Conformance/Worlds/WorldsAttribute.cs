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
    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(
            [.. (kinds.Length > 0 ? kinds : Enum.GetValues<WorldKind>()).Select(Row)]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;

    private static TheoryDataRow<WorldKind> Row(WorldKind kind) =>
        new(kind) { Skip = kind == WorldKind.Memory ? null : MountWorld.Obstacle };
}
