// hello ENDPOINT: one process, two connections. One owns a name and answers; the other one asks.

using System.Text;
using Kdbus.Client;

if (args is not [var endpoint])
{
    Console.Error.WriteLine("usage: hello ENDPOINT");
    return 2;
}

await using BusConnection service = await BusConnection.ConnectAsync(endpoint);
await using BusConnection client = await BusConnection.ConnectAsync(endpoint);

await using OwnedName name = await service.AcquireNameAsync("org.example.Hello");
Task serving = ServeAsync();

using (Message answer = await client.CallAsync("org.example.Hello", "world"u8))
    Console.WriteLine($"connection {answer.Sender} answers: {Encoding.UTF8.GetString(answer.Payload)}");

// The end of the connection is the end of what it receives.
await service.DisposeAsync();
await serving;
return 0;

async Task ServeAsync()
{
    await foreach (Message request in service.ReceiveAllAsync())
    {
        using (request)
            request.Reply(Encoding.UTF8.GetBytes($"Hello, {Encoding.UTF8.GetString(request.Payload)}!"));
    }
}
