using System.Runtime.CompilerServices;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Fuse;

/// <summary>
/// The connection to the kernel through /dev/fuse, fuse(4). The descriptor belongs to a mount, or will when mount(2) is given it as <c>fd=</c>; the connection lives as long as
/// anybody has the descriptor open, so whoever opened it also closes it, and this class never does.
/// </summary>
/// <param name="fd">An open /dev/fuse, in blocking mode.</param>
public sealed unsafe class FuseDevice(int fd) : IFuseChannel
{
    private const int CopiedBody = 4096;

    [ThreadStatic]
    private static int t_thread;

    private readonly int _fd = fd;
    private int _readingThread;

    /// <summary>The descriptor.</summary>
    public int Descriptor => _fd;

    public nint Read(Span<byte> buffer)
    {
        if (t_thread == 0)
            t_thread = CurrentProcess.ThreadId;
        Volatile.Write(ref _readingThread, t_thread);
        nint result = FileDescriptor.Read(_fd, buffer);
        Volatile.Write(ref _readingThread, 0);
        return result;
    }

    public bool HasRequest
    {
        get
        {
            Span<PollEntry> entries = [new PollEntry(_fd, PollEvents.In)];
            return FileDescriptor.Poll(entries, 0) > 0 && (entries[0].Returned & PollEvents.In) != 0;
        }
    }

    public nint Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
            return FileDescriptor.Write(_fd, header);
        if (body.Length <= CopiedBody)
            return WriteCopied(header, body);
        fixed (byte* first = header, second = body)
        {
            ReadOnlySpan<IoVec> pieces = [new(first, (nuint)header.Length), new(second, (nuint)body.Length)];
            return FileDescriptor.Writev(_fd, pieces);
        }
    }

    /// <summary>Small ones leave in one piece: the kernel looks each piece up in our memory, which costs more than to copy it.</summary>
    [SkipLocalsInit]
    private nint WriteCopied(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body)
    {
        Span<byte> message = stackalloc byte[header.Length + body.Length];
        header.CopyTo(message);
        body.CopyTo(message[header.Length..]);
        return FileDescriptor.Write(_fd, message);
    }

    /// <summary>Sends the thread that is in <see cref="Read"/> a signal that does nothing.</summary>
    public int Wake()
    {
        int thread = Volatile.Read(ref _readingThread);
        return thread == 0 ? ThreadSignal.Prepare() : ThreadSignal.Interrupt(thread);
    }

    public int BackingOpen(int fd)
    {
        var map = new FuseBackingMap { Fd = fd };
        return FileDescriptor.Ioctl(_fd, FuseProtocol.DevIocBackingOpen, &map);
    }

    public int BackingClose(int backingId)
    {
        uint id = (uint)backingId;
        return FileDescriptor.Ioctl(_fd, FuseProtocol.DevIocBackingClose, &id);
    }
}
