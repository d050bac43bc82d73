namespace Kdbus.Client.Tests.Services;

/// <summary>Typed calls over a bus.</summary>
public sealed class ServiceCallTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Members_of_every_kind_answer(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        Clock clock = new();
        await using Serving serving = await scene.Service.ServeAsync<IClock>(clock);
        IClock client = scene.Client.GetClient<IClock>();

        Assert.Equal(5, client.Add(2, 3));
        Assert.Equal(DateTimeOffset.UnixEpoch, await client.NowAsync(Stop));
        Assert.Equal(-84, await client.DoubleAsync(-42));
        await client.SetAsync(DateTimeOffset.MaxValue);
        await client.ResetAsync();
        client.Touch();
        Assert.Equal(1, clock.Touched);
        Assert.Equal("äöü Local 3", client.Name("äöü", Zone.Local, [1, 2, 3]));
        Assert.Null(client.Name(null));
        Assert.Equal("org.example.Clock", serving.Interface);
        Assert.True(serving.Name!.IsOwner);
    }

    [Fact]
    public async Task A_client_can_address_a_connection()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock(), new ServeOptions { AcquireName = false });
        Assert.Null(serving.Name);
        Assert.Equal(5, scene.Client.GetClient<IClock>(scene.Service.Id).Add(2, 3));
        Assert.Throws<BusRefusedException>(() => scene.Client.GetClient<IClock>().Add(2, 3));
    }

    [Fact]
    public async Task Handlers_can_run_on_the_thread_pool()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        Clock clock = new();
        await using Serving serving = await scene.Service.ServeAsync<IClock>(clock, new ServeOptions { RunOn = ServeThread.ThreadPool });
        IClock client = scene.Client.GetClient<IClock>();
        client.Touch();
        Assert.Equal(1, clock.Touched);
        Assert.Equal(DateTimeOffset.UnixEpoch, await client.NowAsync(Stop));
        Assert.Equal(3, await CountAsync(client.TicksAsync(3, Stop)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" later")]
    public async Task Errors_arrive_as_what_they_are(string when)
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        List<ServiceFault> faults = [];
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock(), new ServeOptions { OnError = faults.Add });
        IClock client = scene.Client.GetClient<IClock>();

        Assert.Equal("It is night.", (await Assert.ThrowsAsync<TooEarlyException>(() => client.FailAsync("early" + when))).Message);
        await Assert.ThrowsAsync<TooLateException>(() => client.FailAsync("late" + when));
        Assert.Equal("org.example.Other", (await Assert.ThrowsAsync<PeerFailedException>(() => client.FailAsync("other" + when))).ErrorName);
        Assert.Equal(BusErrors.Canceled, (await Assert.ThrowsAsync<PeerFailedException>(() => client.FailAsync("cancel" + when))).ErrorName);
        Assert.Empty(faults);

        PeerFailedException unhandled = await Assert.ThrowsAsync<PeerFailedException>(() => client.FailAsync("bug" + when));
        Assert.Equal(BusErrors.Unhandled, unhandled.ErrorName);
        Assert.DoesNotContain("secret", unhandled.Message, StringComparison.Ordinal);
        ServiceFault fault = Assert.Single(faults);
        Assert.Equal(("org.example.Clock", "Fail", scene.Client.Id), (fault.Interface, fault.Member, fault.Caller));
        Assert.Equal("a secret", fault.Exception.Message);
    }

    [Fact]
    public async Task Details_are_told_if_that_is_wanted()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock(), new ServeOptions { TellDetails = true });
        PeerFailedException fault = await Assert.ThrowsAsync<PeerFailedException>(() => scene.Client.GetClient<IClock>().FailAsync("bug"));
        Assert.Contains("a secret", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Cancelling_reaches_the_handler(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        Clock clock = new();
        await using Serving serving = await scene.Service.ServeAsync<IClock>(clock);
        using CancellationTokenSource cancellation = new();
        Task call = scene.Client.GetClient<IClock>().WaitAsync(cancellation.Token);
        await Task.Delay(50, Stop);
        Assert.False(clock.Canceled.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await clock.Canceled.WaitAsync(TimeSpan.FromSeconds(10), Stop);
    }

    [Fact]
    public async Task The_deadline_of_a_call_cancels_its_handler()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted);
        Clock clock = new();
        await using Serving serving = await scene.Service.ServeAsync<IClock>(clock);
        IClock client = scene.Client.GetClient<IClock>(new ClientOptions { Timeout = TimeSpan.FromMilliseconds(100) });
        PeerFailedException fault = await Assert.ThrowsAsync<PeerFailedException>(() => client.WaitAsync(Stop));
        Assert.True(fault.ErrorName is BusErrors.TimedOut or BusErrors.Canceled);
        await clock.Canceled.WaitAsync(TimeSpan.FromSeconds(10), Stop);
    }

    [Fact]
    public async Task Disposing_the_serving_cancels_handlers_and_releases_the_name()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        Clock clock = new();
        Serving serving = await scene.Service.ServeAsync<IClock>(clock);
        IClock client = scene.Client.GetClient<IClock>();
        Task call = client.WaitAsync(Stop);
        await Task.Delay(50, Stop);
        await serving.DisposeAsync();
        Assert.True(clock.Canceled.IsCompleted);
        Assert.Equal(BusErrors.Canceled, (await Assert.ThrowsAsync<PeerFailedException>(() => call)).ErrorName);
        Assert.False(scene.Client.GetOwner("org.example.Clock").IsOwned);
        PeerFailedException late = Assert.Throws<PeerFailedException>(() => scene.Client.GetClient<IClock>(scene.Service.Id).Add(1, 2));
        Assert.Equal(BusErrors.UnknownInterface, late.ErrorName);
        await using Serving again = await scene.Service.ServeAsync<IClock>(clock);
        Assert.Equal(3, client.Add(1, 2));
    }

    [Fact]
    public async Task A_connection_serves_an_interface_once()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await scene.Service.ServeAsync<IClock>(new Clock()));
        Assert.Equal(3, scene.Client.GetClient<IClock>().Add(1, 2));
    }

    [Fact]
    public async Task An_interface_without_generated_code_says_what_to_write()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        InvalidOperationException fault = Assert.Throws<InvalidOperationException>(() => scene.Client.GetClient<IDisposable>());
        Assert.Contains("[BusService(", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Scene.ExchangeWays), MemberType = typeof(Scene))]
    public async Task A_large_argument_and_result_cross(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using Serving serving = await scene.Service.ServeAsync<IClock>(new Clock());
        string large = new('x', 300_000);
        Assert.Equal(large + " Utc -1", scene.Client.GetClient<IClock>().Name(large));
    }

    private static async Task<int> CountAsync<T>(IAsyncEnumerable<T> values)
    {
        int count = 0;
        await foreach (T value in values)
            count++;
        return count;
    }
}
