using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// System calls on file descriptors. A descriptor is a plain int owned by whoever received it from a method documented as opening one, and
/// closed exactly once with <see cref="Close"/>; everything opened here is close-on-exec. All methods return what the kernel returns: a
/// value &gt;= 0, or -errno (EINTR included: nothing is restarted behind the caller's back).
/// </summary>
public static unsafe class FileDescriptor
{
    /// <summary>read(2): bytes read, 0 at end of file, or -errno.</summary>
    public static int Read(int fd, Span<byte> buffer)
    {
        fixed (byte* p = buffer)
            return (int)Libc.Result(Libc.Read(fd, p, (nuint)buffer.Length));
    }

    /// <summary>read(2) into native memory: bytes read or -errno.</summary>
    public static nint Read(int fd, void* buffer, nuint count) => Libc.Result(Libc.Read(fd, buffer, count));

    /// <summary>readv(2): bytes read or -errno. At most 1024 pieces.</summary>
    public static nint Readv(int fd, ReadOnlySpan<IoVec> pieces)
    {
        fixed (IoVec* p = pieces)
            return Libc.Result(Libc.Readv(fd, p, pieces.Length));
    }

    /// <summary>write(2): bytes written or -errno. SIGPIPE is ignored by the runtime, so a closed pipe is -EPIPE.</summary>
    public static int Write(int fd, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* p = buffer)
            return (int)Libc.Result(Libc.Write(fd, p, (nuint)buffer.Length));
    }

    /// <summary>writev(2): bytes written or -errno. At most 1024 pieces.</summary>
    public static nint Writev(int fd, ReadOnlySpan<IoVec> pieces)
    {
        fixed (IoVec* p = pieces)
            return Libc.Result(Libc.Writev(fd, p, pieces.Length));
    }

    /// <summary>pread(2): bytes read at <paramref name="offset"/>, 0 at end of file, or -errno.</summary>
    public static int Pread(int fd, Span<byte> buffer, long offset)
    {
        fixed (byte* p = buffer)
            return (int)Libc.Result(Libc.Pread(fd, p, (nuint)buffer.Length, offset));
    }

    /// <summary>pwrite(2): bytes written at <paramref name="offset"/> or -errno.</summary>
    public static int Pwrite(int fd, ReadOnlySpan<byte> buffer, long offset)
    {
        fixed (byte* p = buffer)
            return (int)Libc.Result(Libc.Pwrite(fd, p, (nuint)buffer.Length, offset));
    }

    /// <summary>ioctl(2) with a number or address as argument: the command's result or -errno.</summary>
    public static int Ioctl(int fd, uint request, nint argument) => Libc.Result(Libc.Ioctl(fd, request, argument));

    /// <summary>ioctl(2) with a pointer as argument: the command's result or -errno.</summary>
    public static int Ioctl(int fd, uint request, void* argument) => Libc.Result(Libc.Ioctl(fd, request, (nint)argument));

    /// <summary>ioctl(2) on a structure: the command's result or -errno.</summary>
    public static int Ioctl<T>(int fd, uint request, ref T argument)
        where T : unmanaged
    {
        fixed (T* p = &argument)
            return Libc.Result(Libc.Ioctl(fd, request, (nint)p));
    }

    /// <summary>open(2), always with O_CLOEXEC: a new descriptor the caller owns, or -errno. A path with a NUL inside is -EINVAL.</summary>
    /// <param name="path">The path, sent to the kernel as UTF-8.</param>
    /// <param name="flags">Of <see cref="OpenFlags"/>.</param>
    /// <param name="mode">Permissions of a file that is created.</param>
    public static int Open(string path, int flags, uint mode = 0) => OpenAt(Libc.CurrentDirectory, path, flags, mode);

    /// <summary>open(2) of a path that is already bytes, always with O_CLOEXEC: a new descriptor the caller owns, or -errno.</summary>
    /// <param name="path">The path; must end with a NUL byte, else -EINVAL.</param>
    /// <param name="flags">Of <see cref="OpenFlags"/>.</param>
    public static int Open(ReadOnlySpan<byte> path, int flags) => OpenAt(Libc.CurrentDirectory, path, flags);

    /// <summary>openat(2), always with O_CLOEXEC: a new descriptor the caller owns, or -errno.</summary>
    public static int OpenAt(int directory, string path, int flags, uint mode = 0)
    {
        using var text = new CString(path, stackalloc byte[CString.Room]);
        if (!text.IsValid)
            return -SystemError.EINVAL;
        fixed (byte* p = text)
            return Libc.Result(Libc.Openat(directory, p, flags | OpenFlags.CloseOnExec, mode));
    }

    /// <summary>openat(2) of a path that is already bytes, always with O_CLOEXEC: a new descriptor the caller owns, or -errno.</summary>
    /// <param name="directory">Where a relative path starts.</param>
    /// <param name="path">The path; must end with a NUL byte, else -EINVAL.</param>
    /// <param name="flags">Of <see cref="OpenFlags"/>.</param>
    public static int OpenAt(int directory, ReadOnlySpan<byte> path, int flags)
    {
        if (path.IsEmpty || path[^1] != 0)
            return -SystemError.EINVAL;
        fixed (byte* p = path)
            return Libc.Result(Libc.Openat(directory, p, flags | OpenFlags.CloseOnExec, 0));
    }

    /// <summary>close(2). The descriptor is gone whatever is returned, also with -EINTR: never repeat it.</summary>
    public static int Close(int fd) => Libc.Result(Libc.Close(fd));

    /// <summary>poll(2): number of entries with events, 0 when the time is over, or -errno.</summary>
    /// <param name="entries">What to wait for; <see cref="PollEntry.Returned"/> is filled in.</param>
    /// <param name="timeoutMilliseconds">-1 waits for ever.</param>
    public static int Poll(Span<PollEntry> entries, int timeoutMilliseconds)
    {
        fixed (PollEntry* p = entries)
            return Libc.Result(Libc.Poll(p, (nuint)entries.Length, timeoutMilliseconds));
    }

    /// <summary>pipe2(2) with O_CLOEXEC: 0 and two descriptors the caller owns, or -errno and two -1.</summary>
    public static int Pipe(out int readEnd, out int writeEnd)
    {
        int* fds = stackalloc int[2] { -1, -1 };
        int result = Libc.Result(Libc.Pipe2(fds, OpenFlags.CloseOnExec));
        readEnd = fds[0];
        writeEnd = fds[1];
        return result;
    }

    /// <summary>A new descriptor (close-on-exec, owned by the caller) for the same open file, or -errno: fcntl(2)
    /// F_DUPFD_CLOEXEC.</summary>
    /// <param name="fd">The descriptor to copy.</param>
    /// <param name="minimum">The smallest number the copy may get.</param>
    public static int Duplicate(int fd, int minimum = 0) => Libc.Result(Libc.Fcntl(fd, 1030, minimum));

    /// <summary>
    /// Makes all descriptors from a number on close-on-exec, also those this process inherited without knowing of them: what is started
    /// next gets none of them by accident. 0 or -errno.
    /// </summary>
    public static int SetCloseOnExecFrom(int first)
    {
        int error = (int)Libc.Result(Libc.Syscall(Libc.CloseRangeNumber, first, int.MaxValue, 4 /* CLOSE_RANGE_CLOEXEC */, 0, 0));
        return error is -SystemError.ENOSYS or -SystemError.EINVAL ? SetCloseOnExecOneByOne(first) : error;
    }

    /// <summary>
    /// Closes the descriptors from a number on that came to this process from whoever started it: those that are not close-on-exec, as all are
    /// that were opened here. 0 or -errno.
    /// </summary>
    public static int CloseInherited(int first)
    {
        foreach (string entry in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            int fd = int.Parse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture);
            if (fd < first || Libc.Fcntl(fd, 1 /* F_GETFD */, 0) != 0)
                continue;
            int error = Close(fd);
            if (error < 0)
                return error;
        }
        return 0;
    }

    // Before Linux 5.11 there is no other way than to ask /proc which ones there are.
    internal static int SetCloseOnExecOneByOne(int first)
    {
        foreach (string entry in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            int fd = int.Parse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture);
            if (fd < first)
                continue;
            // The one by which this list was read is gone again.
            int error = Libc.Result(Libc.Fcntl(fd, 2 /* F_SETFD */, 1 /* FD_CLOEXEC */));
            if (error is < 0 and not -SystemError.EBADF)
                return error;
        }
        return 0;
    }

    /// <summary>Whether a descriptor number is open in this process.</summary>
    public static bool IsOpen(int fd) => Libc.Fcntl(fd, 1 /* F_GETFD */, 0) >= 0;

    /// <summary>The open file's access mode and status flags (fcntl(2) F_GETFL), or -errno.</summary>
    public static int GetFlags(int fd) => Libc.Result(Libc.Fcntl(fd, 3, 0));

    /// <summary>Makes reads and writes of the open file return -EAGAIN instead of waiting, or wait again: 0 or -errno.</summary>
    public static int SetNonBlocking(int fd, bool nonBlocking)
    {
        int flags = GetFlags(fd);
        if (flags < 0)
            return flags;
        flags = nonBlocking ? flags | OpenFlags.NonBlocking : flags & ~OpenFlags.NonBlocking;
        return Libc.Result(Libc.Fcntl(fd, 4, flags));
    }

    /// <summary>
    /// Raises the soft limit of open files to the hard one, and with CAP_SYS_RESOURCE the hard one to the system's <c>fs.nr_open</c>. Every
    /// client costs the daemon a descriptor or two, and 1024, the usual soft limit, is soon reached.
    /// </summary>
    /// <returns>The soft limit now in force, or -errno.</returns>
    public static long RaiseOpenFilesLimit() => RaiseOpenFilesLimit(hardToo: true);

    internal static long RaiseOpenFilesLimit(bool hardToo)
    {
        const int NumberOfFiles = 7; // RLIMIT_NOFILE
        ResourceLimit limit;
        int error = Libc.Result(Libc.Prlimit(0, NumberOfFiles, null, &limit));
        if (error < 0)
            return error;
        ResourceLimit wanted = limit;
        Span<byte> text = stackalloc byte[32];
        if (hardToo && ProcFile.ReadOnce("/proc/sys/fs/nr_open\0"u8, text) is > 0 and var length
            && Utf8Parser.TryParse(text[..length], out ulong system, out _)
            && system > limit.Hard)
        {
            wanted.Soft = wanted.Hard = system;
            if (Libc.Prlimit(0, NumberOfFiles, &wanted, null) == 0)
                return (long)wanted.Soft;
        }
        if (limit.Soft >= limit.Hard)
            return (long)limit.Soft;
        wanted.Soft = wanted.Hard = limit.Hard;
        error = Libc.Result(Libc.Prlimit(0, NumberOfFiles, &wanted, null));
        return error < 0 ? error : (long)wanted.Soft;
    }
}

/// <summary>One descriptor poll(2) waits for (<c>struct pollfd</c>, 8 bytes).</summary>
/// <param name="fd">The descriptor; a negative one is skipped.</param>
/// <param name="events">Bits of <see cref="PollEvents"/> to wait for.</param>
[StructLayout(LayoutKind.Sequential)]
public struct PollEntry(int fd, short events)
{
    /// <summary>The descriptor; a negative one is skipped.</summary>
    public int Fd = fd;

    /// <summary>Bits of <see cref="PollEvents"/> to wait for.</summary>
    public short Events = events;

    /// <summary>Bits of <see cref="PollEvents"/> that are true; error, hang-up and invalid are reported without being asked for.</summary>
    public short Returned;
}

/// <summary>Event bits of poll(2).</summary>
public static class PollEvents
{
#pragma warning disable CS1591 // poll(2)'s own: POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL.
    public const short In = 0x001;
    public const short Priority = 0x002;
    public const short Out = 0x004;
    public const short Error = 0x008;
    public const short HangUp = 0x010;
    public const short Invalid = 0x020;
#pragma warning restore CS1591
}

/// <summary>Flags of open(2). Two of them have other numbers on arm64 than on x86_64, so they are properties.</summary>
public static class OpenFlags
{
    private static readonly bool s_arm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64;

#pragma warning disable CS1591 // open(2)'s own, spelt out: O_RDONLY, O_CREAT, O_EXCL, O_TRUNC, ...
    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int Truncate = 0x200;
    public const int Append = 0x400;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;
    public const int Path = 0x200000;
#pragma warning restore CS1591

    /// <summary>O_DIRECTORY: fail with ENOTDIR if the path is no directory.</summary>
    public static int Directory => s_arm ? 0x4000 : 0x10000;

    /// <summary>O_NOFOLLOW: fail with ELOOP if the path is a symbolic link.</summary>
    public static int NoFollow => s_arm ? 0x8000 : 0x20000;
}
