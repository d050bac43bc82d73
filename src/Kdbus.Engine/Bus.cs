using Kdbus.Abi;

namespace Kdbus.Engine;

/// <summary>
/// A named message space. It lives exactly as long as the handle that made it; its end ends its endpoints and
/// disconnects its connections.
/// </summary>
public sealed class Bus : Node
{
    /// <summary>Name of the default endpoint.</summary>
    public const string DefaultEndpointName = "bus";

    private readonly Dictionary<string, Endpoint> _endpoints = new(StringComparer.Ordinal);
    private readonly Dictionary<ulong, Connection> _connections = [];

    internal Bus(ulong inode, string name, uint uid, uint gid, MakeFlags flags)
        : base(inode, name, uid, gid, flags)
    {
    }

    /// <summary>Number of the bus in the domain.</summary>
    public ulong Id { get; internal init; }

    /// <summary>UUID of version 4.</summary>
    public Id128 Id128 { get; internal init; }

    /// <summary>Size and hash count of the bloom filters of this bus.</summary>
    public KdbusBloomParameter Bloom { get; internal init; }

    /// <summary>What every connection must allow to be sent about it.</summary>
    public AttachFlags RequiredAttachFlags { get; internal init; }

    /// <summary>What may be told about the creator of the bus.</summary>
    public AttachFlags CreatorAttachFlags { get; internal init; }

    /// <summary>The door everybody starts with.</summary>
    public Endpoint DefaultEndpoint => _endpoints[DefaultEndpointName];

    /// <summary>Real user the bus is accounted on.</summary>
    internal User Maker { get; init; } = null!;

    /// <summary>The files of the bus directory.</summary>
    public IReadOnlyCollection<Endpoint> Endpoints => _endpoints.Values;

    /// <summary>All connections, of every kind.</summary>
    public IReadOnlyCollection<Connection> Connections => _connections.Values;

    private protected override uint OwnerPermissions => 0x140; // r-x

    /// <summary>The endpoint of this name, or null.</summary>
    public Endpoint? FindEndpoint(string name) => _endpoints.GetValueOrDefault(name);

    internal void Add(Endpoint endpoint) => _endpoints.Add(endpoint.Name, endpoint);

    internal void Remove(Endpoint endpoint)
    {
        endpoint.Alive = false;
        _endpoints.Remove(endpoint.Name);
    }

    internal void Add(Connection connection) => _connections.Add(connection.Id, connection);

    internal void Remove(Connection connection) => _connections.Remove(connection.Id);

    internal Connection? FindConnection(ulong id) => _connections.GetValueOrDefault(id);
}
