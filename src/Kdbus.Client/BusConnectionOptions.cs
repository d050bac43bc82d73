using Kdbus.Abi;

namespace Kdbus.Client;

/// <summary>How to connect. The default is right for most programs.</summary>
public sealed record BusConnectionOptions
{
    /// <summary>What the connection is for.</summary>
    public ConnectionKind Kind { get; init; }

    /// <summary>Told to others with <see cref="AttachFlags.ConnDescription"/>: at most 63 letters, digits, and _ - . inside; null for none.</summary>
    public string? Description { get; init; }

    /// <summary>Bytes of the pool, into which the bus puts what is received; a multiple of the page size, at most 2 GiB. Memory is taken only as it is used.</summary>
    public int PoolSize { get; init; } = 16 << 20;

    /// <summary>What others may be told about this process. A bus can require some of it, and refuses who does not grant it.</summary>
    public AttachFlags SendMetadata { get; init; } = AttachFlags.All;

    /// <summary>What each message that is received shall tell about its sender, as far as that one grants it. Each kind takes the bus some time.</summary>
    public AttachFlags ReceiveMetadata { get; init; }

    /// <summary>Whether messages may bring descriptors.</summary>
    public bool AcceptDescriptors { get; init; } = true;

    /// <summary>
    /// Kinds <see cref="ConnectionKind.Activator"/> and <see cref="ConnectionKind.PolicyHolder"/>: the name they stand for; a policy holder's can end
    /// in <c>.*</c>.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>Kinds <see cref="ConnectionKind.Activator"/> and <see cref="ConnectionKind.PolicyHolder"/>: who may do what with the name.</summary>
    public IReadOnlyList<PolicyAccess> Policy { get; init; } = [];

    /// <summary>How long a call waits for its answer if it does not say so itself.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>How long connecting waits for an endpoint that is not there yet.</summary>
    public TimeSpan WaitForEndpoint { get; init; }

    /// <summary>
    /// Calls whose answers the bus waits for at the same time; further ones wait in this process. The bus refuses more than its own limit, 128 unless the
    /// domain was mounted otherwise.
    /// </summary>
    public int MaxPendingCalls { get; init; } = Limits.ConnMaxRequestsPending;

    /// <summary>Messages that may wait for <see cref="BusConnection.ReceiveAsync"/>. When there are more, the connection receives nothing until they are taken, unless it waits for an answer.</summary>
    public int InboxCapacity { get; init; } = 1024;

    /// <summary>Use the commands of 2015 even where the domain knows better ones; to compare.</summary>
    public bool ClassicOnly { get; init; }
}

/// <summary>What a connection is for.</summary>
public enum ConnectionKind
{
    /// <summary>Sends and receives.</summary>
    Ordinary,

    /// <summary>Stands in for a name that nobody owns: what is sent to the name waits for whoever acquires it. Sends nothing; <see cref="BusConnection.WaitForActivationAsync"/>. For the owner of the bus and root.</summary>
    Activator,

    /// <summary>Only says who may do what with a name. For the owner of the bus and root.</summary>
    PolicyHolder,

    /// <summary>Receives a copy of everything, and sends nothing. For the owner of the bus and root, and not on custom endpoints.</summary>
    Monitor,
}
