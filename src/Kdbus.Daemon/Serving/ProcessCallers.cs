using Kdbus.Abi;
using Kdbus.Engine;
using Kdbus.Linux;
using TaskStatus = Kdbus.Linux.TaskStatus;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Callers as the kernel shows them: their memory through process_vm_readv(2) and process_vm_writev(2), their ids through
/// a pidfd, their capabilities through /proc. Ids come as seen from the daemon's user namespace, which is the domain's.
/// </summary>
internal sealed class ProcessCallers : ICallers
{
    private const int CapIpcOwner = 15;

    private readonly long _userNamespace = ProcessNamespace.Inode(Environment.ProcessId, NamespaceKind.User);

    [ThreadStatic]
    private static TaskStatus? t_status;

    public nint Read(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) => ProcessMemory.Read(thread, local, remote);

    public nint Write(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) => ProcessMemory.Write(thread, local, remote);

    public Errno Identify(int thread, CallerNeeds needs, bool capabilities, out Caller caller)
    {
        caller = default;
        if (thread == 0) return Errno.ESRCH;
        return !capabilities && TryPidFd(thread, out caller) ? Errno.OK : ReadStatus(thread, out caller);
    }

    private static bool TryPidFd(int thread, out Caller caller)
    {
        caller = default;
        var pidfd = PidFd.OpenThread(thread);
        if (pidfd < 0) return false;
        var result = PidFd.GetInfo(pidfd, out var info);
        FileDescriptor.Close(pidfd);
        if (result < 0 || (info.Mask & PidInfo.HasCredentials) == 0) return false;
        caller = new Caller(info.RealUid, info.EffectiveUid, info.RealGid, info.EffectiveGid, CapIpcOwner: false, (int)info.Tgid);
        return true;
    }

    private Errno ReadStatus(int thread, out Caller caller)
    {
        caller = default;
        var status = t_status ??= new TaskStatus();
        if (status.Read(thread) < 0) return Errno.ESRCH;
        // A capability counts in the user namespace of its holder: one held in another namespace says nothing here.
        var owner = (status.CapEffective & (1UL << CapIpcOwner)) != 0
            && ProcessNamespace.Inode(thread, NamespaceKind.User) == _userNamespace;
        caller = new Caller(status.Uid.Real, status.Uid.Effective, status.Gid.Real, status.Gid.Effective, owner, status.Tgid);
        return Errno.OK;
    }
}
