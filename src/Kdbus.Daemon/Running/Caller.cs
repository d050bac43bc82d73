using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// A thread of a program that is run, by things that mean this thread for ever, while its number may be given to another: so nothing is ever
/// read from or written to somebody else. Its memory is opened anew for each call, since exec gives it another one.
/// </summary>
internal sealed class Caller : IDisposable
{
    private ProcDirectory _directory;
    private int _memory = -1;

    private Caller(int threadId, ProcDirectory directory, int pidfd)
    {
        ThreadId = threadId;
        _directory = directory;
        PidFd = pidfd;
    }

    /// <summary>Its number in our pid namespace.</summary>
    internal int ThreadId { get; }

    /// <summary>A pidfd of it; of its process where the kernel has none of threads.</summary>
    internal int PidFd { get; }

    /// <summary>Opens whoever has this number now: null if nobody has or we may not.</summary>
    internal static Caller? Open(int threadId)
    {
        if (ProcDirectory.Open(threadId, out ProcDirectory directory) < 0)
            return null;
        int pidfd = Linux.PidFd.OpenThread(threadId);
        if (pidfd == -SystemError.EINVAL)
        {
            var status = new Linux.TaskStatus();
            pidfd = status.Read(directory) < 0 ? -1 : Linux.PidFd.Open(status.Tgid);
        }
        if (pidfd >= 0)
            return new Caller(threadId, directory, pidfd);
        directory.Dispose();
        return null;
    }

    /// <summary>Opens its memory: false if it is gone or we may not. To be closed with <see cref="CloseMemory"/>.</summary>
    internal bool OpenMemory()
    {
        _memory = _directory.OpenFile("mem\0"u8, OpenFlags.ReadWrite);
        return _memory >= 0;
    }

    internal void CloseMemory()
    {
        if (_memory >= 0)
            _ = FileDescriptor.Close(_memory);
        _memory = -1;
    }

    /// <summary>Reads its memory; false unless all of it could be read. May block for as long as whoever serves that memory likes.</summary>
    internal bool Read(ulong address, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int count = FileDescriptor.Pread(_memory, bytes, (long)address);
            if (count == -SystemError.EINTR)
                continue;
            if (count <= 0)
                return false;
            bytes = bytes[count..];
            address += (ulong)count;
        }
        return true;
    }

    /// <summary>Writes its memory; false unless all of it could be written. May block as <see cref="Read"/>.</summary>
    internal bool Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int count = FileDescriptor.Pwrite(_memory, bytes, (long)address);
            if (count == -SystemError.EINTR)
                continue;
            if (count <= 0)
                return false;
            bytes = bytes[count..];
            address += (ulong)count;
        }
        return true;
    }

    /// <summary>A copy of one of its descriptors, to be closed by whoever asked; or -errno (-EBADF: it has none of this number).</summary>
    internal int CopyDescriptor(int number) => Linux.PidFd.GetFd(PidFd, number);

    /// <summary>What signals wait for it: false if it is gone.</summary>
    internal bool TryReadSignals(ref byte[] buffer, out SignalMasks masks) => SignalMasks.Read(_directory, ref buffer, out masks) == 0;

    /// <summary>What is mounted where it is; nothing if that cannot be read.</summary>
    internal IReadOnlyList<MountInfo> Mounts()
    {
        _ = Linux.Mounts.Read(_directory, out IReadOnlyList<MountInfo> mounts);
        return mounts;
    }

    public void Dispose()
    {
        CloseMemory();
        _ = FileDescriptor.Close(PidFd);
        _directory.Dispose();
    }
}
