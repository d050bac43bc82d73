using Kdbus.Client;
using Kdbus.Client.Internal;
using Kdbus.Linux;
using Kdbus.Testing.InMemory;
using Kdbus.Testing.Mounted;

namespace Kdbus.Testing;

/// <summary>
/// A bus that nobody else has, for one test. It is in a domain of its own, so names, limits and ids are those of a machine on which nothing else runs.
/// </summary>
public sealed class TestBus : IAsyncDisposable
{
    private readonly ITestDomain _domain;
    private readonly OwnedBus _bus;
    private readonly string _endpoint;

    private TestBus(ITestDomain domain, TestBusOptions options, TestTransport transport, string reason)
    {
        _domain = domain;
        Transport = transport;
        TransportReason = reason;
        string name = $"{Credentials.EffectiveUid}-{options.Name}";
        _endpoint = $"{name}/bus";
        Failures.Check(domain.Open("control", out IEndpointFile? control), "open the domain of the test");
        BusOptions bus = new() { RequiredMetadata = options.RequiredMetadata, Bloom = options.Bloom };
        _bus = OwnedBus.Make(control!, System.IO.Path.Combine(domain.Root, name), name, bus);
    }

    /// <summary>Where the bus is; never <see cref="TestTransport.Automatic"/>.</summary>
    public TestTransport Transport { get; }

    /// <summary>Why it is there, in a sentence.</summary>
    public string TransportReason { get; }

    /// <summary>Path of the default endpoint, to which other processes can connect too; null if the bus is in memory.</summary>
    public string? Path => Transport == TestTransport.Mounted ? _bus.Endpoint : null;

    /// <summary>Starts a bus.</summary>
    /// <param name="options">How it is to be.</param>
    /// <param name="ct">Ends the waiting for a mounted domain; nothing is left of it.</param>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    /// <exception cref="InvalidOperationException">The domain cannot be mounted, and it was asked for; or it cannot be started at all.</exception>
    /// <exception cref="BusRefusedException">EINVAL: the name or the form of the bloom filters is none.</exception>
    public static async ValueTask<TestBus> StartAsync(TestBusOptions? options = null, CancellationToken ct = default)
    {
        options ??= new TestBusOptions();
        if (options is { Transport: TestTransport.Mounted, TimeProvider: not null })
        {
            throw new ArgumentException(
                "A mounted bus cannot have a TimeProvider: its daemon is a process of its own, and reads the kernel's clocks as other programs do. Use TestTransport.InMemory.",
                nameof(options));
        }
        string? whyNot = options.Transport switch
        {
            TestTransport.Mounted => null,
            TestTransport.InMemory => "it was asked for",
            _ when options.TimeProvider is not null => "the bus has a time of its own",
            _ => DaemonProgram.WhyNot(),
        };
        if (whyNot is null)
        {
            try
            {
                ITestDomain mounted = await MountedTestDomain.StartAsync(options, ct).ConfigureAwait(false);
                string reason = options.Transport == TestTransport.Mounted ? "it was asked for" : "domains can be mounted here";
                return await StartAsync(mounted, options, TestTransport.Mounted, $"The bus is mounted because {reason}.").ConfigureAwait(false);
            }
            catch (InvalidOperationException e) when (options.Transport == TestTransport.Automatic && e is not ObjectDisposedException)
            {
                whyNot = e.Message.TrimEnd('.');
            }
        }
        return await StartAsync(new InMemoryTestDomain(options), options, TestTransport.InMemory, $"The bus is in memory because {whyNot}.").ConfigureAwait(false);
    }

    /// <summary>Connects to the bus.</summary>
    /// <param name="options">How.</param>
    /// <param name="ct">Connecting itself does not wait.</param>
    /// <exception cref="BusRefusedException">The bus does not want this connection.</exception>
    public ValueTask<BusConnection> ConnectAsync(BusConnectionOptions? options = null, CancellationToken ct = default) =>
        _domain.ConnectAsync(_endpoint, options, ct);

    /// <summary>Makes a custom endpoint of the bus, with a policy of its own.</summary>
    /// <param name="name">Letters, digits, and _ - . inside.</param>
    /// <exception cref="BusRefusedException">EEXIST: there is one of this name.</exception>
    public OwnedEndpoint MakeEndpoint(string name)
    {
        string full = $"{Credentials.EffectiveUid}-{name}";
        Failures.Check(Open(out IEndpointFile? door), "open the bus of the test");
        return OwnedEndpoint.Make(door!, System.IO.Path.Combine(_bus.Path, full), full, Access.World);
    }

    /// <summary>Connects through a custom endpoint of the bus.</summary>
    /// <exception cref="BusRefusedException">The bus does not want this connection.</exception>
    public ValueTask<BusConnection> ConnectThroughAsync(OwnedEndpoint endpoint, BusConnectionOptions? options = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return _domain.ConnectAsync(System.IO.Path.GetRelativePath(_domain.Root, endpoint.Path), options, ct);
    }

    /// <summary>Ends the bus under its connections, as if the process that has made it had died.</summary>
    public void End() => _bus.Dispose();

    /// <summary>Connects a peer that can be made to fail.</summary>
    /// <param name="options">How it connects.</param>
    /// <param name="ct">Connecting itself does not wait.</param>
    /// <exception cref="BusRefusedException">The bus does not want this connection.</exception>
    public async ValueTask<TestPeer> StartPeerAsync(BusConnectionOptions? options = null, CancellationToken ct = default) =>
        new(await ConnectAsync(options, ct).ConfigureAwait(false));

    /// <summary>
    /// Ends the bus, all connections to it, and its domain. A daemon that does not end is killed after 5 seconds; then nothing is left of it either.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        _bus.Dispose();
        await _domain.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Opens an endpoint of the bus as it is, without a connection: 0 or -errno.</summary>
    internal int Open(out IEndpointFile? opened, string endpoint = "bus") => _domain.Open($"{System.IO.Path.GetDirectoryName(_endpoint)}/{endpoint}", out opened);

    private static async ValueTask<TestBus> StartAsync(ITestDomain domain, TestBusOptions options, TestTransport transport, string reason)
    {
        try
        {
            return new TestBus(domain, options, transport, reason);
        }
        catch
        {
            await domain.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
