using System.Runtime.CompilerServices;
using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Client.Internal;

/// <summary>The interface of 2015: SEND, RECV, poll, FREE. For domains without extensions.</summary>
internal sealed unsafe class ClassicWire(BusConnection connection, IEndpointFile file, Pool pool) : Wire(connection, file, pool)
{
    /// <inheritdoc/>
    public override bool SendsWithReceive => false;

    /// <inheritdoc/>
    protected override int SendOne(ref Draft draft) => Send(ref draft, SendFlags.None, -1, out _);

    /// <inheritdoc/>
    protected override int CallOne(ref Draft draft, int cancel, out MessageSlot? answer)
    {
        int result = Send(ref draft, SendFlags.SyncReply, cancel, out KdbusMsgInfo reply);
        answer = result < 0 ? null : InPool(reply, null);
        return result;
    }

    /// <inheritdoc/>
    public override int Receive(Outgoing? outgoing, Queue<MessageSlot> arrived, out ulong dropped)
    {
        while (true)
        {
            var receive = new KdbusCmdRecv { Size = (ulong)Unsafe.SizeOf<KdbusCmdRecv>() };
            int result = Issue((uint)Command.Recv, &receive);
            dropped = receive.DroppedMsgs;
            if (result == 0)
                arrived.Enqueue(InPool(receive.Msg, null));
            if (result != -SystemError.EAGAIN || dropped > 0)
                return result == -SystemError.EAGAIN ? 0 : result;
            result = File.Wait(-1);
            if (result < 0 && result != -SystemError.EINTR)
                return result;
            if (Connection.IsEnding)
                return 0;
        }
    }

    /// <inheritdoc/>
    public override int Flush(Outgoing outgoing) => 0;

    private int Send(ref Draft draft, SendFlags flags, int cancel, out KdbusMsgInfo reply)
    {
        using Buffer buffer = new(draft.Room);
        HandleHolder handles = default;
        try
        {
            fixed (byte* payload = draft.Payload)
            {
                Span<byte> command = stackalloc byte[Unsafe.SizeOf<KdbusCmdSend>() + 24];
                var items = new ItemWriter(command[Unsafe.SizeOf<KdbusCmdSend>()..]);
                if (cancel >= 0)
                    items.Write(ItemType.CancelFd, cancel);
                _ = draft.Write(buffer.Bytes, inline: false, ref handles);
                fixed (byte* message = buffer.Bytes)
                fixed (byte* argument = command)
                {
                    ref var send = ref *(KdbusCmdSend*)argument;
                    send = new KdbusCmdSend { Size = (ulong)(Unsafe.SizeOf<KdbusCmdSend>() + items.Length), Flags = (ulong)flags, MsgAddress = (ulong)message };
                    int result = Issue((uint)Command.Send, argument);
                    reply = send.Reply;
                    return result;
                }
            }
        }
        finally
        {
            handles.Dispose();
        }
    }

    private readonly ref struct Buffer(int size)
    {
        private readonly byte[] _rented = System.Buffers.ArrayPool<byte>.Shared.Rent(size);

        public Span<byte> Bytes => _rented;

        public void Dispose() => System.Buffers.ArrayPool<byte>.Shared.Return(_rented);
    }
}
