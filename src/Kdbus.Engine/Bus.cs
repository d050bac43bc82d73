using Kdbus.Abi;
using Kdbus.Engine.Matching;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Names;
using Kdbus.Engine.Policy;
using Kdbus.Engine.Processes;

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

    /// <summary>What is told of the process that made the bus; null if nothing is known.</summary>
    internal ProcessRecord? Creator { get; init; }

    /// <summary>Which kinds of metadata anybody here wants with messages.</summary>
    internal WantedKinds Wanted { get; } = new();

    /// <summary>Connections that did not allow what the bus requires, and were refused, or kept what they allowed before.</summary>
    internal UnmetRequirement Unmet { get; private set; }

    /// <summary>The connections that get a copy of everything.</summary>
    internal List<Connection> Monitors { get; } = [];

    /// <summary>The files of the bus directory.</summary>
    public IReadOnlyCollection<Endpoint> Endpoints => _endpoints.Values;

    /// <summary>All connections, of every kind.</summary>
    public IReadOnlyCollection<Connection> Connections => _connections.Values;

    private protected override uint OwnerPermissions => 0x140; // r-x

    /// <summary>The endpoint of this name, or null.</summary>
    public Endpoint? FindEndpoint(string name) => _endpoints.GetValueOrDefault(name);

    /// <summary>Whether a process must allow more than this; it is remembered who did not, and what was missing.</summary>
    internal bool RequiresMoreThan(AttachFlags allowed, int pid)
    {
        var missing = RequiredAttachFlags & ~allowed;
        if (missing == AttachFlags.None) return false;
        Unmet = new UnmetRequirement(Unmet.Count + 1, missing, pid);
        return true;
    }

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
        Wanted.Change(connection.AttachFlagsRecv, AttachFlags.None);
        if (connection.Kind == ConnectionKind.Monitor) Monitors.Remove(connection);
    }

    internal Connection? FindConnection(ulong id) => _connections.GetValueOrDefault(id);
}
