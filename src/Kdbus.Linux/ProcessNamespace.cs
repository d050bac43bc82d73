namespace Kdbus.Linux;

/// <summary>Kinds of namespaces(7) a process is in: the files of <c>/proc/PID/ns</c>.</summary>
public enum NamespaceKind
{
    /// <summary>Control group root.</summary>
    Cgroup,

    /// <summary>System V IPC and message queues.</summary>
    Ipc,

    /// <summary>Mounts.</summary>
    Mount,

    /// <summary>Network.</summary>
    Network,

    /// <summary>Process ids.</summary>
    Pid,

    /// <summary>User and group ids.</summary>
    User,

    /// <summary>Host name.</summary>
    Uts,
}

/// <summary>
/// Which namespace a process is in, as a number: the inode of its file under <c>/proc/PID/ns</c>. Two processes are in the same namespace
/// exactly if the numbers are equal while both live. User namespaces also carry a translation of ids: <see cref="IdMap"/>.
/// </summary>
public static class ProcessNamespace
{
    /// <summary>The namespace's number (positive), or -errno: -ENOENT or -ESRCH when there is no such process, -EACCES without ptrace
    /// access to it.</summary>
    /// <param name="pid">A process or thread id.</param>
    /// <param name="kind">Which of its namespaces.</param>
    public static long Inode(int pid, NamespaceKind kind)
    {
        ReadOnlySpan<byte> name = kind switch
        {
            NamespaceKind.Cgroup => "ns/cgroup"u8,
            NamespaceKind.Ipc => "ns/ipc"u8,
            NamespaceKind.Mount => "ns/mnt"u8,
            NamespaceKind.Network => "ns/net"u8,
            NamespaceKind.Pid => "ns/pid"u8,
            NamespaceKind.User => "ns/user"u8,
            NamespaceKind.Uts => "ns/uts"u8,
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not a kind of namespace"),
        };
        int error = ProcFile.Status(pid, name, out FileStatus status);
        return error < 0 ? error : (long)status.Inode;
    }
}
