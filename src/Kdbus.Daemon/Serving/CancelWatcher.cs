using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Waits for the cancel descriptors of one user's calls, on a thread of its own. To poll or to close a file may take as long
/// as whoever is behind it likes: then the calls of this user are not cancelled, and nobody else notices.
/// </summary>
internal sealed class CancelWatcher
{
    /// <summary>Copies that one user can have: far more than calls are cancelled at a time, far fewer than descriptors there are.</summary>
    private const int MaxDescriptors = 512;

    private const ulong WakeTag = 0;
    private const int IdleMilliseconds = 5000;

    private readonly CancelWatch _watch;
    private readonly int _epoll;
    private readonly int _wake;
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, CancelDescriptor> _watched = [];
    private readonly Queue<CancelDescriptor> _closing = new();
    private readonly Thread _thread;
    private ulong _lastTag = WakeTag;
    private int _copies;
    private bool _ended;
    private volatile bool _stopping;

    private CancelWatcher(CancelWatch watch, uint uid, int epoll, int wake)
    {
        _watch = watch;
        Uid = uid;
        _epoll = epoll;
        _wake = wake;
        _thread = new Thread(Run, 256 * 1024) { IsBackground = true, Name = "cancel" };
    }

    /// <summary>Whose calls they are.</summary>
    public uint Uid { get; }

    /// <summary>No copy is there or about to come. Only under the lock of the watch, which lets none come meanwhile.</summary>
    public bool IsIdle => Volatile.Read(ref _copies) == 0;

    /// <summary>One that watches nothing yet: EMFILE or ENOMEM if the daemon can have no more.</summary>
    public static Errno Start(CancelWatch watch, uint uid, out CancelWatcher? watcher)
    {
        watcher = null;
        var epoll = Epoll.Create();
        var wake = EventFd.Create();
        var result = Math.Min(Math.Min(epoll, wake), 0);
        if (result == 0) result = Epoll.Add(epoll, wake, EpollEvents.In, WakeTag);
        if (result == 0)
        {
            try
            {
                var started = new CancelWatcher(watch, uid, epoll, wake);
                started._thread.Start();
                watcher = started;
                return Errno.OK;
            }
            catch (OutOfMemoryException)
            {
                result = -SystemError.ENOMEM;
            }
        }

        if (epoll >= 0) FileDescriptor.Close(epoll);
        if (wake >= 0) FileDescriptor.Close(wake);
        return CancelWatch.Reason(result);
    }

    /// <summary>Makes room for one copy more; false if the user has too many. Only under the lock of the watch.</summary>
    public bool TryReserve()
    {
        if (Volatile.Read(ref _copies) >= MaxDescriptors) return false;
        Interlocked.Increment(ref _copies);
        return true;
    }

    /// <summary>
    /// Watches a copy that room was made for, and that is closed if it cannot be watched. Asks its file whether it is ready: may
    /// block, only inside a blocking section.
    /// </summary>
    public Errno Watch(int number, ulong request, out CancelDescriptor? descriptor)
    {
        bool ended;
        CancelDescriptor made;
        using (_lock.EnterScope())
        {
            made = new CancelDescriptor(this, ++_lastTag, number, request);
            ended = _ended;
            if (!ended) _watched.Add(made.Tag, made);
        }

        descriptor = null;
        if (ended)
        {
            FileDescriptor.Close(number);
            Interlocked.Decrement(ref _copies);
            return Errno.ESHUTDOWN;
        }

        // Only POLLIN counts, but the others are reported too, and a hang-up lasts: it is to be told once, not for as long as it lasts.
        var added = Epoll.Add(_epoll, number, EpollEvents.In | EpollEvents.EdgeTriggered, made.Tag);
        if (added < 0)
        {
            Close(made);
            return CancelWatch.Reason(added);
        }

        descriptor = made;
        return Errno.OK;
    }

    /// <inheritdoc cref="CancelDescriptor.Close"/>
    public void Close(CancelDescriptor descriptor)
    {
        using (_lock.EnterScope())
        {
            if (!_watched.Remove(descriptor.Tag)) return;
        }

        // Its owner has the file open too, so closing our copy would not end the watch.
        Epoll.Remove(_epoll, descriptor.Number);
        FileDescriptor.Close(descriptor.Number);
        Interlocked.Decrement(ref _copies);
    }

    /// <inheritdoc cref="CancelDescriptor.CloseLater"/>
    public void CloseLater(CancelDescriptor descriptor)
    {
        using (_lock.EnterScope())
        {
            if (!_ended)
            {
                _closing.Enqueue(descriptor);
                EventFd.Signal(_wake);
                return;
            }
        }

        _watch.Closed(descriptor);
    }

    /// <summary>Has the thread close what there is and end; <see cref="Join"/> waits for it.</summary>
    public void Stop()
    {
        _stopping = true;
        EventFd.Signal(_wake);
    }

    /// <summary>Whether the thread ends in that time; one that is stuck in a file is left behind.</summary>
    public bool Join(TimeSpan time) => _thread.Join(time);

    private void Run()
    {
        Span<EpollEvent> events = stackalloc EpollEvent[16];
        while (!_stopping)
        {
            var count = Epoll.Wait(_epoll, events, IdleMilliseconds);
            for (var i = 0; i < count; i++)
            {
                if (events[i].Tag == WakeTag) EventFd.Drain(_wake);
                else if ((events[i].Events & EpollEvents.In) != 0 && Find(events[i].Tag) is { } readable) _watch.Readable(readable);
            }

            while (TakeClosing() is { } descriptor)
            {
                Close(descriptor);
                _watch.Closed(descriptor);
            }

            if (count == 0 && _watch.TryRemove(this)) break;
        }

        End();
    }

    private void End()
    {
        CancelDescriptor[] left;
        using (_lock.EnterScope())
        {
            _ended = true;
            left = [.. _watched.Values];
        }

        foreach (var descriptor in left) Close(descriptor);
        while (TakeClosing() is { } descriptor) _watch.Closed(descriptor);
        // Some reader is still about to use them; the process is ending.
        if (!IsIdle) return;
        FileDescriptor.Close(_epoll);
        FileDescriptor.Close(_wake);
    }

    private CancelDescriptor? Find(ulong tag)
    {
        using (_lock.EnterScope()) return _watched.GetValueOrDefault(tag);
    }

    private CancelDescriptor? TakeClosing()
    {
        using (_lock.EnterScope()) return _closing.TryDequeue(out var descriptor) ? descriptor : null;
    }
}
