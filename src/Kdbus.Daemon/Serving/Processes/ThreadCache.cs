using Kdbus.Linux;

namespace Kdbus.Daemon.Serving.Processes;

/// <summary>
/// The threads that have called lately. Each costs a descriptor or two, so there are not many: the one that has not called for the
/// longest time goes first, and those that do not call any more go by and by. A kernel without PIDFD_GET_INFO of threads
/// (before Linux 6.13) cannot say whether a number still means the same thread; then none is kept.
/// </summary>
internal sealed class ThreadCache : IDisposable
{
    /// <summary>How many are kept at most.</summary>
    public const int Capacity = 512;

    private const int DescriptorsOfEach = 2;
    private const int PartOfDescriptors = 8;

    private readonly bool _isPossible;
    private readonly int _capacity = Capacity;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, KnownThread> _threads = [];
    private KnownThread? _newest;
    private KnownThread? _oldest;
    private uint _round;
    private bool _ended;

    private readonly Action? _filled;

    /// <param name="openFiles">Descriptors that the daemon may have: a small part of them is for this.</param>
    /// <param name="filled">Told when there is one, and was none before.</param>
    public ThreadCache(long openFiles, Action? filled = null)
        : this(IsPossible())
    {
        _capacity = (int)Math.Clamp(openFiles / PartOfDescriptors / DescriptorsOfEach, 1, Capacity);
        _filled = filled;
    }

    /// <param name="isPossible">Whether the kernel has what it takes.</param>
    internal ThreadCache(bool isPossible) => _isPossible = isPossible;

    public bool IsEmpty
    {
        get
        {
            lock (_lock) return _threads.Count == 0;
        }
    }

    /// <summary>
    /// The thread that has this number now and what the kernel tells of it. It is in use until it is released. Null if the
    /// kernel cannot tell; there may be one all the same.
    /// </summary>
    public KnownThread? Find(int thread, out PidInfo info)
    {
        info = default;
        if (!_isPossible) return null;
        if (Take(thread) is { } kept)
        {
            if (kept.Ask(out info)) return kept;
            Drop(kept);
            kept.Release();
        }

        var pidfd = PidFd.OpenThread(thread);
        if (pidfd < 0) return null;
        var opened = new KnownThread(thread, pidfd);
        if (opened.Ask(out info))
        {
            Keep(opened);
            return opened;
        }

        opened.Release();
        return null;
    }

    /// <summary>
    /// The thread that had this number when it called last, or null. It is in use until it is released, and may have ended:
    /// it has to be asked before anything is believed.
    /// </summary>
    public KnownThread? FindLast(int thread) => Take(thread);

    /// <summary>Keeps a thread, in the place of the one that had its number.</summary>
    public void Keep(KnownThread thread)
    {
        KnownThread? before;
        KnownThread? surplus = null;
        bool isFirst;
        lock (_lock)
        {
            if (_ended) return;
            isFirst = _threads.Count == 0;
            if (_threads.Remove(thread.Id, out before)) Unlink(before);
            if (_threads.Count == _capacity)
            {
                surplus = _oldest!;
                _threads.Remove(surplus.Id);
                Unlink(surplus);
            }

            thread.Hold();
            _threads.Add(thread.Id, thread);
            LinkAsNewest(thread);
        }

        before?.Release();
        surplus?.Release();
        if (isFirst) _filled?.Invoke();
    }

    /// <summary>Lets go of those that have not called since the last time this was done.</summary>
    public void Trim()
    {
        KnownThread? idle = null;
        lock (_lock)
        {
            while (_oldest is { } oldest && oldest.Round != _round) idle = TakeOut(oldest, idle);
            _round++;
        }

        ReleaseAll(idle);
    }

    public void Dispose()
    {
        KnownThread? all = null;
        lock (_lock)
        {
            _ended = true;
            while (_oldest is { } oldest) all = TakeOut(oldest, all);
        }

        ReleaseAll(all);
    }

    private static bool IsPossible()
    {
        var self = PidFd.OpenThread(CurrentProcess.ThreadId);
        if (self < 0) return false;
        var asked = PidFd.GetInfo(self, out _);
        FileDescriptor.Close(self);
        return asked >= 0;
    }

    private KnownThread? Take(int id)
    {
        lock (_lock)
        {
            if (!_threads.TryGetValue(id, out var thread)) return null;
            thread.Hold();
            if (thread == _newest)
            {
                thread.Round = _round;
                return thread;
            }

            Unlink(thread);
            LinkAsNewest(thread);
            return thread;
        }
    }

    private void Drop(KnownThread thread)
    {
        lock (_lock)
        {
            if (_threads.GetValueOrDefault(thread.Id) != thread) return;
            _threads.Remove(thread.Id);
            Unlink(thread);
        }

        thread.Release();
    }

    /// <summary>Puts one at the head of a list of those that have been taken out.</summary>
    private KnownThread TakeOut(KnownThread thread, KnownThread? others)
    {
        _threads.Remove(thread.Id);
        Unlink(thread);
        thread.Older = others;
        return thread;
    }

    private static void ReleaseAll(KnownThread? threads)
    {
        while (threads is { } thread)
        {
            threads = thread.Older;
            thread.Older = null;
            thread.Release();
        }
    }

    private void LinkAsNewest(KnownThread thread)
    {
        thread.Round = _round;
        thread.Older = _newest;
        if (_newest is null) _oldest = thread;
        else _newest.Newer = thread;
        _newest = thread;
    }

    private void Unlink(KnownThread thread)
    {
        if (thread.Newer is null) _newest = thread.Older;
        else thread.Newer.Older = thread.Older;
        if (thread.Older is null) _oldest = thread.Newer;
        else thread.Older.Newer = thread.Newer;
        thread.Newer = thread.Older = null;
    }
}
