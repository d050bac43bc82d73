using Kdbus.Linux;

namespace Kdbus.Daemon.Serving.Processes;

/// <summary>
/// A thread for which another one, its supervisor, issues a command. Its number may be somebody else's when it has ended, so what was
/// found out by number is good only if it lives afterwards.
/// </summary>
/// <param name="thread">Its number, in the daemon's pid namespace.</param>
/// <param name="pidfd">Means it; belongs to this object.</param>
internal sealed class Represented(int thread, int pidfd) : IDisposable
{
    public int Thread => thread;

    /// <summary>It has not ended.</summary>
    public bool IsAlive => PidFd.GetInfo(pidfd, out _) >= 0;

    /// <summary>
    /// The thread that a pidfd means, if <paramref name="caller"/> may act for it; null if not, or if it has ended. The rule is that
    /// of ptrace(2): who could make it issue the command may issue it for it. Before Linux 6.13 a pidfd does not tell whom it means.
    /// </summary>
    /// <param name="caller">Who calls.</param>
    /// <param name="own">What the kernel tells of him.</param>
    /// <param name="pidfd">Belongs to the result, or is closed.</param>
    /// <param name="namespaces">Whose capabilities count.</param>
    public static Represented? Find(int caller, in PidInfo own, int pidfd, UserNamespaces namespaces)
    {
        const ulong Needed = PidInfo.HasPid | PidInfo.HasCredentials;
        if (PidFd.GetInfo(pidfd, out var other) >= 0 && (other.Mask & Needed) == Needed && other.Pid != 0)
        {
            var found = new Represented((int)other.Pid, pidfd);
            if (MayActFor(caller, own, found.Thread, other, namespaces) && found.IsAlive) return found;
        }

        FileDescriptor.Close(pidfd);
        return null;
    }

    public void Dispose() => FileDescriptor.Close(pidfd);

    private static bool MayActFor(int caller, in PidInfo own, int thread, in PidInfo other, UserNamespaces namespaces)
    {
        if (ThreadCapabilities.Of(caller, out var has) < 0) return false;
        if ((has.Effective & ThreadCapabilities.SysPtrace) != 0 && namespaces.IsOwn(caller)) return true;
        return other.RealUid == own.RealUid && other.EffectiveUid == own.RealUid && other.SavedUid == own.RealUid
            && other.RealGid == own.RealGid && other.EffectiveGid == own.RealGid && other.SavedGid == own.RealGid
            && ThreadCapabilities.Of(thread, out var needs) >= 0
            && (needs.Permitted & ~has.Permitted) == 0
            && IsDumpable(thread, other);
    }

    /// <summary>The files in /proc of one that is not belong to root.</summary>
    private static bool IsDumpable(int thread, in PidInfo info) => ProcFile.OwnerOf(thread, out var owner) >= 0 && owner == info.EffectiveUid;
}
