using Kdbus.Client;

namespace Kdbus.Cli.Tests;

/// <summary>A connection of this process that owns a name and does the same with everything it receives.</summary>
internal sealed class AnsweringService : IAsyncDisposable
{
    private readonly BusConnection _connection;
    private readonly Task _running;

    private AnsweringService(BusConnection connection, Action<Message> answer)
    {
        _connection = connection;
        _running = Task.Run(() => RunAsync(answer));
    }

    /// <summary>Its id.</summary>
    public ulong Id => _connection.Id;

    /// <summary>Starts one.</summary>
    public static async Task<AnsweringService> StartAsync(Scene scene, string name, Action<Message> answer)
    {
        BusConnection connection = await scene.ConnectAsync(new BusConnectionOptions { Description = "the-service" });
        _ = await connection.AcquireNameAsync(name);
        return new AnsweringService(connection, answer);
    }

    /// <summary>Starts one that sends back what it gets.</summary>
    public static Task<AnsweringService> EchoAsync(Scene scene, string name = "org.example.Echo") => StartAsync(scene, name, static message =>
    {
        if (message.IsRequest)
            message.Reply(message.ToArray(), new MessageOptions { PayloadType = message.PayloadType });
    });

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _running;
    }

    private async Task RunAsync(Action<Message> answer)
    {
        try
        {
            await foreach (Message message in _connection.ReceiveAllAsync())
            {
                using (message)
                    answer(message);
            }
        }
        catch (BusBrokenException)
        {
            // The bus has ended, as some tests want it.
        }
    }
}
