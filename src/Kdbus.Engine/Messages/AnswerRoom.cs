using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Messages;

/// <summary>
/// The room that an EXCHANGE has for what it receives: a record for each message, and behind it the message itself unless that
/// stays in the pool.
/// </summary>
internal ref struct AnswerRoom(Span<byte> room)
{
    private readonly Span<byte> _room = room;

    /// <summary>Bytes of a record without a message.</summary>
    public static int RecordSize => Unsafe.SizeOf<KdbusMsgInfo>();

    /// <summary>Records so far.</summary>
    public int Messages { get; private set; }

    /// <summary>Bytes of them.</summary>
    public int Bytes { get; private set; }

    /// <summary>Whether a message of this size would fit if it were the only one.</summary>
    public readonly bool CanHold(ulong size) => (ulong)RecordSize + size <= (ulong)_room.Length;

    /// <summary>Whether it fits behind those that are there.</summary>
    public readonly bool HasRoomFor(ulong size) => (ulong)(Bytes + RecordSize) + size <= (ulong)_room.Length;

    /// <summary>Adds a message that fits: where to write it.</summary>
    public Span<byte> Add(int size, RecvReturnFlags flags)
    {
        Add(new KdbusMsgInfo { Offset = Constants.OffsetInline, MsgSize = (ulong)size, ReturnFlags = (ulong)flags });
        var message = _room.Slice(Bytes, size);
        Bytes += size;
        return message;
    }

    /// <summary>Adds a message that stays in the pool.</summary>
    public void Add(KdbusMsgInfo info)
    {
        MemoryMarshal.Write(_room[Bytes..], in info);
        Bytes += RecordSize;
        Messages++;
    }
}
