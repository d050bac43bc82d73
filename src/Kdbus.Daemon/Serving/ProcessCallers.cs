using Kdbus.Abi;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Daemon.Serving.Processes;
using Kdbus.Engine;
using Kdbus.Engine.Processes;
using Kdbus.Linux;
using TaskStatus = Kdbus.Linux.TaskStatus;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Callers as the kernel shows them: their memory through process_vm_readv(2) and process_vm_writev(2), their ids and
/// descriptors through a pidfd, their groups and capabilities through /proc. Ids come as seen from the daemon's user
/// namespace, which is the domain's.
/// </summary>
internal sealed class ProcessCallers : ICallers, IDisposable
{
    private const int CapIpcOwner = 15;

    private readonly uint _ownDevice;
    private readonly UserNamespaces _namespaces = new();
    private readonly ProcessObserver _observer;
    private readonly FuseControl? _fuseMounts = FuseControl.Open(out var control) < 0 ? null : control;

    [ThreadStatic]
    private static TaskStatus? t_status;

    /// <param name="ownDevice">Minor number of the device that files of the mount report.</param>
    /// <param name="openFiles">Descriptors that the daemon may have.</param>
    public ProcessCallers(uint ownDevice, long openFiles)
    {
        _ownDevice = ownDevice;
        _observer = new ProcessObserver(_namespaces, openFiles);
    }

    public nint Read(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) => ProcessMemory.Read(thread, local, remote);

    public nint Write(int thread, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) => ProcessMemory.Write(thread, local, remote);

    public Errno Identify(int thread, CallerFacts facts, bool capabilities, out Caller caller)
    {
        caller = default;
        if (thread == 0) return Errno.ESRCH;
        var status = capabilities || facts.HasFlag(CallerFacts.Groups);
        if (status || !TryPidFd(thread, out caller))
        {
            var read = ReadStatus(thread, facts, capabilities, out caller);
            if (read != Errno.OK) return read;
        }

        if (facts.HasFlag(CallerFacts.Maps)) caller = caller with { Maps = _namespaces.Of(thread) };
        return Errno.OK;
    }

    public ProcessRecord? Describe(int thread, AttachFlags kinds) => _observer.Describe(thread, kinds);

    public ReaderView ViewOf(int thread, CallerFacts facts) => _observer.ViewOf(thread, facts);

    public NamedProcesses Name(int thread, in KdbusPids pids) => _observer.Name(thread, pids);

    public Errno CopyDescriptor(int thread, int number, out int copy)
    {
        copy = -1;
        // Looked at before it is copied: our closing a copy is told to whoever serves the file, and waits for him.
        if (number >= 0 && thread != 0 && ProcFile.DeviceOfDescriptor(thread, number, out var status) >= 0 && IsServedByOthers(status)) return Errno.EINVAL;
        var result = Copy(thread, number, out copy);
        if (result != Errno.OK) return result;
        if (FileStatus.DeviceOf(copy, out status) < 0 || !IsServedByOthers(status)) return Errno.OK;
        // Another thread has exchanged it in between. Whoever goes to such lengths may keep this reader, of the few he can have.
        FileDescriptor.Close(copy);
        copy = -1;
        return Errno.EINVAL;
    }

    public Errno CopyFile(int thread, int number, bool isMemfd, out CopiedFile copy)
    {
        copy = default;
        var result = Copy(thread, number, out var descriptor);
        if (result == Errno.OK) copy = FileFacts.Of(descriptor, isMemfd, _ownDevice, status => IsServedByOthers(status));
        return result;
    }

    public int OpenProcess(int thread) => _observer.OpenProcess(thread);

    public Represented? FindRepresented(int thread, int number)
    {
        if (!_observer.TryIdentify(thread, out var own)) return null;
        return CopyDescriptor(thread, number, out var pidfd) == Errno.OK ? Represented.Find(thread, own, pidfd, _namespaces) : null;
    }

    public void Dispose()
    {
        _observer.Dispose();
        _fuseMounts?.Dispose();
    }

    private bool TryPidFd(int thread, out Caller caller)
    {
        caller = default;
        if (!_observer.TryIdentify(thread, out var info)) return false;
        caller = new Caller(info.RealUid, info.EffectiveUid, info.RealGid, info.EffectiveGid, CapIpcOwner: false, (int)info.Tgid);
        return true;
    }

    private Errno ReadStatus(int thread, CallerFacts facts, bool capabilities, out Caller caller)
    {
        caller = default;
        var status = t_status ??= new TaskStatus();
        if (status.Read(thread) < 0) return Errno.ESRCH;
        // A capability counts in the user namespace of its holder: one held in another namespace says nothing here.
        var owner = capabilities && (status.CapEffective & (1UL << CapIpcOwner)) != 0 && _namespaces.IsOwn(thread);
        caller = new Caller(status.Uid.Real, status.Uid.Effective, status.Gid.Real, status.Gid.Effective, owner, status.Tgid);
        if (facts.HasFlag(CallerFacts.Groups)) caller = caller with { Groups = _namespaces.Named(status.Groups) };
        return Errno.OK;
    }

    private Errno Copy(int thread, int number, out int copy)
    {
        copy = -1;
        if (number < 0 || thread == 0) return Errno.EBADF;
        var copied = _observer.CopyDescriptor(thread, number);
        if (copied == -SystemError.ESRCH)
        {
            var pidfd = OpenPidFd(thread);
            if (pidfd < 0) return Reason(pidfd);
            copied = PidFd.GetFd(pidfd, number);
            FileDescriptor.Close(pidfd);
        }

        if (copied < 0) return Reason(copied);
        copy = copied;
        return Errno.OK;
    }

    /// <summary>Before Linux 6.9 there is none for a thread. Those of one process nearly always share their descriptors.</summary>
    private static int OpenPidFd(int thread)
    {
        var pidfd = PidFd.OpenThread(thread);
        if (pidfd != -SystemError.EINVAL) return pidfd;
        var status = t_status ??= new TaskStatus();
        return status.Read(thread) < 0 ? -SystemError.ESRCH : PidFd.Open(status.Tgid);
    }

    /// <summary>One that we may not have, or whose owner we cannot see, is to us as one that is not there.</summary>
    private static Errno Reason(int error) => -error switch
    {
        SystemError.EMFILE or SystemError.ENFILE => Errno.EMFILE,
        SystemError.ENOMEM => Errno.ENOMEM,
        _ => Errno.EBADF,
    };

    /// <summary>
    /// A file of another FUSE mount: polling and closing it waits for whoever serves that, who may be the caller and never
    /// answer. Those of our own mount we answer ourselves.
    /// </summary>
    private bool IsServedByOthers(in FileStatus file) =>
        file.DeviceMajor == 0 && file.DeviceMinor != _ownDevice && _fuseMounts?.Owner(file.DeviceMinor) >= 0;
}
