namespace Kdbus.Conformance.Words;

/// <summary>A connection of a test process, with its pool mapped for reading.</summary>
public sealed partial class Peer
{
    /// <summary>Bytes of a pool that a test does not size itself.</summary>
    public const ulong DefaultPoolSize = 16 << 20;

    // What a command does not write must be seen not to have been written.
    private const ulong Untouched = 0xa5a5a5a5a5a5a5a5;

    private readonly ulong _pool;

    private Peer(Handle handle, KdbusCmdHello hello)
    {
        Handle = handle;
        Greeting = hello;
        long pool = handle.Process.Map(hello.PoolSize, Protection.Read, MapFlags.Shared, handle.Descriptor, 0);
        Assert.True(pool >= 0, $"mmap of the pool gave {(Errno)(-pool)}");
        _pool = (ulong)pool;
    }

    private Peer(Handle handle, KdbusCmdHello hello, ulong pool)
    {
        Handle = handle;
        Greeting = hello;
        _pool = pool;
    }

    /// <summary>The descriptor.</summary>
    public Handle Handle { get; }

    /// <summary>The process that uses it.</summary>
    public IProcess Process => Handle.Process;

    /// <summary>What HELLO returned.</summary>
    public KdbusCmdHello Greeting { get; }

    /// <summary>Its unique id.</summary>
    public ulong Id => Greeting.Id;

    /// <summary>Bytes of its pool.</summary>
    public ulong PoolSize => Greeting.PoolSize;

    /// <summary>Where the pool is mapped.</summary>
    public ulong PoolAddress => _pool;

    /// <summary>A HELLO of an ordinary connection.</summary>
    public static WireStruct HelloCommand(
        HelloFlags flags = HelloFlags.AcceptFd, ulong send = 0, ulong recv = 0, ulong poolSize = DefaultPoolSize) =>
        WireStruct.Of(new KdbusCmdHello { Flags = (ulong)flags, AttachFlagsSend = send, AttachFlagsRecv = recv, PoolSize = poolSize });

    /// <summary>
    /// Makes a connection that must be makeable. What HELLO left in the pool is freed, so the pool is empty; only a policy holder cannot free.
    /// </summary>
    public static Peer Hello(Handle handle, WireStruct? command = null)
    {
        Peer peer = HelloKeepingSlice(handle, command);
        if (((HelloFlags)peer.Greeting.Flags & HelloFlags.PolicyHolder) == 0)
            Assert.Equal(Errno.OK, peer.Free(peer.Greeting.Offset));
        return peer;
    }

    /// <summary>Makes a connection that must be makeable, and leaves in the pool what HELLO put there.</summary>
    public static Peer HelloKeepingSlice(Handle handle, WireStruct? command = null)
    {
        CommandRun run = handle.Run(Command.Hello, command ?? HelloCommand());
        Assert.Equal(Errno.OK, run.Result);
        return new Peer(handle, run.As<KdbusCmdHello>());
    }

    /// <summary>This connection as a forked child has it: the same handle, and the mapping it was born with.</summary>
    public Peer In(IProcess child) => new(Handle.In(child), Greeting, _pool);

    /// <summary>Unmaps the pool and closes the descriptor, as a program that is through does.</summary>
    public void Close()
    {
        Assert.Equal(0, Process.Unmap(_pool, PoolSize));
        Handle.Close();
    }

    /// <summary>Bytes of the pool, read through the mapping.</summary>
    public byte[] Pool(ulong offset, ulong size) => Process.Scratch.Read(_pool + offset, (int)size);

    /// <summary>FREE.</summary>
    public Errno Free(ulong offset) => Process.ByExchange ? FreeByExchange(offset) : Handle.Run(Command.Free, WireStruct.Of(new KdbusCmdFree { Offset = offset })).Result;

    /// <summary>Frees the slice of a message, which must succeed.</summary>
    public void Free(ReceivedMessage message) => Assert.Equal(Errno.OK, Free(message.Offset));

    /// <summary>BYEBYE.</summary>
    public Errno Byebye() => Handle.Run(Command.Byebye, WireStruct.Of(Command.Byebye)).Result;

    /// <summary>A deadline in the future.</summary>
    public long Deadline(int milliseconds) => Process.Now() + milliseconds * 1_000_000L;

    /// <summary>SEND of a message.</summary>
    public Errno Send(Action<OutgoingMessage> build) => SendInFull(build).Result;

    /// <summary>SEND of a message, with all it returns.</summary>
    public CommandRun SendInFull(Action<OutgoingMessage> build, SendFlags flags = SendFlags.None)
    {
        OutgoingMessage message = Build(build);
        return Process.ByExchange && message.FitsCommand ? SendByExchange(message.ToArray(), flags, cancel: null) : Handle.Run(Command.Send, SendCommand(message, flags));
    }

    /// <summary>A SEND of a message that lies in memory when this returns.</summary>
    public WireStruct SendCommand(Action<OutgoingMessage> build, SendFlags flags = SendFlags.None) => SendCommand(Build(build), flags);

    private static WireStruct SendCommand(OutgoingMessage message, SendFlags flags) =>
        WireStruct.Of(new KdbusCmdSend { Flags = (ulong)flags, MsgAddress = message.Place() });

    private OutgoingMessage Build(Action<OutgoingMessage> build)
    {
        OutgoingMessage message = new(Process.Scratch, Process.ByExchange);
        build(message);
        return message;
    }

    /// <summary>A synchronous call by a thread of its own.</summary>
    public SynchronousCall Call(Action<OutgoingMessage> build) => Call(build, cancel: null, socket: null);

    private SynchronousCall Call(Action<OutgoingMessage> build, int? cancel, int? socket)
    {
        OutgoingMessage message = Build(build);
        if (Process.ByExchange && message.FitsCommand)
            return CallByExchange(message.ToArray(), cancel, socket);
        WireStruct command = SendCommand(message, SendFlags.SyncReply);
        if (cancel is { } descriptor)
            command.Item(ItemType.CancelFd, descriptor);
        if (socket is { } channel)
            command.Item(ItemType.FdSocket, channel);
        ulong address = Process.Scratch.Place(command.ToArray());
        return new SynchronousCall(
            this,
            Process.IoctlInThread(Handle.Descriptor, (uint)Command.Send, address),
            () => System.Runtime.InteropServices.MemoryMarshal.Read<KdbusCmdSend>(Process.Scratch.Read(address, 56)).Reply);
    }

    /// <summary>RECV.</summary>
    public Received Recv(RecvFlags flags = RecvFlags.None, long priority = 0)
    {
        if (Process.ByExchange && !LooksOnly(flags))
            return RecvByExchange(flags, priority, socket: null);
        KdbusCmdRecv command = new()
        {
            Flags = (ulong)flags,
            Priority = priority,
            ReturnFlags = Untouched,
            DroppedMsgs = Untouched,
            Msg = new KdbusMsgInfo { Offset = Untouched, MsgSize = Untouched, ReturnFlags = Untouched },
        };
        CommandRun run = Handle.Run(Command.Recv, WireStruct.Of(command));
        return new Received(run.Result, run.As<KdbusCmdRecv>());
    }

    /// <summary>What only RECV can do.</summary>
    private static bool LooksOnly(RecvFlags flags) => (flags & ~RecvFlags.UsePriority) != 0;

    /// <summary>RECV of a message that must be there.</summary>
    public ReceivedMessage Receive(RecvFlags flags = RecvFlags.None, long priority = 0)
    {
        Received received = Recv(flags, priority);
        Assert.Equal(Errno.OK, received.Result);
        return Message(received.Command.Msg);
    }

    /// <summary>RECV and FREE of a message that must be there.</summary>
    public ReceivedMessage ReceiveAndFree()
    {
        ReceivedMessage message = Receive();
        Free(message);
        return message;
    }

    /// <summary>RECV and FREE of a notification that must be there.</summary>
    public Notification ReceiveNotification() => Notification.Of(ReceiveAndFree());

    /// <summary>RECV and FREE of all that is queued.</summary>
    public IReadOnlyList<ReceivedMessage> ReceiveAll()
    {
        List<ReceivedMessage> all = [];
        for (Received next; (next = Recv()).Result != Errno.EAGAIN; Free(all[^1]))
        {
            Assert.Equal(Errno.OK, next.Result);
            all.Add(Message(next.Command.Msg));
        }
        return all;
    }

    /// <summary>RECV and FREE of all that is queued, which must be notifications.</summary>
    public Notification[] Notifications() => [.. ReceiveAll().Select(static m => m.Notification)];

    /// <summary>Waits until there is something to receive.</summary>
    public void AwaitReadable() =>
        Assert.Equal(PollEvents.In, Process.Poll(Handle.Descriptor, PollEvents.In, Pending.Forever));

    /// <summary>Waits until there is something to receive, and receives it.</summary>
    public ReceivedMessage AwaitMessage()
    {
        AwaitReadable();
        return Receive();
    }

    /// <summary>The queue must be empty.</summary>
    public void HasNothing() => Assert.Equal(Errno.EAGAIN, Recv().Result);

    /// <summary>The queue must be empty, and so many messages must have been lost since the last RECV.</summary>
    public void HasNothingAndLost(ulong count)
    {
        Received received = Recv();
        Assert.Equal((Errno.EAGAIN, count), (received.Result, received.Command.DroppedMsgs));
        Assert.Equal(count > 0 ? RecvReturnFlags.DroppedMsgs : 0, (RecvReturnFlags)received.Command.ReturnFlags);
    }

    /// <summary>The message that lies in the pool where a command said.</summary>
    public ReceivedMessage Message(KdbusMsgInfo at) => new(at.Offset, Pool(at.Offset, at.MsgSize));

    /// <summary>LIST.</summary>
    public CommandRun List(ListFlags flags) => Handle.Run(Command.List, WireStruct.Of(new KdbusCmdList { Flags = (ulong)flags }));

    /// <summary>CONN_INFO by id.</summary>
    public CommandRun ConnInfo(ulong id, ulong attach = 0) =>
        Handle.Run(Command.ConnInfo, WireStruct.Of(new KdbusCmdInfo { Id = id, AttachFlags = attach, ReturnFlags = Untouched }));
}

/// <summary>What RECV returned.</summary>
public readonly record struct Received(Errno Result, KdbusCmdRecv Command);

/// <summary>A synchronous call under way.</summary>
public sealed class SynchronousCall(Peer caller, Pending pending, Func<KdbusMsgInfo> reply)
{
    private readonly Lazy<KdbusMsgInfo> _reply = new(reply);

    /// <summary>The id of the thread that waits.</summary>
    public int Thread => pending.Thread;

    /// <summary>Has it come back?</summary>
    public bool IsOver => pending.IsOver;

    /// <summary>Waits for its end. With <see cref="Errno.OK"/> the reply lies in the caller's pool.</summary>
    public Errno Result() => Handle.Outcome(pending.Result());

    /// <summary>Does it go on waiting for this long?</summary>
    public bool StaysBlocked(int milliseconds = 100) => pending.StaysBlocked(milliseconds);

    /// <summary>What the command says about the reply.</summary>
    public KdbusMsgInfo ReplyInfo => _reply.Value;

    /// <summary>The reply, once the call has succeeded.</summary>
    public ReceivedMessage Reply => caller.Message(ReplyInfo);
}
