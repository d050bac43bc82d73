using Kdbus.Engine.Processes;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving.Processes;

/// <summary>
/// What never changes for one thread, as far as somebody has asked for it, and the pidfd that tells whether it is still there.
/// Facts are read by the thread's number. While its task lives nobody else has that number, so facts found here are true of
/// it if the pidfd answers now, whoever may have had the number when the task was gone.
/// </summary>
/// <param name="id">The number, in the daemon's pid namespace.</param>
/// <param name="pidfd">Means the thread; this object owns it. -1: there is none, and the object serves one look.</param>
internal sealed class KnownThread(int id, int pidfd)
{
    private const long NotAsked = -1;

    private int _users = 1;
    private int _userNamespace = -1;
    private long _pidfsId = NotAsked;
    private long _startTime = NotAsked;

    public int Id => id;

    /// <summary>Its numbers and those of its process.</summary>
    public ThreadNumbers? Numbers { get; set; }

    /// <summary>
    /// The real parent. One that ends is replaced by an older process: a reaper that was there before, so its number was not
    /// free then. Hence while a thread has a parent with this number, it is this one.
    /// </summary>
    public KnownParent? Parent { get; set; }

    /// <summary>The neighbours in the cache, and when it was used last; the cache's, under its lock.</summary>
    public KnownThread? Newer { get; set; }

    /// <inheritdoc cref="Newer"/>
    public KnownThread? Older { get; set; }

    /// <inheritdoc cref="Newer"/>
    public uint Round { get; set; }

    /// <summary>Asks the pidfd; false if the thread has ended, or if there is no pidfd.</summary>
    public bool Ask(out PidInfo info)
    {
        const ulong Needed = PidInfo.HasPid | PidInfo.HasCredentials;
        info = default;
        return pidfd >= 0 && PidFd.GetInfo(pidfd, out info) >= 0 && (info.Mask & Needed) == Needed;
    }

    /// <summary>A copy of one of its descriptors, or -errno (-ESRCH: it has ended).</summary>
    public int CopyDescriptor(int number) => pidfd < 0 ? -SystemError.ESRCH : PidFd.GetFd(pidfd, number);

    /// <summary>
    /// The user namespace it is in now, by a kept link that answers only while the thread lives: then it still has the number.
    /// False if it has ended, or if there is no link yet.
    /// </summary>
    public bool TryUserNamespace(out ulong space)
    {
        var inode = _userNamespace < 0 ? -1 : ProcessNamespace.InodeOfLink(_userNamespace);
        space = (ulong)Math.Max(inode, 0);
        return inode > 0;
    }

    /// <summary>Makes the link. The thread has just been asked and is stopped, so by its number it is found.</summary>
    public void LinkUserNamespace()
    {
        if (_userNamespace >= 0) return;
        var link = ProcessNamespace.OpenLink(id, NamespaceKind.User);
        if (link >= 0 && Interlocked.CompareExchange(ref _userNamespace, link, -1) >= 0) FileDescriptor.Close(link);
    }

    /// <summary>
    /// Whether a pidfd of its process can be had, and the number that no other process gets; 0 if the kernel has none. That it
    /// can be had stays true while the thread lives; why it could not may pass.
    /// </summary>
    public bool TryProcess(int process, out ulong number)
    {
        var known = _pidfsId;
        if (known == NotAsked)
        {
            var leader = PidFd.Open(process);
            if (leader >= 0)
            {
                _pidfsId = known = Math.Max(PidFd.Inode(leader), 0);
                FileDescriptor.Close(leader);
            }
        }

        number = (ulong)Math.Max(known, 0);
        return known != NotAsked;
    }

    /// <summary>When its process was started, nanoseconds after boot; an execve(2) does not change it.</summary>
    public bool TryStartTime(int process, out ulong time)
    {
        if (_startTime < 0) _startTime = TaskStat.StartTime(process);
        time = (ulong)Math.Max(_startTime, 0);
        return _startTime >= 0;
    }

    /// <summary>One more uses it.</summary>
    public void Hold() => Interlocked.Increment(ref _users);

    /// <summary>One less uses it; the last one closes its descriptors.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) != 0) return;
        if (pidfd >= 0) FileDescriptor.Close(pidfd);
        if (_userNamespace >= 0) FileDescriptor.Close(_userNamespace);
    }
}

/// <summary>A parent: its number in the daemon's pid namespace, and all its numbers.</summary>
internal sealed record KnownParent(uint Number, PidNumbers Numbers);

/// <summary>The numbers of a thread and of its process, and its pid namespace; 0 if that is not known.</summary>
internal sealed record ThreadNumbers(PidNumbers Thread, PidNumbers Process, ulong Namespace);
