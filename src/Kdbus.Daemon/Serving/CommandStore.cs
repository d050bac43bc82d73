using System.Buffers.Binary;
using Kdbus.Abi;
using Kdbus.Engine;
using Kdbus.Fuse;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Brings the results of a command back to its caller: with the answer where the number of the command lets FUSE carry
/// them, else into the caller's memory.
/// </summary>
internal readonly ref struct CommandStore(ICallers callers, CallBuffers buffers, int thread)
{
    /// <summary>Where return_flags stands in every command.</summary>
    public const int ReturnFlagsOffset = 16;

    /// <summary>Where the reply stands in a SEND.</summary>
    public const int ReplyOffset = 32;

    private const int FlagsOffset = 8;

    /// <summary>Where return_flags stands in the kdbus_msg_info that a command has.</summary>
    private const int InfoFlagsOffset = 16;

    /// <summary>Where the kdbus_msg_info stands in a RECV.</summary>
    private const int MsgOffset = 40;

    /// <summary>
    /// How many bytes of the frame, from its start, carry all that is to be stored; 0 if the answer cannot carry it.
    /// </summary>
    public static int CarriedBy(in IoctlRequest request, in Stores stores)
    {
        var end = Math.Max(stores.Results.Offset + stores.Results.Length, stores.Negotiated.Offset + stores.Negotiated.Length);
        if (stores.Flags) end = Math.Max(end, FlagsOffset + sizeof(ulong));
        if (stores.ReturnFlags) end = Math.Max(end, ReturnFlagsOffset + sizeof(ulong));
        return (uint)end <= request.OutputSize ? end : 0;
    }

    /// <summary>Adds to what a RECV or SEND tells about the message it got: not all of its descriptors came along.</summary>
    public static void TellIncomplete(CommandLayout layout, Span<byte> frame)
    {
        var flags = frame[((layout.Command == Command.Recv ? MsgOffset : ReplyOffset) + InfoFlagsOffset)..];
        BinaryPrimitives.WriteUInt64LittleEndian(
            flags, BinaryPrimitives.ReadUInt64LittleEndian(flags) | (ulong)RecvReturnFlags.IncompleteFds);
    }

    /// <summary>Writes what is to be stored into the caller's memory: OK or EFAULT.</summary>
    public Errno Write(ulong argument, Span<byte> frame, in Stores stores)
    {
        var count = 0;
        var total = 0;
        if (stores.Flags) Add(argument, frame, FlagsOffset, sizeof(ulong), ref count, ref total);
        if (stores.ReturnFlags) Add(argument, frame, ReturnFlagsOffset, sizeof(ulong), ref count, ref total);
        if (stores.Results.Length > 0) Add(argument, frame, stores.Results.Offset, stores.Results.Length, ref count, ref total);
        if (stores.Negotiated.Length > 0) Add(argument, frame, stores.Negotiated.Offset, stores.Negotiated.Length, ref count, ref total);

        var written = callers.Write(thread, buffers.Local.AsSpan(0, count), buffers.Remote.AsSpan(0, count));
        return written == total ? Errno.OK : Errno.EFAULT;
    }

    /// <summary>Writes one value into a caller's memory: OK or EFAULT.</summary>
    public static unsafe Errno Write<T>(ICallers callers, int thread, ulong address, ref T value)
        where T : unmanaged
    {
        fixed (T* local = &value)
        {
            var written = callers.Write(thread, [new IoVec(local, (nuint)sizeof(T))], [new RemoteIoVec(address, (ulong)sizeof(T))]);
            return written == sizeof(T) ? Errno.OK : Errno.EFAULT;
        }
    }

    private void Add(ulong argument, Span<byte> frame, int offset, int length, ref int count, ref int total)
    {
        buffers.Local[count] = CallBuffers.Pinned(frame.Slice(offset, length));
        buffers.Remote[count++] = new RemoteIoVec(argument + (ulong)offset, (ulong)length);
        total += length;
    }
}
