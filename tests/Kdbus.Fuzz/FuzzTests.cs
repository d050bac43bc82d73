using System.Globalization;
using Kdbus.Fuzz.Targets;
using Xunit;

namespace Kdbus.Fuzz;

/// <summary>
/// Each target for a few seconds from fixed seeds, so that the same tree gives the same answer twice. With KDBUSFS_FUZZ_SECONDS it is for so
/// long, and from a seed that nobody has tried.
/// </summary>
public sealed class FuzzTests
{
    private static readonly string? Asked = Environment.GetEnvironmentVariable("KDBUSFS_FUZZ_SECONDS");

    private static readonly bool IsCampaign = Asked is not null;

    private static readonly double Seconds = Asked is null ? 2 : double.Parse(Asked, CultureInfo.InvariantCulture);

    public static TheoryData<string> Names => [.. Campaign.Targets.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Whatever_comes_in_the_rules_hold(string target)
    {
        IFuzzTarget found = Campaign.Targets.Single(each => each.Name == target);
        foreach (var seed in new[] { 1UL, IsCampaign ? (ulong)Random.Shared.NextInt64() : 2UL })
        {
            var failure = new Campaign(found, seed).Run(TimeSpan.FromSeconds(Seconds / 2));
            Assert.True(failure is null, failure);
        }

        if (found is CommandTarget)
        {
            var seen = Serving.Judge.Seen;
            // In two seconds not everything happens.
            long[] kinds = IsCampaign
                ? [seen.Messages, seen.Signals, seen.Named, seen.Copies, seen.LargeCopies, seen.Described, seen.Answers, seen.Notifications, seen.Ordered, seen.WithFiles, seen.Unpacked]
                : [seen.Messages];
            Assert.DoesNotContain(0, kinds);
        }
    }
}
