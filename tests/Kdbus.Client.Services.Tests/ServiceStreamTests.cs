using Kdbus.Testing;

namespace Kdbus.Client.Tests.Services;

/// <summary>Streams over a bus.</summary>
public sealed class ServiceStreamTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Values_come_in_order_and_end(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        IAsyncEnumerable<Tick> ticks = scene.Client.GetClient<IClock>().TicksAsync(100, Stop);
        for (int enumeration = 0; enumeration < 2; enumeration++)
        {
            int next = 0;
            await foreach (Tick tick in ticks)
                Assert.Equal(new Tick(next, $"tick {next++}"), tick);
            Assert.Equal(100, next);
        }
        Assert.Equal(0, serving.OpenStreams);
    }

    [Fact]
    public async Task A_service_makes_at_most_two_windows_more_than_were_taken()
    {
        const int Window = 8;
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        Clock clock = new();
        await using Serving serving = await scene.Service.ServeAsync<IClock>(clock);
        IClock client = scene.Client.GetClient<IClock>(new ClientOptions { StreamWindow = Window });
        int taken = 0;
        await foreach (Tick tick in client.TicksAsync(0, Stop))
        {
            taken++;
            if (taken % 50 == 0)
                await Task.Delay(20, Stop);
            // One batch has been handed out in part, one has been sent, one is made in advance.
            Assert.InRange(clock.Made, taken, taken + 3 * Window);
            if (taken == 500)
                break;
        }
        await clock.StreamDisposed.WaitAsync(TimeSpan.FromSeconds(10), Stop);
        await EventuallyAsync(() => serving.OpenStreams == 0);
    }

    [Fact]
    public async Task An_error_comes_after_the_values_before_it()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        int taken = 0;
        TooEarlyException fault = await Assert.ThrowsAsync<TooEarlyException>(async () =>
        {
            await foreach (Tick tick in scene.Client.GetClient<IClock>().TicksAsync(-40, Stop))
                taken++;
        });
        Assert.Equal((40, "That was all."), (taken, fault.Message));
    }

    [Theory]
    [MemberData(nameof(Scene.ExchangeWays), MemberType = typeof(Scene))]
    public async Task Cancelling_the_enumeration_disposes_that_of_the_service(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        Clock clock = new();
        await using Serving serving = await scene.Service.ServeAsync<IClock>(clock);
        using CancellationTokenSource cancellation = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            // The first one comes after a minute.
            Task later = Task.Delay(100, Stop).ContinueWith(_ => cancellation.Cancel(), TaskScheduler.Default);
            await foreach (Tick tick in scene.Client.GetClient<IClock>().TicksAsync(60_000, Stop).WithCancellation(cancellation.Token))
                Assert.Fail("too early");
            await later;
        });
        await clock.StreamDisposed.WaitAsync(TimeSpan.FromSeconds(10), Stop);
    }

    [Fact]
    public async Task A_slow_stream_outlives_the_timeout_of_its_calls()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        IClock client = scene.Client.GetClient<IClock>(new ClientOptions { Timeout = TimeSpan.FromMilliseconds(900) });
        await foreach (Tick tick in client.TicksAsync(2000, Stop))
        {
            Assert.Equal(0, tick.Number);
            break;
        }
    }

    [Theory]
    [MemberData(nameof(Scene.ExchangeWays), MemberType = typeof(Scene))]
    public async Task The_stream_of_a_client_that_dies_is_disposed(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        Clock clock = new();
        await using Serving serving = await scene.Service.ServeAsync<IClock>(clock);
        await using TestPeer peer = await scene.Bus.StartPeerAsync(ct: Stop);
        IAsyncEnumerator<Tick> ticks = peer.Connection.GetClient<IClock>().TicksAsync(0, Stop).GetAsyncEnumerator(Stop);
        Assert.True(await ticks.MoveNextAsync());
        Assert.Equal(1, serving.OpenStreams);
        peer.Die();
        await clock.StreamDisposed.WaitAsync(TimeSpan.FromSeconds(10), Stop);
        await EventuallyAsync(() => serving.OpenStreams == 0);
    }

    [Fact]
    public async Task A_stream_that_is_not_asked_for_more_is_ended()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        Clock clock = new();
        await using Serving serving = await scene.Service.ServeAsync<IClock>(clock, new ServeOptions { StreamLease = TimeSpan.FromMilliseconds(200) });
        await using IAsyncEnumerator<Tick> ticks = scene.Client.GetClient<IClock>(new ClientOptions { StreamWindow = 2 }).TicksAsync(0, Stop).GetAsyncEnumerator(Stop);
        Assert.True(await ticks.MoveNextAsync());
        await clock.StreamDisposed.WaitAsync(TimeSpan.FromSeconds(10), Stop);
        PeerFailedException fault = await Assert.ThrowsAsync<PeerFailedException>(async () =>
        {
            while (await ticks.MoveNextAsync())
            {
            }
        });
        Assert.Equal(BusErrors.UnknownStream, fault.ErrorName);
    }

    [Fact]
    public async Task A_stream_that_its_service_gives_up_does_not_look_complete()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        await using IAsyncEnumerator<Tick> ticks = scene.Client.GetClient<IClock>().TicksAsync(60_000, Stop).GetAsyncEnumerator(Stop);
        ValueTask<bool> first = ticks.MoveNextAsync();
        await Task.Delay(50, Stop);
        await serving.DisposeAsync();
        Assert.Equal(BusErrors.Canceled, (await Assert.ThrowsAsync<PeerFailedException>(async () => await first)).ErrorName);
    }

    [Fact]
    public async Task A_client_has_only_so_many_streams()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock(), new ServeOptions { MaxStreamsPerClient = 1 });
        IClock client = scene.Client.GetClient<IClock>();
        await using IAsyncEnumerator<Tick> first = client.TicksAsync(0, Stop).GetAsyncEnumerator(Stop);
        Assert.True(await first.MoveNextAsync());
        await using IAsyncEnumerator<Tick> second = client.TicksAsync(0, Stop).GetAsyncEnumerator(Stop);
        Assert.Equal(BusErrors.TooManyStreams, (await Assert.ThrowsAsync<PeerFailedException>(async () => await second.MoveNextAsync())).ErrorName);
    }

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        for (int i = 0; i < 200 && !condition(); i++)
            await Task.Delay(20, Stop);
        Assert.True(condition());
    }
}
