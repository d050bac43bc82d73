namespace Kdbus.Client.Tests.Services;

/// <summary>Signals of topics.</summary>
public sealed class TopicTests
{
    private static readonly Topic<double> s_rain = new("weather.rain");
    private static readonly Topic<double> s_weather = new("weather");
    private static readonly Topic<double> s_wet = new("wet");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Signals_reach_those_who_subscribed_to_their_topic_or_one_above(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using Subscription<Signal<double>> rain = scene.Client.Subscribe(s_rain);
        await using Subscription<Signal<double>> weather = scene.Client.Subscribe(s_weather);
        await using Subscription<Signal<double>> wet = scene.Client.Subscribe(s_wet);
        scene.Service.Emit(new Topic<double>("weatherman"), 1);
        scene.Service.Emit(new Topic<double>("weather.rainbow"), 2);
        scene.Service.Emit(s_rain, 3.5);
        scene.Service.Emit(s_weather, 4, scene.Client.Id);
        scene.Service.Emit(s_wet, 5);

        Assert.Equal(new Signal<double>(3.5, scene.Service.Id, "weather.rain"), await FirstAsync(rain));

        // A test that keeps the receiving thread for too long loses the order, not the signals.
        Signal<double>[] news = [await FirstAsync(weather), await FirstAsync(weather), await FirstAsync(weather)];
        Assert.Equal([(2, "weather.rainbow"), (3.5, "weather.rain"), (4, "weather")], news.OrderBy(static signal => signal.Value).Select(static signal => (signal.Value, signal.Topic)));
        Assert.Equal(5, (await FirstAsync(wet)).Value);
        Assert.False(rain.TryTake(out _));
        Assert.False(weather.TryTake(out _));
    }

    [Fact]
    public async Task Values_that_cannot_be_read_are_counted()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        Topic<int> number = new("some.thing");
        await using Subscription<Signal<int>> numbers = scene.Client.Subscribe(number);
        scene.Service.Emit(new Topic<string>("some.thing"), "text");
        scene.Service.Emit(new Topic<int>("some.thing", new MemoryPackBusSerializer()), 1);
        scene.Service.Emit(scene.Service.Bloom.NewBits().AddTopic("some.thing"), [9, 9]);
        scene.Service.Emit(number, 7);
        Assert.Equal(7, (await FirstAsync(numbers)).Value);
        Assert.Equal(2, number.Unreadable);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("ä")]
    public void A_topic_has_a_name(string name) => Assert.Throws<ArgumentException>(() => new Topic<int>(name));

    [Fact]
    public void A_topic_of_a_type_that_json_does_not_know_says_what_to_write() =>
        Assert.Contains("JsonSerializable", Assert.Throws<InvalidOperationException>(() => new Topic<Tick>("a")).Message, StringComparison.Ordinal);

    private static async Task<T> FirstAsync<T>(Subscription<T> subscription)
    {
        await foreach (T value in subscription.ReadAllAsync(Stop))
            return value;
        throw new InvalidOperationException("Nothing came.");
    }
}
