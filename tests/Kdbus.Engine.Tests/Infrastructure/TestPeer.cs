using System.Runtime.InteropServices;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>A SEND that has come back from the engine, or waits there, or waits for its payload.</summary>
internal sealed class Sending(byte[] frame, ulong request, Outcome outcome)
{
    public byte[] Frame { get; } = frame;

    public ulong Request { get; } = request;

    public byte[] Message { get; init; } = [];

    public Outcome Outcome { get; set; } = outcome;

    public Errno Result => Outcome.Result;

    public OutcomeKind Kind => Outcome.Kind;

    public KdbusMsgInfo Reply => Infrastructure.Frame.As<KdbusCmdSend>(Frame).Reply;
}

/// <summary>A message as its receiver finds it in the pool.</summary>
internal readonly record struct Received(Errno Result, KdbusMsgInfo Info, ulong Source, ulong Cookie, ulong CookieReply, ItemType FirstItem, byte[] Payload);

/// <summary>One open handle of the endpoint, its pool, and the commands of a connection.</summary>
internal sealed class TestPeer(TestDomain world, ulong handle, uint uid, PoolMemory pool)
{
    public ulong Handle { get; } = handle;

    public PoolMemory Pool { get; } = pool;

    public uint Uid { get; } = uid;

    public ulong Id { get; private set; }

    public Connection Connection { get; private set; } = null!;

    public bool IsReadable => world.Domain.Poll(Handle) == PollState.Readable;

    public Errno Hello(HelloFlags flags = 0, string? name = null)
    {
        var frame = Frame.Of(
            new KdbusCmdHello
            {
                Flags = (ulong)flags, PoolSize = (ulong)Pool.Size, AttachFlagsSend = ulong.MaxValue, AttachFlagsRecv = ulong.MaxValue,
            },
            name == null ? [] : [Frame.Item(ItemType.Name, name)]);
        var outcome = world.Run(Handle, Command.Hello, frame, Uid, Pool);
        if (outcome.Result != Errno.OK) return outcome.Result;
        Id = Frame.As<KdbusCmdHello>(frame).Id;
        Connection = world.Domain.FindConnection(Handle)!;
        return Errno.OK;
    }

    /// <summary>A message that wants nothing back.</summary>
    public Sending Send(ulong destination, ulong cookie, ReadOnlySpan<byte> payload = default, long priority = 0) =>
        Send(new KdbusMsg { DstId = destination, Cookie = cookie, Priority = priority }, payload);

    /// <summary>A request with a deadline this many nanoseconds from now.</summary>
    public Sending Ask(ulong destination, ulong cookie, ulong timeout = TestDomain.Second, bool synchronous = false, bool remote = false) => Send(
        new KdbusMsg
        {
            DstId = destination, Cookie = cookie, Flags = (ulong)MessageFlags.ExpectReply, TimeoutNs = world.Now.Monotonic + timeout,
        },
        remote ? new byte[64] : default,
        synchronous ? SendFlags.SyncReply : 0,
        remote ? PayloadPlace.Remote : PayloadPlace.Here);

    /// <summary>A synchronous call.</summary>
    public Sending Call(ulong destination, ulong cookie, ulong timeout = TestDomain.Second, bool remote = false) =>
        Ask(destination, cookie, timeout, synchronous: true, remote);

    public Sending Answer(ulong destination, ulong cookie, ReadOnlySpan<byte> payload = default, PayloadPlace place = PayloadPlace.Here) =>
        Send(new KdbusMsg { DstId = destination, CookieReply = cookie, Cookie = cookie + 1_000_000 }, payload, 0, place);

    public Sending Send(KdbusMsg message, ReadOnlySpan<byte> payload, SendFlags flags = 0, PayloadPlace place = PayloadPlace.Here) =>
        Send(message, payload, flags, place, []);

    /// <summary>With further items.</summary>
    public Sending Send(KdbusMsg message, ReadOnlySpan<byte> payload, SendFlags flags, PayloadPlace place, byte[][] items)
    {
        message.PayloadType = Constants.PayloadDBus;
        if (!payload.IsEmpty) items = [Frame.Item(ItemType.PayloadVec, new KdbusVec { Size = (ulong)payload.Length, Address = 0x1000 }), .. items];
        var frame = Frame.Of(new KdbusCmdSend { MsgAddress = 0x10_0000, Flags = (ulong)flags });
        return Send(frame, Frame.Of(message, items), payload, place);
    }

    public Sending Send(byte[] frame, ReadOnlySpan<byte> message, ReadOnlySpan<byte> payload, PayloadPlace place)
    {
        var call = InvocationOf(frame, world.NextRequest(), message, payload, place);
        var request = call.Request;
        return new Sending(frame, request, world.Domain.Execute(ref call)) { Message = message.ToArray() };
    }

    /// <summary>The copy of a remote payload is over.</summary>
    public Errno Commit(Sending sending, Errno copied = Errno.OK)
    {
        Assert.Equal(OutcomeKind.Copy, sending.Kind);
        var call = InvocationOf(sending.Frame, sending.Request, default, default, PayloadPlace.Remote);
        sending.Outcome = world.Domain.Commit(ref call, sending.Outcome, copied);
        return sending.Result;
    }

    public Received Recv(RecvFlags flags = 0, long priority = 0)
    {
        var frame = Frame.Of(new KdbusCmdRecv { Flags = (ulong)flags, Priority = priority });
        var outcome = world.Run(Handle, Command.Recv, frame, Uid);
        var info = Frame.As<KdbusCmdRecv>(frame).Msg;
        return outcome.Result == Errno.OK && !flags.HasFlag(RecvFlags.Drop) ? Read(info) : new Received(outcome.Result, info, 0, 0, 0, 0, []);
    }

    /// <summary>Receives and frees.</summary>
    public Received Take()
    {
        var received = Recv();
        if (received.Result == Errno.OK) Assert.Equal(Errno.OK, Free(received.Info.Offset));
        return received;
    }

    public Errno Free(ulong offset) => world.Run(Handle, Command.Free, Frame.Of(new KdbusCmdFree { Offset = offset }), Uid).Result;

    public Errno Acquire(string name, NameFlags flags = 0) =>
        world.Run(Handle, Command.NameAcquire, Frame.Of(new KdbusCmd { Flags = (ulong)flags }, Frame.Item(ItemType.Name, name)), Uid).Result;

    public Errno Release(string name) =>
        world.Run(Handle, Command.NameRelease, Frame.Of(new KdbusCmd(), Frame.Item(ItemType.Name, name)), Uid).Result;

    /// <summary>Wants to hear of everything.</summary>
    public Errno MatchAll() => world.Run(Handle, Command.MatchAdd, Frame.Of(new KdbusCmdMatch()), Uid).Result;

    public Errno Byebye() => world.Run(Handle, Command.Byebye, Frame.Of(new KdbusCmd()), Uid).Result;

    public void Close() => world.Close(Handle);

    /// <summary>A message that a result points to, parsed from the pool with a reader that has its own checks.</summary>
    public Received Read(KdbusMsgInfo info)
    {
        var slice = Pool.Bytes.Slice((int)info.Offset, (int)info.MsgSize);
        var header = MemoryMarshal.Read<KdbusMsg>(slice);
        Assert.InRange(header.Size, 64UL, info.MsgSize);
        var payload = new List<byte>();
        var first = ItemType.None;
        var reader = new ItemReader(slice[64..(int)header.Size]);
        while (reader.TryRead(out var item))
        {
            if (first == ItemType.None) first = item.Type;
            if (item.Type != ItemType.PayloadOff) continue;
            var vec = item.As<KdbusVec>();
            if (vec.Offset == Constants.OffsetNone) continue;
            payload.AddRange(slice.Slice((int)vec.Offset, (int)vec.Size));
        }

        Assert.Equal(Errno.OK, reader.Error);
        return new Received(Errno.OK, info, header.SrcId, header.Cookie, header.CookieReply, first, [.. payload]);
    }

    private Invocation InvocationOf(byte[] frame, ulong request, ReadOnlySpan<byte> message, ReadOnlySpan<byte> payload, PayloadPlace place) => new()
    {
        Handle = Handle,
        Request = request,
        Ioctl = (uint)Command.Send,
        Caller = TestDomain.CallerOf(Uid),
        Now = world.Now,
        Frame = frame,
        Message = message,
        Payload = payload,
        PayloadPlace = place,
    };
}
