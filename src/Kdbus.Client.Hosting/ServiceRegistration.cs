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
internal sealed class ServiceRegistration<T>(ServeOptions options) : ServiceRegistration
    where T : class
{
    /// <inheritdoc/>
    public override string Interface => typeof(T).Name;

    /// <inheritdoc/>
    public override ValueTask<Serving> ServeAsync(BusConnection connection, IServiceProvider services, Action<ServiceFault> report) =>
        connection.ServeAsync(services.GetRequiredService<T>(), options with { OnError = report + options.OnError });
}
