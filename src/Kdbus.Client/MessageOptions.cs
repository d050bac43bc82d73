using System.Runtime.InteropServices;

namespace Kdbus.Client;

/// <summary>What a message has besides receiver and bytes. The default is what most messages want.</summary>
public readonly record struct MessageOptions
{
    /// <summary>What the payload is; 0 stands for <see cref="PayloadTypes.Bytes"/>.</summary>
    public ulong PayloadType { get; init; }

    /// <summary>How urgent, for receivers who ask for it: smaller is more urgent.</summary>
    public long Priority { get; init; }

    /// <summary>Requests: how long to wait for the answer; null stands for <see cref="BusConnectionOptions.CallTimeout"/>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Fail (EADDRNOTAVAIL) rather than wake the activator that stands in for a name.</summary>
    public bool NoAutoStart { get; init; }

    /// <summary>Payload in sealed memfds, behind the bytes, without a copy: 16 at most. They stay the caller's.</summary>
    public IReadOnlyList<MemfdPayload>? Memfds { get; init; }

    /// <summary>Descriptors to send along: 16 at most, no unix sockets, no files of a domain. The bus copies them, so they stay the caller's.</summary>
    public IReadOnlyList<SafeHandle>? Descriptors { get; init; }
}
