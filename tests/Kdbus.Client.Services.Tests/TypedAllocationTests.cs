namespace Kdbus.Client.Tests.Services;

/// <summary>What a typed call costs in memory of both processes, which are one here: nothing.</summary>
[Collection(nameof(TypedAllocationTests))]
[CollectionDefinition(nameof(TypedAllocationTests), DisableParallelization = true)]
public sealed class TypedAllocationTests
{
    private const int Warm = 300;
    private const int Counted = 3000;

    // What happens once in a while - a list that grows, a timer that fires - is not per call.
    private const double PerCall = 2;

    [Fact]
    public async Task A_call_and_its_answer_allocate_nothing()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        IClock clock = scene.Client.GetClient<IClock>();
        Assert.InRange(await MeasureAsync(() => clock.DoubleAsync(21)), 0, PerCall);
    }

    [Fact]
    public async Task A_blocking_call_allocates_nothing()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        IClock clock = scene.Client.GetClient<IClock>();
        Assert.InRange(await MeasureAsync(() => ValueTask.FromResult(clock.Add(1, 2))), 0, PerCall);
    }

    private static async Task<double> MeasureAsync(Func<ValueTask<long>> once)
    {
        for (int i = 0; i < Warm; i++)
            await once().ConfigureAwait(false);

        // Others allocate too - the test runner, the compiler that makes better code of what runs often -, so the best of several is meant.
        double best = double.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes();
            for (int i = 0; i < Counted; i++)
                await once().ConfigureAwait(false);
            best = Math.Min(best, (GC.GetTotalAllocatedBytes() - before) / (double)Counted);
        }
        return best;
    }
}
