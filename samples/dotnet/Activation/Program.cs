// activation ENDPOINT: a service that is started when somebody calls it. The call waits meanwhile, and notices nothing.

using System.Diagnostics;
using System.Text;
using Kdbus.Client;

const string Name = "org.example.Lazy";

switch (args)
{
    case [var endpoint]:
        await ActivateAsync(endpoint);
        return 0;
    case ["service", var endpoint]:
        await ServeAsync(endpoint);
        return 0;
    default:
        Console.Error.WriteLine("usage: activation ENDPOINT");
        return 2;
}

static async Task ActivateAsync(string endpoint)
{
    // It has the name while nobody else wants it, and keeps what is sent there. For who owns the bus, and root.
    await using BusConnection activator = await BusConnection.ConnectAsync(endpoint, new BusConnectionOptions
    {
        Kind = ConnectionKind.Activator,
        Name = Name,
        Policy = [PolicyAccess.Everybody(Kdbus.Abi.PolicyAccessLevel.Talk)],
    });
    await using BusConnection client = await BusConnection.ConnectAsync(endpoint);
    Console.WriteLine("client: calls a service that does not run");
    ValueTask<Message> call = client.CallAsync(Name, "are you there?"u8);

    await activator.WaitForActivationAsync();
    Console.WriteLine("activator: starts it");
    using Process service = Process.Start(Environment.ProcessPath!, ["service", endpoint]);
    using (Message answer = await call)
        Console.WriteLine($"client: is answered: {Encoding.UTF8.GetString(answer.Payload)}");
    await service.WaitForExitAsync();
}

static async Task ServeAsync(string endpoint)
{
    await using BusConnection connection = await BusConnection.ConnectAsync(endpoint);

    // What waited for the name comes to who acquires it.
    await using OwnedName name = await connection.AcquireNameAsync(Name);
    using Message request = await connection.ReceiveAsync();
    request.Reply(Encoding.UTF8.GetBytes($"yes, as process {Environment.ProcessId}"));
    connection.Flush();
}
