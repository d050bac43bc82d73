namespace Kdbus.Client.Internal;

/// <summary>
/// An open file of an endpoint, as the client sees it: that of a mounted domain, or one of a bus in this process. Methods may be called by
/// several threads at once, and return 0 or more, or -errno.
/// </summary>
internal unsafe interface IEndpointFile : IDisposable
{
    /// <summary>CLOCK_MONOTONIC as the bus reads it, in nanoseconds: deadlines of requests are in it.</summary>
    long Now { get; }

    /// <summary>ioctl(2), which may wait. Interrupted (-EINTR) it returns too: whoever calls decides whether to repeat it.</summary>
    int Ioctl(uint command, void* argument);

    /// <summary>
    /// Waits until there is something to receive, the connection has ended or <see cref="Wake"/> was called: 1, or 0 when the time is over, or
    /// -errno.
    /// </summary>
    /// <param name="timeoutMilliseconds">-1 waits for ever.</param>
    int Wait(int timeoutMilliseconds);

    /// <summary>Ends a <see cref="Wait"/>, that of now or the next one.</summary>
    void Wake();

    /// <summary>Maps the pool for reading: its address, or -errno.</summary>
    nint MapPool(ulong size);

    /// <summary>Undoes <see cref="MapPool"/>. Comes after <see cref="IDisposable.Dispose"/> when messages were still looked at then.</summary>
    void UnmapPool(nint address, ulong size);
}
