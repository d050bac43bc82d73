namespace Kdbus.Conformance.Words;

/// <summary>In a world that talks by EXCHANGE the words for sending, receiving and giving back mean that.</summary>
public sealed partial class Peer
{
    private const int UsualRoom = 4096;

    /// <summary>Messages that came with a command, by where they lie from the pool: giving one back gives nothing back.</summary>
    private readonly HashSet<ulong> _carried = [];

    /// <summary>Begins an EXCHANGE.</summary>
    public Exchange Exchange() => new(this);

    private CommandRun SendByExchange(byte[] message, SendFlags flags, int? cancel)
    {
        Exchanged done = ExchangeOf(message, flags, cancel, socket: null).Run();
        KdbusCmdSend told = new() { Flags = (ulong)flags, Reply = done.Arrivals.Count > 0 ? Placed(done.Arrival) : default };
        return new CommandRun(done.Result != Errno.OK ? done.Result : done.Error, WireStruct.Of(told).ToArray());
    }

    private SynchronousCall CallByExchange(byte[] message, int? cancel, int? socket)
    {
        ExchangeCall call = ExchangeOf(message, SendFlags.SyncReply, cancel, socket).Start();
        return new SynchronousCall(this, call.Pending, () => Placed(call.Succeeds().Arrival));
    }

    private Exchange ExchangeOf(byte[] message, SendFlags flags, int? cancel, int? socket)
    {
        Exchange command = Exchange().Flags((ExchangeFlags)flags).Appends(message).Room(Math.Max(UsualRoom, message.Length + 200));
        if (cancel is { } descriptor)
            command.Item(ItemType.CancelFd, descriptor);
        if (socket is { } channel)
            command.Item(ItemType.FdSocket, channel);
        return command;
    }

    private Received RecvByExchange(RecvFlags flags, long priority, int? socket)
    {
        Exchange command = Exchange().Room(UsualRoom).Receives().AtMost(1);
        if (flags.HasFlag(RecvFlags.UsePriority))
            command.Urgent(priority);
        if (socket is { } channel)
            command.Item(ItemType.FdSocket, channel);
        Exchanged done = command.Run();
        bool isThere = done.Arrivals.Count > 0;
        KdbusCmdRecv told = new()
        {
            Flags = (ulong)flags,
            ReturnFlags = done.Command.ReturnFlags,
            DroppedMsgs = done.Command.DroppedMsgs,
            Msg = isThere ? Placed(done.Arrival) : new KdbusMsgInfo { Offset = PoolSize },
        };
        return new Received(done.Result != Errno.OK || isThere ? done.Result : Errno.EAGAIN, told);
    }

    private Errno FreeByExchange(ulong offset) => _carried.Remove(offset) ? Errno.OK : Exchange().Frees(offset).Run().Result;

    private KdbusMsgInfo Placed(Arrival arrival)
    {
        if (!arrival.IsInline)
            return arrival.Info;
        ulong offset = arrival.Address - _pool;
        _carried.Add(offset);
        return arrival.Info with { Offset = offset };
    }
}
