namespace Kdbus.Client;

/// <summary>
/// An interface that is called over the bus. For each one the generator makes a client and a dispatcher: <see cref="BusConnectionServices.GetClient{T}(BusConnection, ClientOptions?)"/>,
/// <see cref="BusConnectionServices.ServeAsync"/>.
/// </summary>
/// <remarks>
/// Members are methods that return <see cref="Task"/>, <see cref="ValueTask"/>, one of these with a result, an <see cref="IAsyncEnumerable{T}"/>, or the result itself, which blocks the
/// caller. A <see cref="CancellationToken"/> comes last. Later versions may have more members, and more parameters behind those that are there, with default values.
/// </remarks>
/// <param name="name">Name of the interface on the bus, in the form of a well-known name; also the well-known name at which it is served if nothing else is said.</param>
[AttributeUsage(AttributeTargets.Interface, Inherited = false)]
public sealed class BusServiceAttribute(string name) : Attribute
{
    /// <summary>Name of the interface on the bus.</summary>
    public string Name { get; } = name;

    /// <summary>
    /// How values are encoded: a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>, or an <see cref="IBusSerializer"/> that can be made without arguments; null is
    /// JSON of simple types (<see cref="JsonBusSerializer.Simple"/>).
    /// </summary>
    public Type? Serializer { get; set; }
}

/// <summary>The name of a member on the bus, if it is not that of the method without the ending <c>Async</c>.</summary>
/// <param name="name">1 to 255 bytes.</param>
[AttributeUsage(AttributeTargets.Method, Inherited = false)]
public sealed class BusMemberAttribute(string name) : Attribute
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;
}

/// <summary>The name by which an exception crosses the bus: on a class that derives from <see cref="PeerFailedException"/> and has a constructor for the text.</summary>
/// <param name="name">In the form of a well-known name: <c>org.example.Clock.Error.TooEarly</c>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class BusErrorAttribute(string name) : Attribute
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;
}

/// <summary>Exceptions, each with a <see cref="BusErrorAttribute"/>, that clients of an interface or a member throw as what they are, and not as plain <see cref="PeerFailedException"/>.</summary>
/// <param name="types">The classes.</param>
[AttributeUsage(AttributeTargets.Interface | AttributeTargets.Method, Inherited = false)]
public sealed class BusErrorsAttribute(params Type[] types) : Attribute
{
    /// <summary>The classes.</summary>
    public IReadOnlyList<Type> Types { get; } = types;
}
