using Kdbus.Abi;
using Kdbus.Engine.Processes;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving.Processes;

/// <summary>
/// Finds out about threads that are stopped in a call to us, so that their numbers stay theirs while we look. What never
/// changes for a thread is kept from call to call; all else is looked up when it is asked for, and never under a lock.
/// </summary>
internal sealed class ProcessObserver : IDisposable
{
    /// <summary>What a pidfd tells, without /proc.</summary>
    private const AttachFlags ByPidFd = AttachFlags.Creds | AttachFlags.PidfsId | AttachFlags.Pidfd;

    private static readonly TimeSpan TrimPeriod = TimeSpan.FromSeconds(1);

    private readonly UserNamespaces _users;
    private readonly ThreadCache _threads;
    private readonly PidNamespaces _spaces;
    private readonly DetailReader _details = new();
    private readonly Timer? _trimmer;

    /// <param name="users">What user namespaces call ids.</param>
    /// <param name="openFiles">Descriptors that the daemon may have.</param>
    public ProcessObserver(UserNamespaces users, long openFiles)
    {
        _users = users;
        _spaces = new PidNamespaces();
        _trimmer = new Timer(_ => TrimAndGoOn(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _threads = new ThreadCache(openFiles, TrimLater);
    }

    internal ProcessObserver(UserNamespaces users, PidNamespaces spaces, ThreadCache threads)
    {
        _users = users;
        _spaces = spaces;
        _threads = threads;
    }

    /// <summary>Whether nothing is kept.</summary>
    public bool IsEmpty => _threads.IsEmpty;

    /// <summary>
    /// What is true of a thread now, of the kinds asked for that there are. Null if it cannot be seen. With CMDLINE it may
    /// block as long as the caller's memory pleases.
    /// </summary>
    public ProcessRecord? Describe(int thread, AttachFlags kinds)
    {
        if (!ThreadLook.TryBegin(thread, _threads, _spaces, out var look)) return null;
        try
        {
            return Record(ref look, kinds & (_spaces.IsSeen ? AttachMask.Process : ByPidFd));
        }
        finally
        {
            look.End();
        }
    }

    /// <summary>From where a thread looks at others, as far as it is asked for. One whose user namespace is unknown names no ids.</summary>
    public ReaderView ViewOf(int thread, CallerFacts facts)
    {
        var view = default(ReaderView);
        if (!facts.HasFlag(CallerFacts.UserNamespace))
        {
            if (facts.HasFlag(CallerFacts.PidNamespace)) view = view with { PidNamespace = PidNamespaceOf(thread) };
        }
        else if (!TryViewOfKnown(thread, out view))
        {
            var maps = _users.Look(thread, out var userSpace);
            view = new ReaderView { UserNamespace = userSpace, Maps = maps, PidNamespace = PidNamespaceOf(thread) };
        }

        return facts.HasFlag(CallerFacts.Root) && thread > 0 ? view with { Root = DetailReader.RootOf(thread) } : view;
    }

    /// <summary>Whom a thread means by the numbers of a PIDS item: they are those of its pid namespace, and each is 0 or somebody's.</summary>
    public NamedProcesses Name(int thread, in KdbusPids pids)
    {
        if ((pids.Pid | pids.Tid | pids.Ppid) == 0) return new NamedProcesses(Found: true, null, null, null);
        if (!ThreadLook.TryBegin(thread, _threads, _spaces, out var look)) return default;
        try
        {
            var space = look.Numbers()?.Namespace ?? 0;
            if (space == 0) return default;
            var file = space == _spaces.Own ? -1 : NamespaceFile.Open(thread, NamespaceKind.Pid);
            if (space != _spaces.Own && file < 0) return default;
            NamedProcesses named = default;
            if (TryName(pids.Pid, space, file, out var process)
                && TryName(pids.Tid, space, file, out var who)
                && TryName(pids.Ppid, space, file, out var parent))
            {
                named = new NamedProcesses(Found: true, process, who, parent);
            }

            if (file >= 0) FileDescriptor.Close(file);
            return named;
        }
        finally
        {
            look.End();
        }
    }

    /// <summary>What the kernel tells of a thread by its pidfd; false if it cannot, and then /proc has to be asked.</summary>
    public bool TryIdentify(int thread, out PidInfo info)
    {
        info = default;
        if (thread <= 0 || _threads.Find(thread, out info) is not { } known) return false;
        known.Release();
        return true;
    }

    /// <summary>
    /// A copy of one of a thread's descriptors, or -errno; -ESRCH if the thread is not among those that are kept, and then it has to be
    /// found in another way.
    /// </summary>
    public int CopyDescriptor(int thread, int number)
    {
        if (thread <= 0 || _threads.FindLast(thread) is not { } known) return -SystemError.ESRCH;
        var copy = known.CopyDescriptor(number);
        known.Release();
        return copy;
    }

    /// <summary>A pidfd of a thread's process, or -errno.</summary>
    public int OpenProcess(int thread)
    {
        if (!ThreadLook.TryBegin(thread, _threads, _spaces, out var look)) return -SystemError.ESRCH;
        var pidfd = PidFd.Open(look.Process);
        look.End();
        return pidfd;
    }

    /// <summary>Lets go of threads that nobody has asked about since the last time this was done.</summary>
    public void Trim() => _threads.Trim();

    public void Dispose()
    {
        _trimmer?.Dispose();
        _threads.Dispose();
    }

    private ProcessRecord Record(ref ThreadLook look, AttachFlags kinds)
    {
        var got = kinds & AttachFlags.Creds;
        ThreadNumbers? numbers = null;
        PidNumbers? parent = null;
        if ((kinds & AttachFlags.Pids) != 0 && (numbers = look.Numbers()) is not null)
        {
            got |= AttachFlags.Pids;
            parent = look.Parent();
        }

        ulong pidfsId = 0;
        if ((kinds & (AttachFlags.PidfsId | AttachFlags.Pidfd)) != 0 && look.TryProcess(out pidfsId))
        {
            got |= kinds & AttachFlags.Pidfd;
            if (pidfsId != 0) got |= kinds & AttachFlags.PidfsId;
        }

        ulong startTime = 0;
        if ((kinds & AttachFlags.StartTime) != 0 && look.TryStartTime(out startTime)) got |= AttachFlags.StartTime;

        ProcessDetails? details = null;
        if ((kinds & DetailReader.Kinds) != 0)
        {
            details = _details.Read(ref look, kinds & DetailReader.Kinds, out var found);
            got |= found;
        }

        return new ProcessRecord
        {
            Kinds = got,
            Creds = (got & AttachFlags.Creds) != 0 ? look.Creds : default,
            Process = numbers?.Process,
            Thread = numbers?.Thread,
            Parent = parent,
            PidfsId = pidfsId,
            StartTime = startTime,
            Details = details,
        };
    }

    /// <summary>
    /// One question answers all: which user namespace a kept link leads to, and that its thread lives. False if that thread has
    /// not been looked at lately.
    /// </summary>
    private bool TryViewOfKnown(int thread, out ReaderView view)
    {
        view = default;
        if (thread <= 0 || _threads.FindLast(thread) is not { } known) return false;
        var isThere = known.TryUserNamespace(out var space) && known.Numbers != null;
        if (isThere)
        {
            view = new ReaderView { UserNamespace = space, Maps = _users.MapsOf(thread, space), PidNamespace = known.Numbers!.Namespace };
        }

        known.Release();
        return isThere;
    }

    private void TrimAndGoOn()
    {
        Trim();
        if (!IsEmpty) TrimLater();
    }

    private void TrimLater()
    {
        try
        {
            _trimmer?.Change(TrimPeriod, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // At the end nothing is kept anyway.
        }
    }

    /// <summary>Also makes it quicker to ask the next time.</summary>
    private ulong PidNamespaceOf(int thread)
    {
        if (!ThreadLook.TryBegin(thread, _threads, _spaces, out var look)) return 0;
        try
        {
            look.LinkUserNamespace();
            return look.Numbers()?.Namespace ?? 0;
        }
        finally
        {
            look.End();
        }
    }

    /// <summary>
    /// Between translating a number and looking at whoever has it here that one may end, and another take its place. Somebody
    /// who does have the number there is as good as whoever had it before.
    /// </summary>
    /// <param name="number">The number, in that namespace.</param>
    /// <param name="space">The namespace.</param>
    /// <param name="file">It, open; -1 if it is our own.</param>
    /// <param name="who">Who has it; null for 0.</param>
    private bool TryName(ulong number, ulong space, int file, out PidNumbers? who)
    {
        who = null;
        if (number == 0) return true;
        if (number > int.MaxValue) return false;
        var here = file < 0 ? (int)number : NamespaceFile.TranslatePid(file, (int)number);
        who = here <= 0 ? null : _spaces.NumbersOfWhoHas(here, ThreadLook.OtherStatus);
        return who?.In(space) == number;
    }
}
