using System.Diagnostics;
using System.Globalization;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>
/// Schedules of the whole bus beside a model of it. The usual run takes the same seeds each time and one that was never there
/// before. A failure tells its seed and how long the schedule was, and is repeated by both:
/// <c>KDBUSFS_SEED=19 KDBUSFS_STEPS=4000 Kdbus.Engine.Tests --filter-method "*.Whatever_peers_do*"</c>. The long campaign is a
/// million steps from one seed on: <c>KDBUSFS_SEED=7 KDBUSFS_STEPS=5000000 Kdbus.Engine.Tests --filter-trait Speed=Slow</c> is another.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int StepsOfOne = 4000;

    private static readonly int? GivenSeed = Given("KDBUSFS_SEED");
    private static readonly int? GivenSteps = Given("KDBUSFS_STEPS");

    public static TheoryData<int> Seeds => GivenSeed is { } seed ? [seed] : [.. Enumerable.Range(1, 16), Random.Shared.Next()];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_peers_do_the_bus_does_what_the_model_says(int seed) => Run(seed, GivenSteps ?? StepsOfOne);

    [Fact]
    public void Whatever_is_to_be_seen_is_seen()
    {
        // A schedule in which nothing happens proves nothing.
        var seen = Enumerable.Range(101, 3).SelectMany(seed => Run(seed, 2 * StepsOfOne).World.Model.Tally.Keys).ToHashSet(StringComparer.Ordinal);
        string[] wanted =
        [
            "received", "peeked", "moved", "lost when it was moved", "moved from a pool its owner had written over", "dropped", "notified", "reply",
            "broadcast", "broadcast kept back by policy", "signal", "resumed", "went with its name while it was copied", "told of ReplyDead",
            "told of ReplyTimeout", "call ended with OK", "call ended with EINTR", "call ended with ECANCELED", "call ended with EPIPE",
            "told of a task", "kept from the reader", "kept from who asked", "faked", "call ended with ETIMEDOUT", "call ended with ECONNRESET",
            "moved with files", "lost for its descriptors when it was moved", "broadcast with memfds", "descriptors sent", "descriptors not sent", "unpacked",
            "not unpacked after all", "memfds lost", "numbers told", "number of a pidfd told", "given back before it was handed out",
            "given back while it was copied", "call ended with EREMOTEIO", "Send EMEDIUMTYPE", "Send ETXTBSY", "Send EOPNOTSUPP", "Send EMFILE", "Send ECOMM",
            "Send E2BIG", "Send EUSERS", "FdsInstalled ENXIO", "FdsInstalled EINVAL",
        ];
        Assert.Empty(wanted.Except(seen, StringComparer.Ordinal));
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public void For_a_million_steps()
    {
        var steps = GivenSteps ?? 1_000_000;
        var (seed, left) = (GivenSeed ?? 100_000, steps);
        var (first, started) = (seed, Stopwatch.GetTimestamp());
        var tally = new SortedDictionary<string, long>(StringComparer.Ordinal);
        for (; left > 0; left -= 5 * StepsOfOne)
        {
            foreach (var (what, count) in Run(seed++, Math.Min(left, 5 * StepsOfOne)).World.Model.Tally) tally[what] = tally.GetValueOrDefault(what) + count;
        }

        output.WriteLine($"Seeds {first} to {seed - 1}, {steps} steps, {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s.");
        output.WriteLine(string.Join(", ", tally.Select(each => $"{each.Value} {each.Key}")));
    }

    private Schedule Run(int seed, int steps)
    {
        var schedule = new Schedule(seed);
        try
        {
            schedule.Run(steps);
        }
        catch (Exception failure)
        {
            var end = string.Join("\n ", schedule.World.Player.Transcript.End.TakeLast(50));
            throw new InvalidOperationException(
                $"KDBUSFS_SEED={seed} KDBUSFS_STEPS={steps}, at step {schedule.World.Steps}: {failure.Message}\n {end}", failure);
        }

        output.WriteLine($"Seed {seed}: {schedule.World.Steps} steps.");
        return schedule;
    }

    private static int? Given(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : null;
}
