using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>eventfd(2): a 64-bit counter to wake a poller by. The descriptor is non-blocking and owned by whoever created it.</summary>
public static class EventFd
{
    /// <summary>A new counter at 0: its descriptor, or -errno.</summary>
    public static int Create() => Libc.Result(Libc.Eventfd(0, OpenFlags.NonBlocking | OpenFlags.CloseOnExec));

    /// <summary>Adds 1, which makes the descriptor readable: 0 or -errno. A counter at its limit is readable already, so -EAGAIN counts as
    /// success.</summary>
    public static int Signal(int fd)
    {
        ulong one = 1;
        int result = FileDescriptor.Write(fd, MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in one)));
        return result is >= 0 or -SystemError.EAGAIN ? 0 : result;
    }

    /// <summary>Takes the counter's value and sets it to 0: the value, 0 when nobody had signalled, or -errno.</summary>
    public static long Drain(int fd)
    {
        ulong value = 0;
        int result = FileDescriptor.Read(fd, MemoryMarshal.AsBytes(new Span<ulong>(ref value)));
        return result == -SystemError.EAGAIN ? 0 : result < 0 ? result : (long)Math.Min(value, long.MaxValue);
    }
}
