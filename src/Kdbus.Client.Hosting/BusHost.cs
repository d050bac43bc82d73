using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kdbus.Client.Hosting;

/// <summary>
/// The bus of a host: connects when somebody first needs the connection, at the latest when the host starts; serves what has been added to be served; and leaves the bus when the
/// host has stopped.
/// </summary>
internal sealed class BusHost(
    IOptions<BusHostOptions> options,
    IEnumerable<ServiceRegistration> registrations,
    IServiceProvider services,
    IHostApplicationLifetime lifetime,
    ILogger<BusHost> logger) : IHostedLifecycleService, IAsyncDisposable
{
    private readonly BusHostOptions _options = options.Value;
    private readonly Lock _lock = new();
    private readonly List<Serving> _servings = [];
    private BusConnection? _connection;
    private CancellationTokenRegistration _lost;
    private bool _isStopping;

    /// <summary>The connection, made now if it has not been. Whoever is composed before the host starts gets it, too: connecting is a few system calls.</summary>
    public BusConnection Connection
    {
        get
        {
            lock (_lock)
                return _connection ??= Connect();
        }
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _ = Connection;
        return Task.CompletedTask;
    }

    /// <summary>Services are served before other hosted services start, which may call them.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (ServiceRegistration registration in registrations)
        {
            Serving serving = await registration.ServeAsync(Connection, services, ReportFault).ConfigureAwait(false);
            _servings.Add(serving);
            logger.Serving(registration.Interface, serving.Name?.Name ?? "no name");
        }
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
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
        _isStopping = true;
        await StoppedAsync(CancellationToken.None).ConfigureAwait(false);
        await _lost.DisposeAsync().ConfigureAwait(false);
        if (_connection is not null)
            await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private BusConnection Connect()
    {
        BusConnection connection = BusConnection.ConnectAsync(_options.Address, _options.ToConnectionOptions(), lifetime.ApplicationStopping).AsTask().GetAwaiter().GetResult();
        logger.Connected(connection.Address, connection.Id);
        _lost = connection.Ended.UnsafeRegister(static host => ((BusHost)host!).Lose(), this);
        return connection;
    }

    private void Lose()
    {
        if (_isStopping)
            return;
        logger.Lost(_options.Address, _options.StopWhenLost ? "The application stops." : "The application goes on without it.");
        if (!_options.StopWhenLost)
            return;
        Environment.ExitCode = 1;
        lifetime.StopApplication();
    }

    private void ReportFault(ServiceFault fault) => logger.HandlerFailed(fault.Exception, fault.Interface, fault.Member, fault.Caller);
}
