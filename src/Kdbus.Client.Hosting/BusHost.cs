using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kdbus.Client.Hosting;

/// <summary>
/// The bus of a host: serves what has been added to be served, from before other hosted services start until they have stopped, and sees when the bus is lost.
/// </summary>
/// <remarks>
/// The container has made the connection before this, and so disposes of it after this: what ends with the host is not taken for lost, and names are released by a connection that
/// is still there.
/// </remarks>
internal sealed class BusHost : IHostedLifecycleService, IAsyncDisposable
{
    private readonly BusConnection _connection;
    private readonly BusHostOptions _options;
    private readonly IEnumerable<ServiceRegistration> _registrations;
    private readonly IServiceProvider _services;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ILogger _logger;
    private readonly List<Serving> _servings = [];
    private Subscription<PeerChange>? _watch;
    private CancellationTokenRegistration _lost;
    private bool _isStopping;

    public BusHost(
        BusConnection connection,
        IOptions<BusHostOptions> options,
        IEnumerable<ServiceRegistration> registrations,
        IServiceProvider services,
        IHostApplicationLifetime lifetime,
        ILogger<BusHost> logger)
    {
        _connection = connection;
        _options = options.Value;
        _registrations = registrations;
        _services = services;
        _lifetime = lifetime;
        _logger = logger;
    }

    /// <summary>Connects. The host does so when it starts; whoever is composed before that and needs the connection has it made then: it takes a few system calls.</summary>
    public static BusConnection Connect(BusHostOptions options, IHostApplicationLifetime lifetime, ILogger logger)
    {
        BusConnection connection = BusConnection.ConnectAsync(options.Address, options.ToConnectionOptions(), lifetime.ApplicationStopping).AsTask().GetAwaiter().GetResult();
        logger.Connected(connection.Address, connection.Id);
        return connection;
    }

    /// <summary>Services are served before other hosted services start, which may call them.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        // A connection on which nobody receives does not see that its bus ends. Of its own leaving it is never told: this only receives.
        _watch = _connection.SubscribeToPeers(_connection.Id);
        _lost = _connection.Ended.UnsafeRegister(static host => ((BusHost)host!).Lose(), this);
        foreach (ServiceRegistration registration in _registrations)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Serving serving = await registration.ServeAsync(_connection, _services, ReportFault).ConfigureAwait(false);
            _servings.Add(serving);
            _logger.Serving(registration.Interface, serving.Name?.Name ?? "no name");
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        Volatile.Write(ref _isStopping, true);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Last of all: what stops meanwhile can still call.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        foreach (Serving serving in Enumerable.Reverse(_servings))
            await serving.DisposeAsync().ConfigureAwait(false);
        _servings.Clear();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _isStopping, true);
        await StoppedAsync(CancellationToken.None).ConfigureAwait(false);
        await _lost.DisposeAsync().ConfigureAwait(false);
        if (_watch is not null)
            await _watch.DisposeAsync().ConfigureAwait(false);
    }

    private void Lose()
    {
        if (Volatile.Read(ref _isStopping))
            return;
        _logger.Lost(_options.Address, _options.StopWhenLost ? "The application stops." : "The application goes on without it.");
        if (!_options.StopWhenLost)
            return;
        Environment.ExitCode = 1;
        _lifetime.StopApplication();
    }

    private void ReportFault(ServiceFault fault) => _logger.HandlerFailed(fault.Exception, fault.Interface, fault.Member, fault.Caller);
}
