namespace Kdbus.Engine;

/// <summary>
/// Where a domain says no. The defaults are the numbers of the kernel module; whoever makes a domain may choose others
/// within <see cref="Table"/>. They do not change while the domain lives.
/// </summary>
public sealed record DomainLimits
{
    /// <summary>Every limit: its name, its range, and where it is kept.</summary>
    public static IReadOnlyList<DomainLimit> Table { get; } =
    [
        new("max-command-size", "bytes of a command with its items", "EMSGSIZE", 4096, 1 << 20, l => l.CommandSize, (l, v) => l with { CommandSize = v }),
        new("max-message-size", "bytes of a sent message with its items, without payload", "EINVAL", 512, 1 << 20, l => l.MessageSize, (l, v) => l with { MessageSize = v }),
        new("max-items", "items of a sent message", "E2BIG", 4, 1024, l => l.MessageItems, (l, v) => l with { MessageItems = v }),
        new("max-memfds", "sealed memfds of a sent message", "E2BIG", 0, 253, l => l.MessageMemfds, (l, v) => l with { MessageMemfds = v }),
        new("max-payload", "bytes of all payload vectors of a message", "EMSGSIZE", 4096, 1 << 30, l => l.MessagePayload, (l, v) => l with { MessagePayload = v }),
        new("max-fds", "descriptors in a message, and queued for one receiver by one user", "EMFILE", 0, 253, l => l.Fds, (l, v) => l with { Fds = v }),
        new("max-fds-in-flight", "descriptors of a user in messages that nobody has received yet", "EMFILE", 16, 1 << 20, l => l.FilesInFlight, (l, v) => l with { FilesInFlight = v }),
        new("max-messages", "messages queued for one receiver by one user", "ENOBUFS", 1, 1 << 20, l => l.Messages, (l, v) => l with { Messages = v }),
        new("max-requests", "requests of a connection without reply", "EMLINK", 1, 1 << 20, l => l.Requests, (l, v) => l with { Requests = v }),
        new("max-names", "names owned by a connection", "E2BIG", 1, 1 << 16, l => l.Names, (l, v) => l with { Names = v }),
        new("max-matches", "matches of a connection", "EMFILE", 1, 1 << 20, l => l.Matches, (l, v) => l with { Matches = v }),
        new("max-connections", "connections of a user", "EMFILE", 1, 1 << 20, l => l.Connections, (l, v) => l with { Connections = v }),
        new("max-buses", "buses of a user", "EMFILE", 1, 1 << 16, l => l.Buses, (l, v) => l with { Buses = v }),
        new("max-bloom-size", "bytes of a bloom filter", "EINVAL", 8, 1 << 16, l => l.BloomSize, (l, v) => l with { BloomSize = v }),
        new("max-name-length", "characters of a well-known name", "EINVAL", 3, 255, l => l.NameLength, (l, v) => l with { NameLength = v }),
        new("max-sysname-length", "characters of the name of a bus or endpoint, or of a description", "ENAMETOOLONG", 3, 255, l => l.SysNameLength, (l, v) => l with { SysNameLength = v }),
    ];

    /// <summary>Bytes of a command with its items.</summary>
    public int CommandSize { get; init; } = Abi.Limits.CmdMaxSize;

    /// <summary>Bytes of a sent message with its items, without payload.</summary>
    public int MessageSize { get; init; } = Abi.Limits.MsgMaxSize;

    /// <summary>Items of a sent message.</summary>
    public int MessageItems { get; init; } = Abi.Limits.MsgMaxItems;

    /// <summary>Sealed memfds of a sent message.</summary>
    public int MessageMemfds { get; init; } = Abi.Limits.MsgMaxMemfdItems;

    /// <summary>Bytes of all payload vectors of a message, null vectors included.</summary>
    public int MessagePayload { get; init; } = (int)Abi.Limits.MsgMaxPayloadVecSize;

    /// <summary>Descriptors in one message, and queued for one receiver by one user.</summary>
    public int Fds { get; init; } = Abi.Limits.ConnMaxFdsPerUser;

    /// <summary>Descriptors, memfds among them, in messages of a user that nobody has received yet.</summary>
    public int FilesInFlight { get; init; } = 4096;

    /// <summary>Messages queued for one receiver by one user.</summary>
    public int Messages { get; init; } = Abi.Limits.ConnMaxMsgs;

    /// <summary>Request slots of a connection.</summary>
    public int Requests { get; init; } = Abi.Limits.ConnMaxRequestsPending;

    /// <summary>Names owned by a connection.</summary>
    public int Names { get; init; } = Abi.Limits.ConnMaxNames;

    /// <summary>Matches of a connection.</summary>
    public int Matches { get; init; } = Abi.Limits.MatchMax;

    /// <summary>Connections of a user, or of a custom endpoint.</summary>
    public int Connections { get; init; } = Abi.Limits.UserMaxConn;

    /// <summary>Buses of a user.</summary>
    public int Buses { get; init; } = Abi.Limits.UserMaxBuses;

    /// <summary>Bytes of a bloom filter.</summary>
    public int BloomSize { get; init; } = (int)Abi.Limits.BusBloomMaxSize;

    /// <summary>Characters of a well-known name.</summary>
    public int NameLength { get; init; } = Abi.Limits.NameMaxLen;

    /// <summary>Characters of the name of a bus or endpoint, or of a description.</summary>
    public int SysNameLength { get; init; } = Abi.Limits.SysNameMaxLen;
}

/// <summary>One limit of a domain.</summary>
/// <param name="Name">Its name, which is also that of the mount option.</param>
/// <param name="Counts">What it counts, per what.</param>
/// <param name="Error">The error beyond it.</param>
/// <param name="Least">The smallest value it may be given.</param>
/// <param name="Most">The largest.</param>
/// <param name="Get">Reads it.</param>
/// <param name="Set">A set of limits that differs in this one.</param>
public sealed record DomainLimit(
    string Name, string Counts, string Error, int Least, int Most, Func<DomainLimits, int> Get, Func<DomainLimits, int, DomainLimits> Set);
