using System.Globalization;

namespace Kdbus.Engine.Tests.Simulation;

/// <summary>Many schedules: nothing is lost, nothing comes twice, nothing is left. Another first seed by KDBUSFS_SIMULATION_SEED.</summary>
public sealed class SimulationTests
{
    private const int Steps = 3000;

    private static readonly int FirstSeed =
        int.TryParse(Environment.GetEnvironmentVariable("KDBUSFS_SIMULATION_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : 1;

    [Fact]
    public void Whatever_peers_do_messages_come_once_and_in_order_and_everything_is_given_back()
    {
        var (delivered, notified, answered) = (0, 0, 0);
        for (var seed = FirstSeed; seed < FirstSeed + 40; seed++)
        {
            var schedule = Run(seed);
            delivered += schedule.Delivered;
            notified += schedule.Notified;
            answered += schedule.Answered;
        }

        // A schedule in which nothing happens proves nothing.
        Assert.InRange(delivered, 2000, int.MaxValue);
        Assert.InRange(notified, 100, int.MaxValue);
        Assert.InRange(answered, 200, int.MaxValue);
    }

    [Fact]
    public void The_same_inputs_give_the_same_outputs_bit_for_bit()
    {
        for (var seed = FirstSeed + 1000; seed < FirstSeed + 1005; seed++)
        {
            var once = Run(seed).Transcript;
            Assert.Equal(once, Run(seed).Transcript);
            Assert.InRange(once.Count, Steps, int.MaxValue);
        }
    }

    private static Schedule Run(int seed)
    {
        var schedule = new Schedule(seed);
        try
        {
            schedule.Run(Steps);
        }
        catch (Exception failure)
        {
            var end = string.Join('\n', schedule.Transcript.TakeLast(30));
            throw new InvalidOperationException($"Schedule {seed}, step {schedule.Transcript.Count}: {failure.Message}\n{end}", failure);
        }

        return schedule;
    }
}
