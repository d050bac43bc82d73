// signals station ENDPOINT:         tells the weather of several places, once each.
// signals listen ENDPOINT TOPIC N:  prints what is told about a topic, such as weather.sea, or weather for all of them; N signals, then it ends.

using System.Globalization;
using Kdbus.Client;

switch (args)
{
    case ["station", var endpoint]:
        await TellAsync(endpoint);
        return 0;
    case ["listen", var endpoint, var topic, var count]:
        await ListenAsync(endpoint, new Topic<double>(topic), int.Parse(count, CultureInfo.InvariantCulture));
        return 0;
    default:
        Console.Error.WriteLine("usage: signals station ENDPOINT | signals listen ENDPOINT TOPIC N");
        return 2;
}

static async Task TellAsync(string endpoint)
{
    await using BusConnection connection = await BusConnection.ConnectAsync(endpoint);
    foreach ((string place, double degrees) in (ReadOnlySpan<(string, double)>)[("sea", 17.5), ("town", 23), ("hills", 11.25)])
        connection.Emit(new Topic<double>($"weather.{place}"), degrees);
}

static async Task ListenAsync(string endpoint, Topic<double> topic, int count)
{
    await using BusConnection connection = await BusConnection.ConnectAsync(endpoint);
    await using Subscription<Signal<double>> signals = connection.Subscribe(topic);
    Console.WriteLine($"listening to {topic.Name}");
    await foreach (Signal<double> signal in signals.ReadAllAsync())
    {
        Console.WriteLine($"{topic.Name}: {signal.Value} degrees, says connection {signal.Sender}");
        if (--count == 0)
            break;
    }
}
