using Kdbus.Client.Services;

namespace Kdbus.Client;

/// <summary>Typed services on a connection.</summary>
public static class BusConnectionServices
{
    /// <summary>A client of an interface, at the well-known name that is the interface's. Costs nothing to make or to leave; whether somebody is there shows the first call.</summary>
    /// <typeparam name="T">An interface with <see cref="BusServiceAttribute"/>. Its members throw what <see cref="BusConnection.CallAsync"/> throws.</typeparam>
    /// <exception cref="InvalidOperationException">No code was generated for the interface.</exception>
    public static T GetClient<T>(this BusConnection connection, ClientOptions? options = null)
        where T : class => Create(connection, ServiceRegistry.Get<T>(), null, options);

    /// <summary>A client of an interface, at another name or at a connection.</summary>
    /// <inheritdoc cref="GetClient{T}(BusConnection, ClientOptions?)"/>
    public static T GetClient<T>(this BusConnection connection, Destination destination, ClientOptions? options = null)
        where T : class => Create(connection, ServiceRegistry.Get<T>(), destination, options);

    /// <summary>Serves an interface until what is returned is disposed. Calls are taken when this returns, and those of others who knew the id before.</summary>
    /// <param name="connection">Where. It can serve several interfaces, each once.</param>
    /// <param name="service">What carries out the calls; by several threads at once if <paramref name="options"/> say so, or if it blocks.</param>
    /// <param name="options">How.</param>
    /// <exception cref="InvalidOperationException">The connection serves this interface already, or no code was generated for it.</exception>
    /// <exception cref="BusRefusedException">The name cannot be acquired.</exception>
    public static async ValueTask<Serving> ServeAsync<T>(this BusConnection connection, T service, ServeOptions? options = null)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(service);
        options ??= new ServeOptions();
        Serving serving = new(connection, ServiceRegistry.Get<T>(), service, options);
        try
        {
            serving.Route.Add(serving);
            if (options.AcquireName)
                serving.Name = await connection.AcquireNameAsync(options.Name ?? serving.Contract.Interface, options.NameRequest).ConfigureAwait(false);
            return serving;
        }
        catch
        {
            await serving.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static T Create<T>(BusConnection connection, ServiceContract<T> contract, Destination? destination, ClientOptions? options)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(connection);
        return contract.CreateClient(new ServiceClient(connection, destination ?? Destination.OwnerOf(contract.Interface), contract, options ?? new ClientOptions()));
    }
}
