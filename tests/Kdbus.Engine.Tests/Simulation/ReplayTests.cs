namespace Kdbus.Engine.Tests.Simulation;

/// <summary>A domain is what came into it: the log of its inputs makes it again, wherever one begins.</summary>
public sealed class ReplayTests
{
    private const int Steps = 2000;

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    public void The_log_gives_the_same_outputs_the_same_pools_and_the_same_state(int seed)
    {
        var lived = Live(seed);
        var replayed = InputPlayer.Replay(Written(lived.Log), lived.Log.Inputs.Count);
        AssertSame(lived.Player, replayed);
    }

    [Theory]
    [InlineData(311)]
    [InlineData(312)]
    public void Any_part_of_the_log_gives_the_state_of_then_and_leads_to_the_same_end(int seed)
    {
        var lived = Live(seed);
        var log = Written(lived.Log);
        var walker = new InputPlayer(log.Limits);
        for (var i = 0; i < log.Inputs.Count; i++)
        {
            walker.Apply(log.Inputs[i]);
            if (i % 256 == 255) AssertSame(walker, InputPlayer.Replay(log, i + 1));
        }

        AssertSame(lived.Player, walker);
    }

    [Fact]
    public void A_log_takes_a_few_bytes_for_each_input_beside_what_the_input_holds()
    {
        var log = Live(321).Log;
        var stream = new MemoryStream();
        log.Save(stream);
        var held = log.Inputs.OfType<Input.Execute>().Sum(input => input.Frame.Length + input.Message.Length + input.Payload.Length + (16 * input.Files.Length) + Known(input));
        Assert.InRange((stream.Length - held) / (double)log.Inputs.Count, 1, 64);
    }

    private static long Known(Input.Execute input)
    {
        var stream = new MemoryStream();
        using var to = new BinaryWriter(stream);
        to.WriteRecord(input.Process);
        to.WriteView(input.View);
        to.WriteNamed(input.Named);
        to.WriteMaps(input.Caller.Maps);
        return stream.Length;
    }

    /// <summary>Not to the end, where nothing is left that could differ.</summary>
    private static World Live(int seed)
    {
        var schedule = new Schedule(seed);
        schedule.RunOpen(Steps);
        return schedule.World;
    }

    private static InputLog Written(InputLog log)
    {
        var file = new MemoryStream();
        log.Save(file);
        file.Position = 0;
        var read = InputLog.Load(file);
        Assert.Equal(log.Inputs.Count, read.Inputs.Count);
        return read;
    }

    private static void AssertSame(InputPlayer one, InputPlayer other)
    {
        Assert.Equal(DomainDump.Of(one.Domain), DomainDump.Of(other.Domain));
        Assert.Equal(string.Join('\n', one.Transcript.End), string.Join('\n', other.Transcript.End));
        Assert.Equal((one.Transcript.Lines, one.Transcript.Hash), (other.Transcript.Lines, other.Transcript.Hash));
        Assert.Equal(one.Pools.Keys.Order(), other.Pools.Keys.Order());
        foreach (var (handle, pool) in one.Pools) Assert.True(pool.Bytes.SequenceEqual(other.Pools[handle].Bytes), $"The pool of {handle} differs.");
    }
}
