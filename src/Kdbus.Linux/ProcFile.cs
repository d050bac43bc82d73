using System.Buffers.Text;

namespace Kdbus.Linux;

/// <summary>
/// Files under <c>/proc/PID</c> read whole, into room the caller keeps: no allocation per read. A thread id works as PID. The content
/// describes the process as of the reading; it belongs to one process only if that process cannot go away meanwhile (it is stopped in a
/// request of ours, or a pidfd is checked afterwards).
/// </summary>
public static unsafe class ProcFile
{
    private const int PathRoom = 64;

    /// <summary>Reads <c>/proc/PID/NAME</c> whole, growing the buffer as needed.</summary>
    /// <param name="pid">A process or thread id.</param>
    /// <param name="name">The file below the process' directory, such as <c>"cgroup"u8</c>; at most 40 bytes.</param>
    /// <param name="buffer">Room; replaced by a larger array when too small, and to be passed again next time.</param>
    /// <returns>Bytes read, or -errno: -ENOENT or -ESRCH when there is no such process, -ENOMEM beyond 16 MiB.</returns>
    public static int Read(int pid, ReadOnlySpan<byte> name, ref byte[] buffer)
    {
        int fd = Open(pid, name, OpenFlags.ReadOnly);
        if (fd < 0)
            return fd;
        int length = ReadToEnd(fd, ref buffer);
        _ = FileDescriptor.Close(fd);
        return length;
    }

    /// <summary>Reads what fits of <c>/proc/PID/NAME</c> with one read(2): right for files of bounded size (<c>comm</c>, <c>loginuid</c>,
    /// <c>stat</c>).</summary>
    /// <returns>Bytes read, or -errno.</returns>
    public static int Read(int pid, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        int fd = Open(pid, name, OpenFlags.ReadOnly);
        if (fd < 0)
            return fd;
        int length = FileDescriptor.Read(fd, buffer);
        _ = FileDescriptor.Close(fd);
        return length;
    }

    /// <summary>readlink(2) of <c>/proc/PID/NAME</c> (<c>exe</c>, <c>cwd</c>): bytes of the target without a NUL, cut at the buffer's size,
    /// or -errno.</summary>
    public static int ReadLink(int pid, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        Span<byte> path = stackalloc byte[PathRoom];
        if (!TryFormatPath(pid, name, path))
            return -SystemError.EINVAL;
        fixed (byte* p = path)
        fixed (byte* target = buffer)
            return (int)Libc.Result(Libc.Readlinkat(Libc.CurrentDirectory, p, target, (nuint)buffer.Length));
    }

    /// <summary>readlink(2) of a link that is open (O_PATH and O_NOFOLLOW): bytes of the target, cut at the buffer's size, or -errno.</summary>
    internal static int ReadOpenLink(int link, Span<byte> buffer)
    {
        byte nothing = 0;
        fixed (byte* target = buffer)
            return (int)Libc.Result(Libc.Readlinkat(link, &nothing, target, (nuint)buffer.Length));
    }

    /// <summary>Opens <c>/proc/PID/NAME</c>: a descriptor the caller owns, or -errno. It keeps meaning that process, never a later one with
    /// the same id.</summary>
    public static int Open(int pid, ReadOnlySpan<byte> name, int flags)
    {
        Span<byte> path = stackalloc byte[PathRoom];
        return TryFormatPath(pid, name, path) ? FileDescriptor.Open(path, flags) : -SystemError.EINVAL;
    }

    /// <summary>
    /// Who owns the files of a process: its effective user, or root if it is not dumpable (PR_SET_DUMPABLE, prctl(2)). 0 or -errno.
    /// </summary>
    public static int OwnerOf(int pid, out uint owner)
    {
        // Of the directory the effective user is always the owner.
        Span<byte> path = stackalloc byte[PathRoom];
        FileStatus status = default;
        int result = TryFormatPath(pid, "status"u8, path) ? FileStatus.OwnerOf(path, out status) : -SystemError.EINVAL;
        owner = status.Uid;
        return result;
    }

    /// <summary>
    /// Which device a file lies on that a process has open, without asking whoever serves its file system (<see cref="FileStatus.DeviceOf(int,
    /// out FileStatus)"/>): 0, or -errno (-ENOENT: it has no descriptor of that number; -EACCES without ptrace access to it).
    /// </summary>
    public static int DeviceOfDescriptor(int pid, int fd, out FileStatus status)
    {
        Span<byte> name = stackalloc byte[16];
        Span<byte> path = stackalloc byte[PathRoom];
        "fd/"u8.CopyTo(name);
        if (fd >= 0 && Utf8Formatter.TryFormat(fd, name[3..], out int digits) && TryFormatPath(pid, name[..(3 + digits)], path))
            return FileStatus.DeviceOf(path, out status);
        status = default;
        return -SystemError.EINVAL;
    }

    /// <summary>The root directory of a process, without asking whoever serves its file system: 0, or -errno (-EACCES without ptrace access
    /// to it; -EOPNOTSUPP before Linux 5.8). See <see cref="FileStatus.PlaceOf(ReadOnlySpan{byte}, out FileStatus)"/> for what is filled in.</summary>
    public static int Root(int pid, out FileStatus status)
    {
        Span<byte> path = stackalloc byte[PathRoom];
        if (TryFormatPath(pid, "root"u8, path))
            return FileStatus.PlaceOf(path, out status);
        status = default;
        return -SystemError.EINVAL;
    }

    /// <summary>One read(2) of a file given by its NUL-terminated path: bytes read or -errno.</summary>
    internal static int ReadOnce(ReadOnlySpan<byte> terminatedPath, Span<byte> buffer)
    {
        int fd = FileDescriptor.Open(terminatedPath, OpenFlags.ReadOnly);
        if (fd < 0)
            return fd;
        int length = FileDescriptor.Read(fd, buffer);
        _ = FileDescriptor.Close(fd);
        return length;
    }

    /// <summary>The number from 0 to 2^31 - 1 that stands in a file given by its NUL-terminated path, or -errno (-EPROTO: there is none).</summary>
    internal static long ReadNumber(ReadOnlySpan<byte> terminatedPath)
    {
        Span<byte> text = stackalloc byte[16];
        int length = ReadOnce(terminatedPath, text);
        if (length < 0)
            return length;
        return Utf8Parser.TryParse(text[..length], out int number, out _) && number >= 0 ? number : -SystemError.EPROTO;
    }

    internal static int ReadToEnd(int fd, ref byte[] buffer)
    {
        const int Limit = 16 << 20;
        int length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                if (length >= Limit)
                    return -SystemError.ENOMEM;
                Array.Resize(ref buffer, Math.Max(4096, length * 2));
            }
            int count = FileDescriptor.Read(fd, buffer.AsSpan(length));
            if (count == 0)
                return length;
            if (count > 0)
                length += count;
            else if (count != -SystemError.EINTR)
                return count;
        }
    }

    private static bool TryFormatPath(int pid, ReadOnlySpan<byte> name, Span<byte> path)
    {
        "/proc/"u8.CopyTo(path);
        if (pid <= 0 || name.Length > 40 || !Utf8Formatter.TryFormat(pid, path[6..], out int digits))
            return false;
        int at = 6 + digits;
        path[at++] = (byte)'/';
        name.CopyTo(path[at..]);
        path[at + name.Length] = 0;
        return true;
    }
}
