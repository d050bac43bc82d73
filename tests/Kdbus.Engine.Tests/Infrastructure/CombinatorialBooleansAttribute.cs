using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>All combinations of so many booleans.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CombinatorialBooleansAttribute(int count) : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        var rows = Enumerable.Range(0, 1 << count)
            .Select(row => new TheoryDataRow([.. Enumerable.Range(0, count).Select(bit => (object)((row >> bit & 1) != 0))]));
        return ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([.. rows]);
    }

    public override bool SupportsDiscoveryEnumeration() => true;
}
