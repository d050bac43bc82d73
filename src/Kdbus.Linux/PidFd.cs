using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// pidfd_open(2): a descriptor that means one process (or thread) for ever, while its number may be given to another. Descriptors belong to
/// whoever opened them.
/// </summary>
public static unsafe class PidFd
{
    private const uint GetInfoRequest = (3u << 30) | (64u << 16) | (0xffu << 8) | 11; // PIDFD_GET_INFO, _IOWR(0xff, 11, the first 64 bytes)
    private const long PidFileSystem = 0x50494446; // PID_FS_MAGIC

    // 0: not asked yet, 1: pidfds have inodes of their own, 2: they share one.
    private static int s_inodes;

    /// <summary>A descriptor for a process (the id must be a thread group leader's): or -errno (-ESRCH, -ENOENT or -EINVAL for a thread's
    /// id).</summary>
    public static int Open(int pid) => (int)Libc.Result(Libc.Syscall(Libc.PidfdOpenNumber, pid, 0, 0, 0, 0));

    /// <summary>A descriptor for a single thread (PIDFD_THREAD, Linux 6.9): or -errno (-EINVAL on older kernels).</summary>
    public static int OpenThread(int tid) => (int)Libc.Result(Libc.Syscall(Libc.PidfdOpenNumber, tid, 0x80, 0, 0, 0));

    /// <summary>Ids of the process in one call (ioctl PIDFD_GET_INFO, Linux 6.13): 0, or -errno (-ENOTTY on older kernels, -ESRCH when it
    /// is gone).</summary>
    public static int GetInfo(int pidfd, out PidInfo info)
    {
        info = default;
        info.Mask = PidInfo.HasPid | PidInfo.HasCredentials | PidInfo.HasCgroup;
        return FileDescriptor.Ioctl(pidfd, GetInfoRequest, ref info);
    }

    /// <summary>pidfd_getfd(2): a copy, owned by the caller, of one of the process' descriptors, or -errno (-EBADF: it has none with this
    /// number, -EPERM, -ESRCH).</summary>
    /// <param name="pidfd">The process.</param>
    /// <param name="fd">The descriptor's number in that process.</param>
    public static int GetFd(int pidfd, int fd) => (int)Libc.Result(Libc.Syscall(Libc.PidfdGetfdNumber, pidfd, fd, 0, 0, 0));

    /// <summary>pidfd_send_signal(2): 0, or -errno (-ESRCH: the process is gone).</summary>
    public static int Signal(int pidfd, int signal) => (int)Libc.Result(Libc.Syscall(Libc.PidfdSendSignalNumber, pidfd, signal, 0, 0, 0));

    /// <summary>
    /// The number that no other process gets until reboot: the pidfd's inode. Or -errno; -EOPNOTSUPP on kernels before 6.9, where all
    /// pidfds share one inode.
    /// </summary>
    public static long Inode(int pidfd)
    {
        if (s_inodes == 0)
        {
            StatfsBuffer fileSystem;
            int error = Libc.Result(Libc.Fstatfs(pidfd, &fileSystem));
            if (error < 0)
                return error;
            s_inodes = fileSystem.Type == PidFileSystem ? 1 : 2;
        }
        if (s_inodes == 2)
            return -SystemError.EOPNOTSUPP;
        int result = FileStatus.Of(pidfd, out FileStatus status);
        return result < 0 ? result : (long)status.Inode;
    }
}

/// <summary>What PIDFD_GET_INFO tells (<c>struct pidfd_info</c>, the first 64 bytes). Ids are as seen from this process' pid and user
/// namespaces.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
public struct PidInfo
{
    /// <summary>Bit of <see cref="Mask"/>: the three process ids are valid.</summary>
    public const ulong HasPid = 1;

    /// <summary>Bit of <see cref="Mask"/>: user and group ids are valid.</summary>
    public const ulong HasCredentials = 2;

    /// <summary>Bit of <see cref="Mask"/>: <see cref="CgroupId"/> is valid.</summary>
    public const ulong HasCgroup = 4;

    /// <summary>Which of the fields are valid: Has… bits.</summary>
    public ulong Mask;

    /// <summary>Id of the process' cgroup in the unified hierarchy (its directory's inode number).</summary>
    public ulong CgroupId;

    /// <summary>Thread id.</summary>
    public uint Pid;

    /// <summary>Process id.</summary>
    public uint Tgid;

    /// <summary>Process id of the parent; 0 if it is in no namespace of ours.</summary>
    public uint PPid;

    /// <summary>Real user id.</summary>
    public uint RealUid;

    /// <summary>Real group id.</summary>
    public uint RealGid;

    /// <summary>Effective user id.</summary>
    public uint EffectiveUid;

    /// <summary>Effective group id.</summary>
    public uint EffectiveGid;

    /// <summary>Saved user id.</summary>
    public uint SavedUid;

    /// <summary>Saved group id.</summary>
    public uint SavedGid;

    /// <summary>File system user id.</summary>
    public uint FileSystemUid;

    /// <summary>File system group id.</summary>
    public uint FileSystemGid;

    /// <summary>Wait status of a process that has exited; not asked for here.</summary>
    public int ExitCode;
}
