namespace Kdbus.Daemon.Serving;

/// <summary>
/// Our copy of a descriptor by which its owner can end a synchronous call. It is closed exactly once, and before the call is
/// answered: what it keeps open may be an endpoint of this very domain, and closing that takes effect at once.
/// </summary>
/// <param name="watcher">Who watches it and closes it.</param>
/// <param name="tag">What its watcher calls it.</param>
/// <param name="number">The copy.</param>
/// <param name="request">The call.</param>
internal sealed class CancelDescriptor(CancelWatcher watcher, ulong tag, int number, ulong request)
{
    /// <summary>What its watcher calls it.</summary>
    public ulong Tag { get; } = tag;

    /// <summary>The copy.</summary>
    public int Number { get; } = number;

    /// <summary>The call.</summary>
    public ulong Request { get; } = request;

    /// <summary>
    /// It has become readable. Guarded by the lock of the engine: that may happen before the call begins to wait, and whoever
    /// makes it wait looks.
    /// </summary>
    public bool WasReadable { get; set; }

    /// <summary>Ends the watch and closes the copy. That may block for as long as its file pleases: only inside a blocking section.</summary>
    public void Close() => watcher.Close(this);

    /// <summary>Has the watcher do that, which then says so. Does not block.</summary>
    public void CloseLater() => watcher.CloseLater(this);
}
