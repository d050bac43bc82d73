using Kdbus.Engine.Processes;
using Kdbus.Linux;
using TaskStatus = Kdbus.Linux.TaskStatus;

namespace Kdbus.Daemon.Serving.Processes;

/// <summary>One look at one thread: nothing is asked for before somebody wants to know it, and nothing twice.</summary>
internal ref struct ThreadLook
{
    [ThreadStatic]
    private static TaskStatus? t_status;

    [ThreadStatic]
    private static TaskStatus? t_other;

    private readonly KnownThread _known;
    private readonly PidNamespaces _spaces;
    private readonly PidInfo _info;
    private readonly bool _isPinned;
    private bool _hasStatus;

    private ThreadLook(KnownThread known, PidNamespaces spaces, scoped in PidInfo info, bool isPinned)
    {
        _known = known;
        _spaces = spaces;
        _info = info;
        _isPinned = isPinned;
        _hasStatus = !isPinned;
    }

    public readonly int Thread => _known.Id;

    public readonly int Process => (int)_info.Tgid;

    public readonly TaskCreds Creds => new(
        _info.RealUid, _info.EffectiveUid, _info.SavedUid, _info.FileSystemUid,
        _info.RealGid, _info.EffectiveGid, _info.SavedGid, _info.FileSystemGid);

    /// <summary>Whether /proc can be asked about the thread.</summary>
    public readonly bool HasFiles => _spaces.IsSeen;

    private static TaskStatus OwnStatus => t_status ??= new TaskStatus();

    /// <summary>Room for the status of somebody else than the thread that is looked at.</summary>
    public static TaskStatus OtherStatus => t_other ??= new TaskStatus();

    /// <summary>Begins to look at a thread, until <see cref="End"/>; false if it cannot be seen.</summary>
    public static bool TryBegin(int thread, ThreadCache threads, PidNamespaces spaces, out ThreadLook look)
    {
        look = default;
        if (thread <= 0) return false;
        if (threads.Find(thread, out var info) is { } known)
        {
            look = new ThreadLook(known, spaces, info, isPinned: true);
            return true;
        }

        var status = OwnStatus;
        if (!spaces.IsSeen || status.Read(thread) < 0) return false;
        look = new ThreadLook(new KnownThread(thread, pidfd: -1), spaces, InfoOf(status), isPinned: false);
        return true;
    }

    public readonly void End() => _known.Release();

    /// <summary>The thread's status; null if it cannot be had.</summary>
    public TaskStatus? Status()
    {
        if (!_hasStatus) _hasStatus = HasFiles && OwnStatus.Read(Thread) >= 0;
        return _hasStatus ? OwnStatus : null;
    }

    /// <summary>The numbers of the thread and of its process; null if they cannot be had.</summary>
    public ThreadNumbers? Numbers() =>
        _known.Numbers ??= Status() is { } status ? _spaces.NumbersOf(Thread, status) : null;

    /// <summary>The parent's numbers; null if it cannot be seen.</summary>
    public readonly PidNumbers? Parent()
    {
        var number = _info.PPid;
        while (number != 0)
        {
            if (_known.Parent is { } known && known.Number == number) return known.Numbers;
            // Read by number, which may be somebody else's if the parent has ended. It has not if it is the parent afterwards.
            var numbers = _spaces.NumbersOfWhoHas((int)number, OtherStatus);
            if (!TryAskAgain(out var now)) return null;
            if (now.PPid == number)
            {
                if (numbers is not null) _known.Parent = new KnownParent(number, numbers);
                return numbers;
            }

            number = now.PPid;
        }

        return null;
    }

    /// <inheritdoc cref="KnownThread.TryProcess"/>
    public readonly bool TryProcess(out ulong number) => _known.TryProcess(Process, out number);

    /// <inheritdoc cref="KnownThread.LinkUserNamespace"/>
    public readonly void LinkUserNamespace()
    {
        if (_isPinned && HasFiles) _known.LinkUserNamespace();
    }

    /// <inheritdoc cref="KnownThread.TryStartTime"/>
    public readonly bool TryStartTime(out ulong time)
    {
        time = 0;
        return HasFiles && _known.TryStartTime(Process, out time);
    }

    private readonly bool TryAskAgain(out PidInfo info)
    {
        if (_isPinned) return _known.Ask(out info);
        info = default;
        if (OtherStatus.Read(Thread) < 0) return false;
        info = InfoOf(OtherStatus);
        return true;
    }

    private static PidInfo InfoOf(TaskStatus status) => new()
    {
        Pid = (uint)status.Pid,
        Tgid = (uint)status.Tgid,
        PPid = (uint)status.PPid,
        RealUid = status.Uid.Real,
        EffectiveUid = status.Uid.Effective,
        SavedUid = status.Uid.Saved,
        FileSystemUid = status.Uid.FileSystem,
        RealGid = status.Gid.Real,
        EffectiveGid = status.Gid.Effective,
        SavedGid = status.Gid.Saved,
        FileSystemGid = status.Gid.FileSystem,
    };
}
