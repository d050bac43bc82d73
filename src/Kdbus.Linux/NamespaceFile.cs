namespace Kdbus.Linux;

/// <summary>
/// An open file of <c>/proc/PID/ns</c> (ioctl_ns(2)): it keeps meaning one namespace, which lives on while the file is open. Descriptors
/// belong to whoever opened them.
/// </summary>
public static unsafe class NamespaceFile
{
    private const uint GetParentRequest = (0xb7u << 8) | 2; // NS_GET_PARENT, _IO(0xb7, 2)
    private const uint GetPidRequest = (2u << 30) | (4u << 16) | (0xb7u << 8) | 6; // NS_GET_PID_FROM_PIDNS, _IOR(0xb7, 6, int)
    private const uint GetIdRequest = (2u << 30) | (8u << 16) | (0xb7u << 8) | 13; // NS_GET_ID, _IOR(0xb7, 13, u64)

    /// <summary>Opens a namespace that a process is in: a descriptor, or -errno (-ENOENT or -ESRCH: no such process, -EACCES: no ptrace
    /// access to it).</summary>
    /// <param name="pid">A process or thread id.</param>
    /// <param name="kind">Which of its namespaces.</param>
    public static int Open(int pid, NamespaceKind kind) => ProcFile.Open(pid, ProcessNamespace.FileName(kind), OpenFlags.ReadOnly);

    /// <summary>The number that no other namespace gets until reboot (ioctl NS_GET_ID, Linux 6.18): 0, or -errno (-ENOTTY on older
    /// kernels).</summary>
    public static int UniqueId(int fd, out ulong id)
    {
        id = 0;
        return FileDescriptor.Ioctl(fd, GetIdRequest, ref id);
    }

    /// <summary>The namespace around a pid or user namespace (ioctl NS_GET_PARENT, Linux 4.9): a new descriptor, or -errno (-EPERM: there
    /// is none, or it is around that of this process too).</summary>
    public static int OpenParent(int fd) => FileDescriptor.Ioctl(fd, GetParentRequest, 0);

    /// <summary>The number by which this process' pid namespace knows a process or thread of the open one (ioctl NS_GET_PID_FROM_PIDNS,
    /// Linux 6.11): or -errno (-ESRCH: nobody, or not to be seen from here; -ENOTTY on older kernels).</summary>
    /// <param name="fd">A pid namespace.</param>
    /// <param name="number">The number there.</param>
    public static int TranslatePid(int fd, int number) => FileDescriptor.Ioctl(fd, GetPidRequest, number);
}
