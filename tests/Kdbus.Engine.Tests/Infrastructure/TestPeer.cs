using System.Runtime.InteropServices;
using Kdbus.Engine.Files;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>A SEND that has come back from the engine, or waits there, or waits for its payload.</summary>
internal sealed class Sending(byte[] frame, ulong request, Outcome outcome)
{
    public byte[] Frame { get; } = frame;

    public ulong Request { get; } = request;

    public byte[] Message { get; init; } = [];

    /// <summary>What came with it.</summary>
    public Letter? Letter { get; init; }

    public Outcome Outcome { get; set; } = outcome;

    public Errno Result => Outcome.Result;

    public OutcomeKind Kind => Outcome.Kind;

    public KdbusMsgInfo Reply => Infrastructure.Frame.As<KdbusCmdSend>(Frame).Reply;
}

/// <summary>A message as its receiver finds it in the pool.</summary>
internal readonly record struct Received(Errno Result, KdbusMsgInfo Info, ulong Source, ulong Cookie, ulong CookieReply, ItemType FirstItem, byte[] Payload)
{
    /// <summary>What is to be handed out with it.</summary>
    public Handout? Handout { get; init; }

    public bool IsIncomplete => Info.ReturnFlags == (ulong)RecvReturnFlags.IncompleteFds;
}

/// <summary>One open handle of the endpoint, its pool, and the commands of a connection.</summary>
internal sealed class TestPeer(TestDomain world, ulong handle, uint uid, PoolMemory pool)
{
    public ulong Handle { get; } = handle;

    public PoolMemory Pool { get; } = pool;

    public uint Uid { get; } = uid;

    public ulong Id { get; private set; }

    public Connection Connection { get; private set; } = null!;

    public bool IsReadable => world.Domain.Poll(Handle) == PollState.Readable;

    public Errno Hello(HelloFlags flags = 0, string? name = null, ulong attach = ulong.MaxValue)
    {
        var frame = Frame.Of(
            new KdbusCmdHello
            {
                Flags = (ulong)flags, PoolSize = (ulong)Pool.Size, AttachFlagsSend = attach, AttachFlagsRecv = attach,
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

    public Sending Send(byte[] frame, ReadOnlySpan<byte> message, ReadOnlySpan<byte> payload, PayloadPlace place, Letter? letter = null)
    {
        var call = InvocationOf(frame, world.NextRequest(), message, payload, place, letter);
        var request = call.Request;
        return new Sending(frame, request, world.Domain.Execute(ref call)) { Message = message.ToArray(), Letter = letter };
    }

    /// <summary>The copy of a remote payload is over.</summary>
    public Errno Commit(Sending sending, Errno copied = Errno.OK)
    {
        Assert.Equal(OutcomeKind.Copy, sending.Kind);
        var call = InvocationOf(sending.Frame, sending.Request, default, default, PayloadPlace.Remote, sending.Letter);
        var transfer = sending.Outcome.Transfer!;
        sending.Outcome = world.Domain.Commit(ref call, sending.Outcome, copied);
        transfer.End();
        return sending.Result;
    }

    public Received Recv(RecvFlags flags = 0, long priority = 0, bool takesDescriptors = false)
    {
        var frame = Frame.Of(new KdbusCmdRecv { Flags = (ulong)flags, Priority = priority });
        var outcome = world.Run(Handle, Command.Recv, frame, Uid, takesDescriptors: takesDescriptors);
        var info = Frame.As<KdbusCmdRecv>(frame).Msg;
        return outcome.Result == Errno.OK && !flags.HasFlag(RecvFlags.Drop) ? Read(info) with { Handout = outcome.Handout } : new Received(outcome.Result, info, 0, 0, 0, 0, []);
    }

    /// <summary>Receives and frees.</summary>
    public Received Take()
    {
        var received = Recv();
        if (received.Result == Errno.OK) Assert.Equal(Errno.OK, Free(received.Info.Offset));
        return received;
    }

    public Errno Free(ulong offset) => world.Run(Handle, Command.Free, Frame.Of(new KdbusCmdFree { Offset = offset }), Uid).Result;

    /// <summary>The numbers that files got.</summary>
    public Errno Install(ulong offset, params int[] numbers) => world.Run(
        Handle,
        Command.FdsInstalled,
        Frame.Of(new KdbusCmdFdsInstalled { Offset = offset }, Frame.Item(ItemType.Fds, MemoryMarshal.AsBytes(numbers.AsSpan()))),
        Uid).Result;

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

    /// <summary>The items of a message, in their order.</summary>
    public List<(ItemType Type, byte[] Payload)> Items(KdbusMsgInfo info)
    {
        var slice = Pool.Bytes.Slice((int)info.Offset, (int)info.MsgSize);
        var reader = new ItemReader(slice[64..(int)MemoryMarshal.Read<KdbusMsg>(slice).Size]);
        var items = new List<(ItemType, byte[])>();
        while (reader.TryRead(out var item)) items.Add((item.Type, item.Payload.ToArray()));
        Assert.Equal(Errno.OK, reader.Error);
        return items;
    }

    /// <summary>The numbers that stand in a message: of FDS, of the memfds, of PIDFD.</summary>
    public int[] Numbers(KdbusMsgInfo info)
    {
        var items = Items(info);
        var fds = items.Where(item => item.Type == ItemType.Fds).SelectMany(item => MemoryMarshal.Cast<byte, int>(item.Payload).ToArray());
        var memfds = items.Where(item => item.Type == ItemType.PayloadMemfd).Select(item => MemoryMarshal.Read<KdbusMemfd>(item.Payload).Fd);
        var pidfds = items.Where(item => item.Type == ItemType.Pidfd).Select(item => MemoryMarshal.Read<int>(item.Payload));
        return [.. fds, .. memfds, .. pidfds];
    }

    private Invocation InvocationOf(
        byte[] frame, ulong request, ReadOnlySpan<byte> message, ReadOnlySpan<byte> payload, PayloadPlace place, Letter? letter) => new()
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
        Files = message.IsEmpty ? [] : letter?.Files ?? [],
        Pidfd = message.IsEmpty ? 0 : letter?.Pidfd ?? 0,
        Process = letter is { Pidfd: not 0 } or { TellsPidfd: true } ? new ProcessRecord { Kinds = AttachFlags.Pidfd } : null,
        TakesDescriptors = letter is { TakesDescriptors: true },
    };
}
