namespace Kdbus.Client.Tests;

/// <summary>Signals, and who gets them.</summary>
public sealed class SignalTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Who_subscribes_gets_the_signals_about_it_and_no_others(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using Subscription<Message> weather = scene.Client.Subscribe(MatchRule.Signals(scene.Client.Bloom.NewBits().Add("weather")));
        Emit(scene, "traffic.jam");
        Emit(scene, "weather.rain");
        Emit(scene, "weather");
        Assert.Equal(["weather.rain", "weather"], await TakeAsync(weather, 2));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Only_signals_of_the_sender_asked_for_come(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        BusConnection third = await scene.ConnectAsync();
        await using OwnedName name = await third.AcquireNameAsync("org.example.Third");
        await using Subscription<Message> byId = scene.Client.Subscribe(MatchRule.AllSignals(scene.Client.Bloom).From(third.Id));
        BusConnection fourth = await scene.ConnectAsync();
        await using Subscription<Message> byName = fourth.Subscribe(MatchRule.AllSignals(fourth.Bloom).FromOwnerOf("org.example.Third"));
        scene.Service.Emit(scene.Service.Bloom.NewBits(), "service"u8);
        third.Emit(third.Bloom.NewBits(), "third"u8);
        Assert.Equal(["third"], await TakeAsync(byId, 1));
        Assert.Equal(["third"], await TakeAsync(byName, 1));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Each_subscription_of_a_connection_gets_a_message_of_its_own(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using Subscription<Message> first = scene.Client.Subscribe(MatchRule.AllSignals(scene.Client.Bloom));
        await using Subscription<Message> second = scene.Client.Subscribe(MatchRule.AllSignals(scene.Client.Bloom));
        Emit(scene, "weather");
        Assert.Equal(["weather"], await TakeAsync(first, 1));
        Assert.Equal(["weather"], await TakeAsync(second, 1));
        Assert.False(first.TryTake(out _));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task All_subscriptions_have_a_signal_before_any_reader_goes_on(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using Subscription<Message> first = scene.Client.Subscribe(MatchRule.AllSignals(scene.Client.Bloom));
        await using Subscription<Message> second = scene.Client.Subscribe(MatchRule.AllSignals(scene.Client.Bloom));
        Task<bool> reading = ReadAsync();
        Emit(scene, "weather");
        Assert.True(await reading);

        async Task<bool> ReadAsync()
        {
            await foreach (Message signal in first.ReadAllAsync(Cancel).ConfigureAwait(false))
            {
                signal.Dispose();
                bool isThere = second.TryTake(out Message copy);
                copy.Dispose();
                return isThere;
            }
            return false;
        }
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_signal_to_one_connection_goes_there_only(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        BusConnection third = await scene.ConnectAsync();
        await using Subscription<Message> here = scene.Client.Subscribe(MatchRule.AllSignals(scene.Client.Bloom));
        await using Subscription<Message> there = third.Subscribe(MatchRule.AllSignals(third.Bloom));
        scene.Service.Emit(scene.Service.Bloom.NewBits(), "for you"u8, scene.Client.Id);
        scene.Service.Emit(scene.Service.Bloom.NewBits(), "for all"u8);
        Assert.Equal(["for you", "for all"], await TakeAsync(here, 2));
        Assert.Equal(["for all"], await TakeAsync(there, 1));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task What_is_not_taken_in_time_is_lost_and_counted(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using Subscription<Message> slow = scene.Client.Subscribe(MatchRule.AllSignals(scene.Client.Bloom), capacity: 3);
        scene.Echo();
        for (int i = 0; i < 10; i++)
            Emit(scene, "weather");

        // The answer comes behind the signals.
        (await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel)).Dispose();
        Assert.Equal(7, slow.Dropped);
        Assert.Equal(7, scene.Client.DroppedSignals);
        Assert.Equal(3, (await TakeAsync(slow, 3)).Count);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Who_subscribes_no_longer_gets_nothing(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        Subscription<Message> weather = scene.Client.Subscribe(MatchRule.AllSignals(scene.Client.Bloom));
        Emit(scene, "weather");
        await weather.DisposeAsync();
        Emit(scene, "weather");
        Assert.Empty(await TakeAsync(weather, 1));
    }

    private static void Emit(Scene scene, string topic) =>
        scene.Service.Emit(scene.Service.Bloom.NewBits().AddTopic(topic), System.Text.Encoding.UTF8.GetBytes(topic));

    private static async Task<IReadOnlyList<string>> TakeAsync(Subscription<Message> signals, int count)
    {
        List<string> texts = [];
        await foreach (Message signal in signals.ReadAllAsync(Cancel))
        {
            using (signal)
                texts.Add(System.Text.Encoding.UTF8.GetString(signal.ToArray()));
            if (texts.Count == count)
                break;
        }
        return texts;
    }
}
