// sandbox BUS-DIRECTORY: makes an endpoint with a policy of its own, as a container would be given, and shows what can be done through it.

using Kdbus.Abi;
using Kdbus.Client;

if (args is not [var bus])
{
    Console.Error.WriteLine("usage: sandbox BUS-DIRECTORY");
    return 2;
}

// Two services, each on a connection of its own: who may talk to one name of a connection may talk to the connection.
await using BusConnection weather = await BusConnection.ConnectAsync(Path.Combine(bus, "bus"));
await using OwnedName weatherName = await weather.AcquireNameAsync("org.example.Weather");
await using BusConnection bank = await BusConnection.ConnectAsync(Path.Combine(bus, "bus"));
await using OwnedName bankName = await bank.AcquireNameAsync("org.example.Bank");
_ = AnswerAsync(weather);
_ = AnswerAsync(bank);

// Everything is denied but what is said here. The endpoint is a file: who gets to see it in his mount namespace can use it, and nothing else.
using OwnedEndpoint box = OwnedEndpoint.Make(bus, $"box{Environment.ProcessId}", Access.World);
box.SetPolicy("org.example.Weather", PolicyAccess.Everybody(PolicyAccessLevel.Talk));
await using BusConnection inside = await BusConnection.ConnectAsync(box.Path);

Console.WriteLine($"through {Path.GetFileName(box.Path)}:");
Try("ask the weather service", () => inside.Call("org.example.Weather", "?"u8).Dispose());
Try("ask the bank", () => inside.Call("org.example.Bank", "?"u8).Dispose());
Console.WriteLine($"  names to be seen: {string.Join(", ", inside.List(ListFlags.Names).SelectMany(static owner => owner.Names))}");
try
{
    await inside.AcquireNameAsync("org.example.Bank2");
}
catch (BusRefusedException refusal)
{
    Console.WriteLine($"  own a name: {refusal.Error}");
}

return 0;

static async Task AnswerAsync(BusConnection service)
{
    await foreach (Message request in service.ReceiveAllAsync())
    {
        using (request)
            request.Reply("fine"u8);
    }
}

static void Try(string what, Action attempt)
{
    try
    {
        attempt();
        Console.WriteLine($"  {what}: done");
    }
    catch (BusRefusedException refusal)
    {
        Console.WriteLine($"  {what}: {refusal.Error}");
    }
}
