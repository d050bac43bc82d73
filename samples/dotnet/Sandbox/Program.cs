// sandbox BUS-DIRECTORY: makes an endpoint with a policy of its own, as a container would be given, and shows what can be done through it.

using Kdbus.Abi;
using Kdbus.Client;

if (args is not [var bus])
{
    Console.Error.WriteLine("usage: sandbox BUS-DIRECTORY");
    return 2;
}

await using BusConnection outside = await BusConnection.ConnectAsync(Path.Combine(bus, "bus"));
await using OwnedName weather = await outside.AcquireNameAsync("org.example.Weather");
await using OwnedName bank = await outside.AcquireNameAsync("org.example.Bank");
_ = AnswerAsync();

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

async Task AnswerAsync()
{
    await foreach (Message request in outside.ReceiveAllAsync())
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
