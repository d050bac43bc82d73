using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Cancel descriptors of synchronous calls: copies of descriptors of the callers, which are polled while the calls wait. What
/// lies behind such a descriptor is the caller's choice and may do anything when it is polled or closed, so each user has a
/// <see cref="CancelWatcher"/> of his own.
/// </summary>
/// <param name="readable">A descriptor has become readable; told on its watcher's thread, with no lock held.</param>
/// <param name="closed">One that was to be closed later is closed; told in the same way.</param>
internal sealed class CancelWatch(Action<CancelDescriptor> readable, Action<CancelDescriptor> closed) : IDisposable
{
    /// <summary>Users whose calls are watched at a time.</summary>
    private const int MaxWatchers = 256;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, CancelWatcher> _watchers = [];
    private bool _stopped;

    /// <summary>
    /// Watches a copy, which belongs to the watch from here on whatever comes of it: EBADF or EINVAL if nobody can poll it,
    /// EUSERS if the user has too many, ENOMEM. May block: only inside a blocking section.
    /// </summary>
    public Errno Watch(uint uid, int copy, ulong request, out CancelDescriptor? descriptor)
    {
        descriptor = null;
        CancelWatcher? watcher;
        Errno result;
        using (_lock.EnterScope()) result = Reserve(uid, out watcher);
        if (result == Errno.OK) return watcher!.Watch(copy, request, out descriptor);
        FileDescriptor.Close(copy);
        return result;
    }

    /// <summary>Whether a copy could be watched, and closes it. May block: only inside a blocking section.</summary>
    public static Errno Probe(int copy)
    {
        var epoll = Epoll.Create();
        var result = epoll < 0 ? epoll : Epoll.Add(epoll, copy, EpollEvents.In, 0);
        if (epoll >= 0) FileDescriptor.Close(epoll);
        FileDescriptor.Close(copy);
        return Reason(result);
    }

    /// <summary>What the caller is told of a failure of epoll(7).</summary>
    internal static Errno Reason(int result) => -result switch
    {
        <= 0 => Errno.OK,
        SystemError.EBADF => Errno.EBADF,
        SystemError.EMFILE or SystemError.ENFILE => Errno.EMFILE,
        SystemError.ENOMEM or SystemError.ENOSPC => Errno.ENOMEM,
        _ => Errno.EINVAL,
    };

    internal void Readable(CancelDescriptor descriptor) => readable(descriptor);

    internal void Closed(CancelDescriptor descriptor) => closed(descriptor);

    /// <summary>A watcher has had nothing to do for a while: whether it may end.</summary>
    internal bool TryRemove(CancelWatcher watcher)
    {
        using (_lock.EnterScope()) return watcher.IsIdle && _watchers.Remove(watcher.Uid);
    }

    /// <summary>Closes what is left. A watcher that is stuck is left behind.</summary>
    public void Dispose()
    {
        CancelWatcher[] watchers;
        using (_lock.EnterScope())
        {
            _stopped = true;
            watchers = [.. _watchers.Values];
            _watchers.Clear();
        }

        foreach (var watcher in watchers) watcher.Stop();
        var deadline = Environment.TickCount64 + (long)Grace.TotalMilliseconds;
        foreach (var watcher in watchers) watcher.Join(TimeSpan.FromMilliseconds(Math.Max(deadline - Environment.TickCount64, 0)));
    }

    private Errno Reserve(uint uid, out CancelWatcher? watcher)
    {
        watcher = null;
        if (_stopped) return Errno.ESHUTDOWN;
        if (!_watchers.TryGetValue(uid, out watcher))
        {
            if (_watchers.Count >= MaxWatchers) return Errno.EUSERS;
            var started = CancelWatcher.Start(this, uid, out watcher);
            if (started != Errno.OK) return started;
            _watchers.Add(uid, watcher!);
        }

        return watcher!.TryReserve() ? Errno.OK : Errno.EUSERS;
    }
}
