using Microsoft.Extensions.DependencyInjection;

namespace Kdbus.Client.Hosting;

/// <summary>A service that a host is to serve.</summary>
internal abstract class ServiceRegistration
{
    /// <summary>The interface, for people.</summary>
    public abstract string Interface { get; }

    /// <summary>Serves it.</summary>
    public abstract ValueTask<Serving> ServeAsync(BusConnection connection, IServiceProvider services, Action<ServiceFault> report);
}

/// <inheritdoc/>
/// <remarks>What is served is the implementation, whatever the interface stands for in the container: that may be a client of the same interface.</remarks>
internal sealed class ServiceRegistration<TService, TImplementation>(ServeOptions options) : ServiceRegistration
    where TService : class
    where TImplementation : class, TService
{
    /// <inheritdoc/>
    public override string Interface => typeof(TService).Name;

    /// <inheritdoc/>
    public override ValueTask<Serving> ServeAsync(BusConnection connection, IServiceProvider services, Action<ServiceFault> report) =>
        connection.ServeAsync<TService>(services.GetRequiredService<TImplementation>(), options with { OnError = report + options.OnError });
}
