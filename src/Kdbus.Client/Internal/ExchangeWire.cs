using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Client.Internal;

/// <summary>
/// One system call for what takes several otherwise: EXCHANGE. The number of the command has the size of its room in it, all of which the kernel
/// copies both ways; so the room is as small as what was received lately allows. What does not fit into it comes through the pool.
/// </summary>
internal sealed unsafe class ExchangeWire(BusConnection connection, IEndpointFile file, Pool pool, bool acceptDescriptors, bool waitsOutside)
    : Wire(connection, file, pool)
{
    private const int Head = 80;
    private const int SmallestRoom = 320;
    private const int LargestRoom = Room.Size & ~7;
    private const ulong Forever = ulong.MaxValue;
    private const int EAGAIN = (int)Errno.EAGAIN;

    private RoomSize _received = new(SmallestRoom);
    private RoomSize _answered = new(SmallestRoom);

    /// <inheritdoc/>
    public override bool SendsWithReceive => true;

    /// <summary>Whether the domain knows the command.</summary>
    public static bool IsKnown(IEndpointFile file)
    {
        var question = new KdbusCmdExchange { Size = Head };
        int result;
        do
        {
            result = file.Ioctl(Number(Head), &question);
        }
        while (result == -SystemError.EINTR);
        return result == 0;
    }

    /// <inheritdoc/>
    protected override int SendOne(ref Draft draft)
    {
        Room room = Connection.Rooms.Pop();
        HandleHolder handles = default;
        try
        {
            fixed (byte* payload = draft.Payload)
            {
                ulong progress = 0;
                do
                {
                    int start = Begin(room, ExchangeFlags.None, 0, -1, out _);
                    int size = draft.Write(room.Bytes.AsSpan(start), inline: true, ref handles);
                    room.Command.MsgsSize = (ulong)size;
                    room.Command.Progress = progress;
                    int result = Issue(Number(start + size), room.Address);
                    if (result < 0)
                        return result;
                    // A signal that has gone to some thousand listeners: others had their turn, the rest gets it now.
                    progress = 1;
                }
                while (room.Command.Error == EAGAIN);
                return -(int)room.Command.Error;
            }
        }
        finally
        {
            handles.Dispose();
            room.Release();
        }
    }

    /// <inheritdoc/>
    protected override int CallOne(ref Draft draft, int cancel, out MessageSlot? answer)
    {
        answer = null;
        Room room = Connection.Rooms.Pop();
        HandleHolder handles = default;
        try
        {
            fixed (byte* payload = draft.Payload)
            {
                int start = Begin(room, ExchangeFlags.SyncReply, 0, cancel, out DescriptorChannel? channel);
                int size = draft.Write(room.Bytes.AsSpan(start), inline: true, ref handles);
                room.Command.MsgsSize = (ulong)size;
                int result = Issue(Number(Math.Max(start + size, _answered.Bytes)), room.Address);
                if (result < 0)
                    return result;
                int next = Head;
                answer = Take(room, channel, ref next);
                _answered.Used(next, isInline: answer.IsInline);
                return 0;
            }
        }
        finally
        {
            handles.Dispose();
            room.Release();
        }
    }

    /// <inheritdoc/>
    public override int Receive(Outgoing? outgoing, Queue<MessageSlot> arrived, out ulong dropped)
    {
        Room room = Connection.Rooms.Pop();
        try
        {
            DescriptorChannel? channel;
            while (true)
            {
                int result = Exchange(outgoing, room, ExchangeFlags.Recv, waitsOutside ? 0 : Forever, out channel);
                dropped = room.Command.DroppedMsgs;
                if (result < 0)
                    return result;
                if (!waitsOutside || room.Command.Received > 0 || dropped > 0)
                    break;
                result = File.Wait(-1);
                if (result < 0 && result != -SystemError.EINTR)
                    return result;
                if (Connection.IsEnding)
                    return 0;
            }
            int next = Head;
            bool isInline = true;
            for (uint left = room.Command.Received; left > 0; left--)
            {
                MessageSlot slot = Take(room, channel, ref next);
                isInline = slot.IsInline;
                arrived.Enqueue(slot);
            }
            _received.Used(next, isInline);
            return 0;
        }
        finally
        {
            room.Release();
        }
    }

    /// <inheritdoc/>
    public override int Flush(Outgoing outgoing)
    {
        Room room = Connection.Rooms.Pop();
        try
        {
            return Exchange(outgoing, room, ExchangeFlags.None, 0, out _);
        }
        finally
        {
            room.Release();
        }
    }

    // A message that is refused does not hold up those behind it: its owner is told, and the rest is sent. A command that could not send everything
    // receives what is there, but does not wait.
    private int Exchange(Outgoing? outgoing, Room room, ExchangeFlags flags, ulong wait, out DescriptorChannel? channel)
    {
        while (true)
        {
            ReadOnlySpan<byte> messages = outgoing is null ? default : outgoing.Bytes;
            int start = Begin(room, flags, wait, -1, out channel);
            messages.CopyTo(room.Bytes.AsSpan(start));
            room.Command.MsgsSize = (ulong)messages.Length;
            int size = start + messages.Length;
            int result = Issue(Number(flags == ExchangeFlags.None ? size : Math.Max(size, _received.Bytes)), room.Address);
            if (result < 0)
            {
                // The connection is at its end, and with it all that waits for an answer.
                outgoing?.Clear();
                return result;
            }
            outgoing?.Sent((int)room.Command.Sent, -(int)room.Command.Error);
            if (outgoing is null or { Count: 0 } || room.Command.Received > 0)
                return 0;
        }
    }

    // The command and its items: where the messages begin.
    private int Begin(Room room, ExchangeFlags flags, ulong wait, int cancel, out DescriptorChannel? channel)
    {
        var items = new ItemWriter(room.Bytes.AsSpan(Head, 256));
        if (flags != ExchangeFlags.None)
            Connection.WriteFreeItem(ref items);
        channel = acceptDescriptors && flags != ExchangeFlags.None ? DescriptorChannel.OfThread : null;
        if (channel is not null)
            items.Write(ItemType.FdSocket, channel.Theirs);
        if (cancel >= 0)
            items.Write(ItemType.CancelFd, cancel);
        int size = Head + items.Length;
        room.Command = new KdbusCmdExchange { Size = (ulong)size, Flags = (ulong)flags, WaitNs = wait };
        return size;
    }

    private MessageSlot Take(Room room, DescriptorChannel? channel, ref int next)
    {
        KdbusMsgInfo info = MemoryMarshal.Read<KdbusMsgInfo>(room.Bytes.AsSpan(next));
        next += Unsafe.SizeOf<KdbusMsgInfo>();
        if (info.Offset != Constants.OffsetInline)
            return InPool(info, channel);
        MessageSlot slot = Connection.NewSlot();
        slot.Open(room, next, (int)info.MsgSize);
        next += Item.Align8((int)info.MsgSize);
        return slot;
    }

    private static uint Number(int room) => (uint)Command.Exchange | (uint)Math.Min(Item.Align8(room), LargestRoom) << 16;

    /// <summary>How large a room to give: grows at once when it was too small, and shrinks when it was too large for a while.</summary>
    private struct RoomSize(int bytes)
    {
        private const int Patience = 64;

        private int _idle;

        public int Bytes { get; private set; } = bytes;

        public void Used(int bytes, bool isInline)
        {
            if (!isInline || bytes > Bytes * 3 / 4)
            {
                Bytes = Math.Min(Bytes * 2, LargestRoom);
                _idle = 0;
            }
            else if (bytes < Bytes / 4 && ++_idle == Patience)
            {
                Bytes = Math.Max(Bytes / 2, SmallestRoom);
                _idle = 0;
            }
        }
    }
}
