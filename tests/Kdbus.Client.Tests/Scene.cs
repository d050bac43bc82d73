using Kdbus.Testing;

namespace Kdbus.Client.Tests;

/// <summary>Over what a test talks: each way that the library has of doing so.</summary>
public enum Way
{
    /// <summary>A mounted domain, EXCHANGE.</summary>
    Mounted,

    /// <summary>A mounted domain that knows the interface of 2015 only.</summary>
    Classic,

    /// <summary>A bus in this process.</summary>
    InMemory,
}

/// <summary>A bus of a test's own with a service and a client on it.</summary>
internal sealed class Scene : IAsyncDisposable
{
    private readonly List<BusConnection> _connections = [];

    private Scene(TestBus bus) => Bus = bus;

    /// <summary>All ways, for a theory.</summary>
    public static TheoryData<Way> Ways => [Way.Mounted, Way.Classic, Way.InMemory];

    /// <summary>Those with EXCHANGE.</summary>
    public static TheoryData<Way> ExchangeWays => [Way.Mounted, Way.InMemory];

    /// <summary>The mounted ones.</summary>
    public static TheoryData<Way> MountedWays => [Way.Mounted, Way.Classic];

    public TestBus Bus { get; }

    public BusConnection Service { get; private set; } = null!;

    public BusConnection Client { get; private set; } = null!;

    public static async Task<Scene> OpenAsync(Way way, BusConnectionOptions? service = null, BusConnectionOptions? client = null, TimeProvider? time = null)
    {
        TestBusOptions options = new()
        {
            Transport = way == Way.InMemory ? TestTransport.InMemory : TestTransport.Mounted,
            Extensions = way != Way.Classic,
            TimeProvider = time,
        };
        Scene scene = new(await TestBus.StartAsync(options, TestContext.Current.CancellationToken));
        scene.Service = await scene.ConnectAsync(service);
        scene.Client = await scene.ConnectAsync(client);
        return scene;
    }

    public async Task<BusConnection> ConnectAsync(BusConnectionOptions? options = null)
    {
        BusConnection connection = await Bus.ConnectAsync(options, TestContext.Current.CancellationToken);
        _connections.Add(connection);
        return connection;
    }

    /// <summary>The service answers each request with what the function makes of it.</summary>
    public void Serve(Func<Message, byte[]> answer) => _ = ServeAsync(answer);

    public void Echo() => Serve(static request => request.ToArray());

    public async ValueTask DisposeAsync()
    {
        foreach (BusConnection connection in _connections)
            await connection.DisposeAsync();
        await Bus.DisposeAsync();
    }

    private async Task ServeAsync(Func<Message, byte[]> answer)
    {
        await foreach (Message request in Service.ReceiveAllAsync())
        {
            using (request)
                request.Reply(answer(request));
        }
    }
}
