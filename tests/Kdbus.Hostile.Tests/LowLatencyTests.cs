using System.Runtime.InteropServices;
using Kdbus.Daemon.Serving;

namespace Kdbus.Hostile.Tests;

/// <summary>The wish that idle CPUs stay awake, as the kernel tells it.</summary>
public sealed class LowLatencyTests
{
    private const string Device = "/dev/cpu_dma_latency";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Idle_CPUs_are_kept_awake_while_calls_follow_each_other_and_not_longer()
    {
        if (!File.Exists(Device))
            Assert.Skip($"{Device} is not there.");
        if (Wished() == 0)
            Assert.Skip("Another program keeps the CPUs awake.");
        using Scene scene = new(WorldKind.Mount, new ServerOptions { LowLatency = true });
        using Tool calls = new("calls", scene.Bus.Endpoint, "exchange");
        await Until(() => Wished() != 0, "before there are calls nothing is wished for");

        using var enough = new CancellationTokenSource();
        Task talk = Task.Run(
            () =>
            {
                while (!enough.IsCancellationRequested)
                    Assert.Equal("done", calls.Ask("1000"));
            },
            TestContext.Current.CancellationToken);
        await Until(() => Wished() == 0, "the CPUs are kept awake");
        await enough.CancelAsync();
        await talk;
        await Until(() => Wished() != 0, "they may sleep again");
    }

    /// <summary>Microseconds of the strictest wish there is: reading the device tells it.</summary>
    private static int Wished()
    {
        using FileStream device = new(Device, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        int value = 0;
        device.ReadExactly(MemoryMarshal.AsBytes(new Span<int>(ref value)));
        return value;
    }

    private static async Task Until(Func<bool> holds, string what)
    {
        using CancellationTokenSource late = new(Patience);
        while (!holds())
        {
            Assert.False(late.IsCancellationRequested, what);
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }
}
