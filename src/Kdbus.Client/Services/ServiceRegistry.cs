using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Kdbus.Client.Services;

/// <summary>Interfaces that have been compiled into this process. Generated code puts them in when its module is first used.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class ServiceRegistry
{
    /// <summary>Adds an interface.</summary>
    /// <param name="create">Makes its contract; called once, when it is needed.</param>
    public static void Add<T>(Func<ServiceContract<T>> create)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(create);
        Place<T>.Contract = new Lazy<ServiceContract<T>>(create);
    }

    /// <summary>The contract of an interface.</summary>
    /// <exception cref="InvalidOperationException">No code has been generated for it.</exception>
    internal static ServiceContract<T> Get<T>()
        where T : class
    {
        if (Place<T>.Contract is null)
            RuntimeHelpers.RunModuleConstructor(typeof(T).Module.ModuleHandle);
        return Place<T>.Contract?.Value ?? throw new InvalidOperationException(
            $"{typeof(T)} cannot be called over the bus, because no code was generated for it. Write [BusService(\"org.example.{typeof(T).Name.TrimStart('I')}\")] above the "
            + "interface itself (not the class), and see that its project references Kdbus.Client with its analyzers.");
    }

    private static class Place<T>
        where T : class
    {
        public static Lazy<ServiceContract<T>>? Contract { get; set; }
    }
}
