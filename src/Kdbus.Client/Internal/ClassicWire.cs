using System.Runtime.CompilerServices;
using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Client.Internal;

/// <summary>The interface of 2015: SEND, RECV, poll, FREE. For domains without extensions; in others descriptors come over sockets, as they do with EXCHANGE.</summary>
internal sealed unsafe class ClassicWire(BusConnection connection, IEndpointFile file, Pool pool, bool hasSockets) : Wire(connection, file, pool)
{
    /// <inheritdoc/>
    public override bool SendsWithReceive => false;

    /// <inheritdoc/>
    protected override int SendOne(ref Draft draft) => Send(ref draft, SendFlags.None, null, -1, out _);

    /// <inheritdoc/>
    protected override int CallOne(ref Draft draft, int cancel, out MessageSlot? answer)
    {
        DescriptorChannel? channel = Channel;
        int result = Send(ref draft, SendFlags.SyncReply, channel, cancel, out KdbusMsgInfo reply);
        answer = result < 0 ? null : InPool(reply, channel);
        return result;
    }

    /// <inheritdoc/>
    public override int Receive(Outgoing? outgoing, Queue<MessageSlot> arrived, out ulong dropped)
    {
        DescriptorChannel? channel = Channel;
        Span<byte> command = stackalloc byte[Unsafe.SizeOf<KdbusCmdRecv>() + 24];
        while (true)
        {
            var items = new ItemWriter(command[Unsafe.SizeOf<KdbusCmdRecv>()..]);
            if (channel is not null)
                items.Write(ItemType.FdSocket, channel.Theirs);
            int result;
            fixed (byte* argument = command)
            {
                ref var receive = ref *(KdbusCmdRecv*)argument;
                receive = new KdbusCmdRecv { Size = (ulong)(Unsafe.SizeOf<KdbusCmdRecv>() + items.Length) };
                result = Issue((uint)Command.Recv, argument);
                dropped = receive.DroppedMsgs;
                if (result == 0)
                    arrived.Enqueue(InPool(receive.Msg, channel));
            }
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

    private DescriptorChannel? Channel => hasSockets ? DescriptorChannel.OfThread : null;

    private int Send(ref Draft draft, SendFlags flags, DescriptorChannel? channel, int cancel, out KdbusMsgInfo reply)
    {
        using Buffer buffer = new(draft.Room);
        HandleHolder handles = default;
        try
        {
            fixed (byte* payload = draft.Payload)
            {
                Span<byte> command = stackalloc byte[Unsafe.SizeOf<KdbusCmdSend>() + 48];
                var items = new ItemWriter(command[Unsafe.SizeOf<KdbusCmdSend>()..]);
                if (channel is not null)
                    items.Write(ItemType.FdSocket, channel.Theirs);
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
