using System.Buffers.Text;

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
/// exactly if the numbers are equal while both live (<see cref="NamespaceFile.UniqueId"/> gives numbers that are not used again). User namespaces also carry a translation of ids: <see cref="IdMap"/>.
/// </summary>
public static class ProcessNamespace
{
    /// <summary>The namespace's number (positive), or -errno: -ENOENT or -ESRCH when there is no such process, -EACCES without ptrace
    /// access to it.</summary>
    /// <param name="pid">A process or thread id.</param>
    /// <param name="kind">Which of its namespaces.</param>
    public static long Inode(int pid, NamespaceKind kind)
    {
        // Reading the link costs less than half of what following it does.
        Span<byte> target = stackalloc byte[64];
        int length = ProcFile.ReadLink(pid, FileName(kind), target);
        return length < 0 ? length : Number(target[..length]);
    }

    /// <summary>
    /// Opens the link to one of a process' namespaces: a descriptor the caller owns, or -errno. It does not keep the namespace, and goes on
    /// meaning the process, whichever namespace that is in, and never a later one with the same id.
    /// </summary>
    /// <param name="pid">A process or thread id.</param>
    /// <param name="kind">Which of its namespaces.</param>
    public static int OpenLink(int pid, NamespaceKind kind) => ProcFile.Open(pid, FileName(kind), OpenFlags.Path | OpenFlags.NoFollow);

    /// <summary>The number of the namespace that the process of an open link is in now (positive), or -errno (-EACCES: it has ended, or may
    /// not be looked at).</summary>
    public static long InodeOfLink(int link)
    {
        Span<byte> target = stackalloc byte[64];
        int length = ProcFile.ReadOpenLink(link, target);
        return length < 0 ? length : Number(target[..length]);
    }

    private static long Number(ReadOnlySpan<byte> target) => TryParse(target, out long inode) ? inode : -SystemError.EPROTO;

    /// <summary>Takes the number out of the text of a link: <c>user:[4026531837]</c>.</summary>
    internal static bool TryParse(ReadOnlySpan<byte> target, out long inode)
    {
        ReadOnlySpan<byte> number = target[(target.IndexOf((byte)'[') + 1)..];
        return Utf8Parser.TryParse(number, out inode, out int used) && number[used..].SequenceEqual("]"u8) && inode > 0;
    }

    internal static ReadOnlySpan<byte> FileName(NamespaceKind kind) => kind switch
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
}
