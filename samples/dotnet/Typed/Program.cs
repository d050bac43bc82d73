// typed service ENDPOINT: serves IClock until its input ends.
// typed client ENDPOINT:  calls it.

using Kdbus.Client;
using Samples.Typed;

if (args is not ["service" or "client", var endpoint])
{
    Console.Error.WriteLine("usage: typed service|client ENDPOINT");
    return 2;
}

await using BusConnection connection = await BusConnection.ConnectAsync(endpoint);
if (args[0] == "service")
{
    await using Serving serving = await connection.ServeAsync<IClock>(new Clock());
    Console.WriteLine("service: ready");
    await Console.In.ReadToEndAsync();
    return 0;
}

IClock clock = connection.GetClient<IClock>();
Console.WriteLine($"client: it is {await clock.NowAsync():HH:mm:ss}");
Console.WriteLine($"client: 20 + 22 = {clock.Add(20, 22)}");
await foreach (Tick tick in clock.TicksAsync(milliseconds: 50))
{
    Console.WriteLine($"client: tick {tick.Number} at {tick.At:ss.fff}");
    if (tick.Number == 3)
        break;
}

try
{
    await foreach (Tick never in clock.TicksAsync(milliseconds: 0))
        Console.WriteLine(never);
}
catch (TooFastException refusal)
{
    Console.WriteLine($"client: {refusal.ErrorName}: {refusal.Message}");
}

return 0;
