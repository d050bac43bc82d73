namespace Kdbus.Client;

/// <summary>How to serve an interface. The default is right for most services.</summary>
public sealed record ServeOptions
{
    /// <summary>The well-known name at which it is served; null is the name of the interface.</summary>
    public string? Name { get; init; }

    /// <summary>Whether to acquire that name. Without it, callers have to know the id of the connection, or a name that it has already.</summary>
    public bool AcquireName { get; init; } = true;

    /// <summary>How to acquire it.</summary>
    public NameRequest NameRequest { get; init; }

    /// <summary>Where handlers run.</summary>
    public ServeThread RunOn { get; init; }

    /// <summary>
    /// Told what handlers threw that was not meant for callers (<see cref="PeerFailedException"/> and <see cref="OperationCanceledException"/> are), and about answers that could not be sent.
    /// Called by the thread on which it happened; what it throws itself is lost.
    /// </summary>
    public Action<ServiceFault>? OnError { get; init; }

    /// <summary>Whether callers are told the whole text of such exceptions, with stack traces; otherwise only their type. Not for services that strangers may call.</summary>
    public bool TellDetails { get; init; }

    /// <summary>Values of a stream that are made before they are asked for: at most as many as its client asks for at a time, and at most this many.</summary>
    public int MaxStreamWindow { get; init; } = 256;

    /// <summary>Streams that one client may have open at the same time.</summary>
    public int MaxStreamsPerClient { get; init; } = 64;

    /// <summary>How long a client may take to ask for more of a stream. After that it is ended, as it is at once when its client leaves the bus.</summary>
    public TimeSpan StreamLease { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long disposing the serving waits for handlers whose tokens it has cancelled.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Where handlers run.</summary>
public enum ServeThread
{
    /// <summary>On the receiving thread of the connection: the fastest, for handlers that do not block.</summary>
    Receiving,

    /// <summary>On the thread pool: for handlers that block or compute.</summary>
    ThreadPool,
}

/// <summary>Something went wrong while a call was served.</summary>
/// <param name="Interface">Name of the interface.</param>
/// <param name="Member">Name of the member.</param>
/// <param name="Caller">Id of who called.</param>
/// <param name="Exception">What it was.</param>
public readonly record struct ServiceFault(string Interface, string Member, ulong Caller, Exception Exception);

/// <summary>How to call an interface.</summary>
public sealed record ClientOptions
{
    /// <summary>How long each call waits for its answer; null stands for <see cref="BusConnectionOptions.CallTimeout"/>. Streams last as long as they are enumerated.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Fail (EADDRNOTAVAIL) rather than wake the activator that stands in for a name.</summary>
    public bool NoAutoStart { get; init; }

    /// <summary>Values of a stream to ask for at a time, at least 1: the service makes at most so many in advance.</summary>
    public int StreamWindow
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "At least 1.");
    } = 32;
}
