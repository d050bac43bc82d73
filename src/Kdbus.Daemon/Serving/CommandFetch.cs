using System.Buffers;
using System.Buffers.Binary;
using Kdbus.Abi;
using Kdbus.Engine;
using Kdbus.Engine.Messages;
using Kdbus.Fuse;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Takes a command in from its caller. FUSE carries only the fixed struct, and of the commands whose number says "read"
/// not even that; items, message and payload are read from the caller's memory. Nothing is judged here except what must
/// be known to find the next piece: what cannot be found is left for the engine to miss, in its order of checks. A caller
/// whose command was answered meanwhile, by a signal, may be gone and its thread id be another's: its memory is not touched.
/// </summary>
internal readonly ref struct CommandFetch
{
    /// <summary>A message and up to five items come with the first look.</summary>
    private const int FirstLook = 256;

    /// <summary>What goes to several receivers passes through so much at a time.</summary>
    private const int CopyBuffer = 256 * 1024;

    private readonly ICallers _callers;
    private readonly CallBuffers _buffers;
    private readonly int _thread;
    private readonly FuseReply _reply;

    public CommandFetch(ICallers callers, CallBuffers buffers, int thread, FuseReply reply)
    {
        _callers = callers;
        _buffers = buffers;
        _thread = thread;
        _reply = reply;
    }

    /// <summary>True if the command can be taken in without touching the caller's memory.</summary>
    public static bool IsWhole(in IoctlRequest request, CommandLayout layout) =>
        request.Input.Length == layout.FixedSize
        && layout.Command != Command.Send
        && BinaryPrimitives.ReadUInt64LittleEndian(request.Input) <= (ulong)layout.FixedSize;

    /// <summary>Reads the struct with its items: EFAULT, EINVAL for too small, EMSGSIZE for too large.</summary>
    public Errno Frame(in IoctlRequest request, CommandLayout layout, out Span<byte> frame)
    {
        frame = default;
        if (request.Argument % 8 != 0) return Errno.EFAULT;

        var room = _buffers.Frame;
        var have = request.Input.Length;
        if (have > 0) request.Input.CopyTo(room);
        else have = Read(request.Argument, room[..layout.FixedSize]);
        if (have < sizeof(ulong)) return Errno.EFAULT;

        var size = BinaryPrimitives.ReadUInt64LittleEndian(room);
        if (size < (ulong)layout.FixedSize) return Errno.EINVAL;
        if (size > (ulong)room.Length) return Errno.EMSGSIZE;
        frame = room[..(int)size];
        if (have >= frame.Length) return Errno.OK;
        return Read(request.Argument + (ulong)have, frame[have..]) == frame.Length - have ? Errno.OK : Errno.EFAULT;
    }

    /// <summary>Reads as much as there is of the message of a SEND.</summary>
    private ReadOnlySpan<byte> Message(ulong address)
    {
        if (address % 8 != 0) return default;
        var room = _buffers.Message;
        var have = Read(address, room[..FirstLook]);
        if (have < sizeof(ulong)) return default;

        var size = BinaryPrimitives.ReadUInt64LittleEndian(room);
        if (size <= (ulong)have || size > (ulong)room.Length) return room[..have];
        have += Read(address + (ulong)have, room[have..(int)size]);
        return room[..have];
    }

    /// <summary>Reads message and payload of a SEND: both at once where they lay last time.</summary>
    public PayloadPlace Message(ulong address, OpenFile file, out ReadOnlySpan<byte> message, out ReadOnlySpan<byte> payload)
    {
        var habit = file.Habit;
        if (habit.Message == address && TryHabit(habit, out message, out payload)) return PayloadPlace.Here;
        message = Message(address);
        var place = Payload(message, out payload);
        file.Habit = place == PayloadPlace.Here ? HabitOf(address, message) : default;
        return place;
    }

    private bool TryHabit(SendHabit habit, out ReadOnlySpan<byte> message, out ReadOnlySpan<byte> payload)
    {
        message = payload = default;
        if (_reply.IsAnswered) return false;
        var front = _buffers.Message[..habit.MessageSize];
        var behind = _buffers.Payload[..habit.PayloadSize];
        var read = _callers.Read(
            _thread,
            [CallBuffers.Pinned(front), CallBuffers.Pinned(behind)],
            [new RemoteIoVec(habit.Message, (ulong)front.Length), new RemoteIoVec(habit.Payload, (ulong)behind.Length)]);
        if (read != front.Length + behind.Length || HabitOf(habit.Message, front) != habit) return false;
        message = front;
        payload = behind;
        return true;
    }

    /// <summary>Nothing for a message that has not exactly one vector, or a large one.</summary>
    private static SendHabit HabitOf(ulong address, ReadOnlySpan<byte> message)
    {
        var pieces = PayloadVecs.Of(message);
        if (!pieces.MoveNext() || pieces.Kind != PieceKind.Vector || pieces.Current.Size > SendHabit.MostPayload) return default;
        var vec = pieces.Current;
        return pieces.MoveNext() ? default
            : new SendHabit(address, (int)BinaryPrimitives.ReadUInt64LittleEndian(message), vec.Address, (int)vec.Size);
    }

    /// <summary>Reads the payload of a message if it is small.</summary>
    public PayloadPlace Payload(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        var pieces = PayloadVecs.Of(message);
        var total = 0UL;
        var count = 0;
        while (pieces.MoveNext())
        {
            var piece = pieces.Current;
            if (pieces.Kind != PieceKind.Vector) continue;
            if (count == _buffers.Remote.Length || piece.Size > CallBuffers.InlinePayload) return PayloadPlace.Remote;
            _buffers.Remote[count++] = new RemoteIoVec(piece.Address, piece.Size);
            total += piece.Size;
        }

        if (count == 0) return PayloadPlace.Here;
        if (total > CallBuffers.InlinePayload) return PayloadPlace.Remote;

        var room = _buffers.Payload[..(int)total];
        payload = room;
        if (_reply.IsAnswered) return PayloadPlace.Unreadable;
        var read = _callers.Read(_thread, [CallBuffers.Pinned(room)], _buffers.Remote.AsSpan(0, count));
        return read == room.Length ? PayloadPlace.Here : PayloadPlace.Unreadable;
    }

    /// <summary>Copies the payload from the sender's memory straight into the receiver's pool: OK or EFAULT.</summary>
    public unsafe Errno Copy(ReadOnlySpan<byte> message, PoolFile pool, ulong area)
    {
        var pieces = PayloadVecs.Of(message);
        var total = 0UL;
        var count = 0;
        while (pieces.MoveNext())
        {
            var piece = pieces.Current;
            if (pieces.Kind != PieceKind.Vector) continue;
            _buffers.Remote[count] = new RemoteIoVec(piece.Address, piece.Size);
            _buffers.Local[count++] = new IoVec(pool.Address(area + pieces.Position), (nuint)piece.Size);
            total += piece.Size;
        }

        if (_reply.IsAnswered) return Errno.EINTR;
        var copied = _callers.Read(_thread, _buffers.Local.AsSpan(0, count), _buffers.Remote.AsSpan(0, count));
        return copied >= 0 && (ulong)copied == total ? Errno.OK : Errno.EFAULT;
    }

    /// <summary>The first well-formed item of a type among the items of a command that nobody has checked yet.</summary>
    public static bool TryFind(ReadOnlySpan<byte> items, ItemType type, out Item found)
    {
        var reader = new ItemReader(items);
        while (reader.TryRead(out found))
        {
            if (found.Type == type && ItemRules.Check(type, found.Payload) == Errno.OK) return true;
        }

        return false;
    }

    /// <summary>
    /// Copies the payload from the sender's memory, where it is looked at once, to all who get it, a buffer at a time: OK or EFAULT.
    /// </summary>
    public Errno Copy(ReadOnlySpan<byte> message, Transfer transfer)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBuffer);
        var result = Copy(message, transfer, buffer);
        ArrayPool<byte>.Shared.Return(buffer);
        return result;
    }

    private unsafe Errno Copy(ReadOnlySpan<byte> message, Transfer transfer, Span<byte> buffer)
    {
        fixed (byte* local = buffer)
        {
            var pieces = PayloadVecs.Of(message);
            while (pieces.MoveNext())
            {
                var piece = pieces.Current;
                if (pieces.Kind != PieceKind.Vector) continue;
                for (var done = 0UL; done < piece.Size;)
                {
                    var size = (int)Math.Min(piece.Size - done, (ulong)buffer.Length);
                    if (_reply.IsAnswered) return Errno.EINTR;
                    var read = _callers.Read(_thread, [new IoVec(local, (nuint)size)], [new RemoteIoVec(piece.Address + done, (ulong)size)]);
                    if (read != size) return Errno.EFAULT;
                    transfer.Fill(pieces.Position + done, buffer[..size]);
                    done += (ulong)size;
                }
            }
        }

        return Errno.OK;
    }

    private int Read(ulong address, Span<byte> room)
    {
        if (_reply.IsAnswered) return 0;
        var read = _callers.Read(_thread, [CallBuffers.Pinned(room)], [new RemoteIoVec(address, (ulong)room.Length)]);
        return (int)Math.Max(read, 0);
    }
}
