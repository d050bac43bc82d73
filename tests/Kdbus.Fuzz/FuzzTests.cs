using System.Globalization;
using Kdbus.Fuzz.Targets;
using Xunit;

namespace Kdbus.Fuzz;

/// <summary>Each target for a few seconds, from a fixed seed and from one that nobody has tried.</summary>
public sealed class FuzzTests
{
    private static readonly double Seconds =
        double.TryParse(Environment.GetEnvironmentVariable("KDBUSFS_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out var seconds) ? seconds : 2;

    public static TheoryData<string> Names => [.. Campaign.Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Whatever_comes_in_the_rules_hold(string target)
    {
        IFuzzTarget found = Campaign.Targets.Single(each => each.Name == target);
        foreach (var seed in new[] { 1UL, (ulong)Random.Shared.NextInt64() })
        {
            Assert.Null(new Campaign(found, seed).Run(TimeSpan.FromSeconds(Seconds / 2)));
        }

        if (found is CommandTarget) Assert.NotEqual(0, Serving.Traffic.Delivered);
    }
}
