namespace Kdbus.Linux;

/// <summary>
/// The directory <c>/proc/PID</c> held open. All that is read through it is of one process or thread; once that one is gone it can be read
/// no more, whoever has the number then.
/// </summary>
public readonly struct ProcDirectory : IDisposable
{
    private readonly int _fd;

    private ProcDirectory(int fd) => _fd = fd;

    /// <summary>Opens the directory of whoever has this number now: 0, or -errno (-ENOENT: nobody), and then there is nothing to
    /// dispose of.</summary>
    /// <param name="pid">A process or thread id.</param>
    /// <param name="directory">The directory.</param>
    public static int Open(int pid, out ProcDirectory directory)
    {
        int fd = ProcFile.Open(pid, default, OpenFlags.Path | OpenFlags.Directory);
        directory = new ProcDirectory(fd);
        return Math.Min(fd, 0);
    }

    /// <summary>Opens the directory of this process, by whatever number <c>/proc</c> knows it: 0, or -errno.</summary>
    public static int OpenSelf(out ProcDirectory directory)
    {
        int fd = FileDescriptor.Open("/proc/self\0"u8, OpenFlags.Path | OpenFlags.Directory);
        directory = new ProcDirectory(fd);
        return Math.Min(fd, 0);
    }

    /// <summary>Opens a file in it: a descriptor the caller owns, or -errno (-ESRCH: the process is gone).</summary>
    /// <param name="terminatedName">The file, ending with a NUL byte.</param>
    /// <param name="flags">Of <see cref="OpenFlags"/>.</param>
    public int OpenFile(ReadOnlySpan<byte> terminatedName, int flags) => FileDescriptor.OpenAt(_fd, terminatedName, flags);

    /// <summary>Reads a file in it whole, growing the buffer as needed: bytes read, or -errno (-ESRCH: the process is gone).</summary>
    /// <param name="terminatedName">The file, ending with a NUL byte.</param>
    /// <param name="buffer">Room; replaced by a larger array when too small.</param>
    public int Read(ReadOnlySpan<byte> terminatedName, ref byte[] buffer)
    {
        int fd = OpenFile(terminatedName, OpenFlags.ReadOnly);
        if (fd < 0)
            return fd;
        int length = ProcFile.ReadToEnd(fd, ref buffer);
        _ = FileDescriptor.Close(fd);
        return length;
    }

    /// <inheritdoc/>
    public void Dispose() => _ = FileDescriptor.Close(_fd);
}
