using Kdbus.Abi;
using Kdbus.Engine.Matching;
using Kdbus.Engine.Names;
using Kdbus.Engine.Policy;

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

    internal Bus(Domain domain, string name, uint uid, uint gid, MakeFlags flags, KdbusBloomParameter bloom)
        : base(domain.NextInode(), name, uid, gid, flags)
    {
        Bloom = bloom;
        Names = new NameRegistry(domain, this);
        Matching = new MatchIndex((int)bloom.Size);
    }

    /// <summary>Number of the bus in the domain.</summary>
    public ulong Id { get; internal init; }

    /// <summary>UUID of version 4.</summary>
    public Id128 Id128 { get; internal init; }

    /// <summary>Size and hash count of the bloom filters of this bus.</summary>
    public KdbusBloomParameter Bloom { get; }

    /// <summary>What every connection must allow to be sent about it.</summary>
    public AttachFlags RequiredAttachFlags { get; internal init; }

    /// <summary>What may be told about the creator of the bus.</summary>
    public AttachFlags CreatorAttachFlags { get; internal init; }

    /// <summary>The door everybody starts with.</summary>
    public Endpoint DefaultEndpoint => _endpoints[DefaultEndpointName];

    /// <summary>Real user the bus is accounted on.</summary>
    internal User Maker { get; init; } = null!;

    internal NameRegistry Names { get; }

    /// <summary>What activators and policy holders allow: it is asked about everybody who is not privileged.</summary>
    internal PolicyDatabase Policy { get; } = new();

    internal MatchIndex Matching { get; }

    /// <summary>The connections that get a copy of everything.</summary>
    internal List<Connection> Monitors { get; } = [];

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

    internal void Add(Connection connection)
    {
        _connections.Add(connection.Id, connection);
        if (connection.Kind == ConnectionKind.Monitor) Monitors.Add(connection);
    }

    internal void Remove(Connection connection)
    {
        _connections.Remove(connection.Id);
        if (connection.Kind == ConnectionKind.Monitor) Monitors.Remove(connection);
    }

    internal Connection? FindConnection(ulong id) => _connections.GetValueOrDefault(id);
}
