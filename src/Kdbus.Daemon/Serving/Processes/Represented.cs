using Kdbus.Linux;
using TaskStatus = Kdbus.Linux.TaskStatus;

namespace Kdbus.Daemon.Serving.Processes;

/// <summary>
/// A thread for which another one, its supervisor, issues a command. Its number may be somebody else's when it has ended, so what was
/// found out by number is good only if it lives afterwards.
/// </summary>
/// <param name="thread">Its number, in the daemon's pid namespace.</param>
/// <param name="pidfd">Means it; belongs to this object.</param>
internal sealed class Represented(int thread, int pidfd) : IDisposable
{
    private const ulong SysPtrace = 1UL << 19; // CAP_SYS_PTRACE

    public int Thread => thread;

    /// <summary>It has not ended.</summary>
    public bool IsAlive => PidFd.GetInfo(pidfd, out _) >= 0;

    /// <summary>
    /// The thread that a pidfd means, if <paramref name="caller"/> may act for it; null if not, or if it has ended. The rule is that
    /// of ptrace(2): who could make it issue the command may issue it for it. Before Linux 6.13 a pidfd does not tell whom it means.
    /// </summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="pidfd">Belongs to the result, or is closed.</param>
    /// <param name="namespaces">Whose capabilities count.</param>
    public static Represented? Find(int caller, int pidfd, UserNamespaces namespaces)
    {
        if (PidFd.GetInfo(pidfd, out var info) >= 0 && (info.Mask & PidInfo.HasPid) != 0 && info.Pid != 0)
        {
            var found = new Represented((int)info.Pid, pidfd);
            if (MayActFor(caller, found.Thread, namespaces) && found.IsAlive) return found;
        }

        FileDescriptor.Close(pidfd);
        return null;
    }

    public void Dispose() => FileDescriptor.Close(pidfd);

    private static bool MayActFor(int caller, int thread, UserNamespaces namespaces)
    {
        var own = new TaskStatus();
        if (own.Read(caller) < 0) return false;
        if ((own.CapEffective & SysPtrace) != 0 && namespaces.IsOwn(caller)) return true;
        var other = new TaskStatus();
        return other.Read(thread) >= 0
            && IsAll(other.Uid, own.Uid.Real)
            && IsAll(other.Gid, own.Gid.Real)
            && (other.CapPermitted & ~own.CapPermitted) == 0
            && IsDumpable(thread, other);
    }

    private static bool IsAll(TaskIds ids, uint id) => ids.Real == id && ids.Effective == id && ids.Saved == id;

    /// <summary>The files in /proc of one that is not belong to root.</summary>
    private static bool IsDumpable(int thread, TaskStatus status) =>
        ProcFile.OwnerOf(thread, out var owner) >= 0 && owner == status.Uid.Effective;
}
