namespace Kdbus.Client.Tests;

/// <summary>What a message costs in memory of this process: nothing.</summary>
[Collection(nameof(AllocationTests))]
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public sealed class AllocationTests
{
    private const int Warm = 300;
    private const int Counted = 3000;

    // What happens once in a while - a list that grows, a timer that fires - is not per message.
    private const double PerMessage = 2;

    [Fact]
    public async Task A_call_and_its_answer_allocate_nothing()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted);
        Echo(scene);
        byte[] question = new byte[8];
        double bytes = await MeasureAsync(async count =>
        {
            for (int i = 0; i < count; i++)
                (await scene.Client.CallAsync(scene.Service.Id, question).ConfigureAwait(false)).Dispose();
        });
        Assert.InRange(bytes, 0, PerMessage);
    }

    [Fact]
    public async Task A_blocking_call_allocates_nothing()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted);
        Echo(scene);
        byte[] question = new byte[8];
        double bytes = await MeasureAsync(count =>
        {
            for (int i = 0; i < count; i++)
                scene.Client.Call(scene.Service.Id, question).Dispose();
            return Task.CompletedTask;
        });
        Assert.InRange(bytes, 0, PerMessage);
    }

    [Fact]
    public async Task Sending_and_receiving_allocate_nothing()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted);
        byte[] payload = new byte[64];
        double bytes = await MeasureAsync(async count =>
        {
            for (int i = 0; i < count; i++)
            {
                scene.Client.Send(scene.Service.Id, payload);
                (await scene.Service.ReceiveAsync().ConfigureAwait(false)).Dispose();
            }
        });
        Assert.InRange(bytes, 0, PerMessage);
    }

    [Fact]
    public async Task A_message_through_the_pool_allocates_nothing()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted);
        byte[] payload = new byte[50_000];
        double bytes = await MeasureAsync(async count =>
        {
            for (int i = 0; i < count; i++)
            {
                scene.Client.Send(scene.Service.Id, payload);
                (await scene.Service.ReceiveAsync().ConfigureAwait(false)).Dispose();
            }
        });
        Assert.InRange(bytes, 0, PerMessage);
    }

    private static void Echo(Scene scene) => _ = Task.Run(async () =>
    {
        await foreach (Message request in scene.Service.ReceiveAllAsync())
        {
            using (request)
                request.Reply(request.Payload.FirstSpan);
        }
    });

    private static async Task<double> MeasureAsync(Func<int, Task> repeat)
    {
        await repeat(Warm).ConfigureAwait(false);

        // Others allocate too - the test runner, the compiler that makes better code of what runs often -, so the best of several is meant.
        double best = double.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes();
            await repeat(Counted).ConfigureAwait(false);
            best = Math.Min(best, (GC.GetTotalAllocatedBytes() - before) / (double)Counted);
        }
        return best;
    }
}
