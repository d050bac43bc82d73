using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    private readonly int _fd = fd;

    /// <summary>The descriptor.</summary>
    public int Descriptor => _fd;

    public nint Read(Span<byte> buffer) => FileDescriptor.Read(_fd, buffer);

    public nint Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
            return FileDescriptor.Write(_fd, header);
        fixed (byte* first = header, second = body)
        {
            ReadOnlySpan<IoVec> pieces = [new(first, (nuint)header.Length), new(second, (nuint)body.Length)];
            return FileDescriptor.Writev(_fd, pieces);
        }
    }

    /// <summary>Asks for nothing from the page cache of the root directory: the kernel answers with a NOTIFY_REPLY, which is a request to read.</summary>
    public int Wake()
    {
        Span<byte> message = stackalloc byte[FuseProtocol.OutHeaderSize + Unsafe.SizeOf<FuseNotifyRetrieveOut>()];
        MemoryMarshal.Write(message, new FuseOutHeader { Len = (uint)message.Length, Error = (int)FuseNotifyCode.Retrieve });
        MemoryMarshal.Write(message[FuseProtocol.OutHeaderSize..], new FuseNotifyRetrieveOut { NodeId = FuseProtocol.RootId });
        int result = FileDescriptor.Write(_fd, message);
        return result < 0 ? result : 0;
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
