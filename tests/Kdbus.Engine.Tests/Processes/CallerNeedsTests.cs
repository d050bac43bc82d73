using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Tests.Processes;

/// <summary>What must be found out about a caller: what somebody will be told and nothing else. Asking changes nothing.</summary>
public sealed class CallerNeedsTests
{
    private const AttachFlags Everything = AttachFlags.All | AttachMask.Extensions;

    private readonly TestDomain _world = new();

    public CallerNeedsTests() => _world.Domain.AttachMask = AttachFlags.Any;

    [Fact]
    public void Nothing_if_nobody_wants_anything()
    {
        var (sender, receiver) = (Connect(Everything, AttachFlags.None), Connect(Everything, AttachFlags.None));
        Assert.Equal(Errno.OK, receiver.MatchAll());
        Assert.Equal(default, NeedsOf(sender, To(receiver.Id)));
        Assert.Equal(default, NeedsOf(sender, Broadcast));
        Assert.Equal(default, NeedsOf(sender, To(receiver.Id), SendFlags.SyncReply));
        Assert.Equal(Errno.OK, sender.Send(receiver.Id, 1).Result);
        Assert.Equal(default, Needs(receiver, Command.Recv, Frame.Of(new KdbusCmdRecv())));
        Assert.Equal(default, Needs(sender, Command.ConnInfo, Frame.Of(new KdbusCmdInfo { Id = receiver.Id })));
        Assert.Equal(default, Needs(sender, Command.BusCreatorInfo, Frame.Of(new KdbusCmdInfo { AttachFlags = ulong.MaxValue })));
    }

    [Fact]
    public void Nothing_by_commands_that_tell_nothing()
    {
        var peer = Connect(Everything, Everything);
        foreach (var command in new[] { Command.Byebye, Command.NameRelease, Command.MatchAdd, Command.MatchRemove, Command.Update, Command.Free, Command.List, Command.NameAcquire })
        {
            Assert.Equal(default, Needs(peer, command, new byte[CommandLayout.Of((uint)command)!.FixedSize]));
        }
    }

    [Fact]
    public void What_the_one_wants_who_gets_the_message()
    {
        var sender = Connect(Everything, AttachFlags.None);
        var receiver = Connect(AttachFlags.None, AttachFlags.Creds | AttachFlags.Exe | AttachFlags.Names | AttachFlags.Pidfd);
        Connect(AttachFlags.None, Everything);
        Assert.Equal(Errno.OK, receiver.Acquire("org.example.name"));
        const AttachFlags told = AttachFlags.Creds | AttachFlags.Exe | AttachFlags.Pidfd;
        Assert.Equal(new CallerNeeds(CallerFacts.None, told), NeedsOf(sender, To(receiver.Id)));
        Assert.Equal(new CallerNeeds(CallerFacts.None, told), NeedsOf(sender, Frame.Of(new KdbusMsg(), Frame.Item(ItemType.DstName, "org.example.name"))));
    }

    [Fact]
    public void What_those_want_who_listen()
    {
        var sender = Connect(Everything, AttachFlags.None);
        var (one, other) = (Connect(Everything, AttachFlags.Creds), Connect(Everything, AttachFlags.Caps));
        Connect(Everything, AttachFlags.Cgroup);
        Assert.Equal(Errno.OK, one.MatchAll());
        Assert.Equal(Errno.OK, other.MatchAll());
        Assert.Equal(AttachFlags.Creds | AttachFlags.Caps, NeedsOf(sender, Broadcast).Kinds);
        Assert.Empty(_world.Domain.Listeners);
    }

    [Fact]
    public void What_monitors_want()
    {
        var sender = Connect(Everything, AttachFlags.None);
        var receiver = Connect(Everything, AttachFlags.Pids);
        Connect(Everything, AttachFlags.Audit, HelloFlags.Monitor);
        Assert.Equal(AttachFlags.Pids | AttachFlags.Audit, NeedsOf(sender, To(receiver.Id)).Kinds);
        Assert.Equal(AttachFlags.Audit, NeedsOf(sender, Broadcast).Kinds);
    }

    [Fact]
    public void No_more_than_the_sender_and_the_domain_allow()
    {
        var sender = Connect(AttachFlags.Creds | AttachFlags.Cmdline | AttachFlags.StartTime, AttachFlags.None);
        var receiver = Connect(Everything, Everything);
        Assert.Equal(AttachFlags.Creds | AttachFlags.Cmdline | AttachFlags.StartTime, NeedsOf(sender, To(receiver.Id)).Kinds);
        _world.Domain.AttachMask = Domain.DefaultAttachMask;
        Assert.Equal(AttachFlags.Creds | AttachFlags.StartTime, NeedsOf(sender, To(receiver.Id)).Kinds);
        _world.Domain.AttachMask &= ~AttachFlags.Pids;
        Assert.Equal(AttachFlags.Creds, NeedsOf(sender, To(receiver.Id)).Kinds);
        _world.Domain.AttachMask = AttachFlags.None;
        Assert.Equal(default, NeedsOf(sender, To(receiver.Id)));
    }

    [Theory]
    [InlineData(ItemType.Creds)]
    [InlineData(ItemType.Pids)]
    [InlineData(ItemType.Seclabel)]
    public void Nothing_about_who_says_that_he_is_somebody_else(ItemType fake)
    {
        var item = fake switch
        {
            ItemType.Creds => Frame.Item(fake, new KdbusCreds()),
            ItemType.Pids => Frame.Item(fake, default(KdbusPids)),
            _ => Frame.Item(fake, "label"),
        };
        var handle = _world.Open(_world.Bus.DefaultEndpoint);
        var hello = Hello(Everything, Everything, HelloFlags.None, item);
        Assert.Equal(AttachFlags.None, Needs(handle, Command.Hello, hello).Kinds);

        var pool = new PoolMemory(4096);
        var call = new Invocation
        {
            Handle = handle, Request = _world.NextRequest(), Ioctl = (uint)Command.Hello, Caller = TestDomain.CallerOf(TestDomain.Uid), Now = _world.Now,
            Frame = hello, Pool = pool, Named = new NamedProcesses(Found: true, null, null, null),
        };
        Assert.Equal(Errno.OK, _world.Domain.Execute(ref call).Result);
        var receiver = Connect(Everything, Everything);
        Assert.Equal(default, Needs(handle, Command.Send, Frame.Of(new KdbusCmdSend()), To(receiver.Id)));
        Assert.Equal(Errno.OK, Send(handle, receiver.Id));
        Assert.Equal(AttachFlags.Timestamp, receiver.Connection.Queue.First!.Metadata.Kinds);
    }

    [Fact]
    public void All_there_is_about_who_says_hello_or_makes_a_bus()
    {
        var handle = _world.Open(_world.Bus.DefaultEndpoint);
        Assert.Equal(AttachMask.Process, Needs(handle, Command.Hello, Hello(AttachFlags.None, AttachFlags.None)).Kinds);
        Assert.Equal(AttachMask.Process, Needs(_world.OpenControl(), Command.BusMake, Frame.Of(new KdbusCmd())).Kinds);
    }

    [Theory]
    [InlineData(AttachFlags.Creds, CallerFacts.UserNamespace)]
    [InlineData(AttachFlags.AuxGroups, CallerFacts.UserNamespace)]
    [InlineData(AttachFlags.Caps, CallerFacts.UserNamespace)]
    [InlineData(AttachFlags.Audit, CallerFacts.UserNamespace)]
    [InlineData(AttachFlags.Pids, CallerFacts.PidNamespace)]
    [InlineData(AttachFlags.Exe, CallerFacts.Root)]
    [InlineData(AttachFlags.TidComm | AttachFlags.PidComm | AttachFlags.Cmdline | AttachFlags.Cgroup | AttachFlags.Seclabel, CallerFacts.None)]
    [InlineData(AttachMask.Extensions | AttachFlags.Names | AttachFlags.Timestamp, CallerFacts.None)]
    public void From_where_he_looks_only_for_what_hangs_on_it(AttachFlags kinds, CallerFacts facts)
    {
        var (sender, receiver) = (Connect(Everything, kinds), Connect(Everything, kinds));
        Assert.Equal(facts, NeedsOf(sender, To(receiver.Id), SendFlags.SyncReply).Facts);
        Assert.Equal(CallerFacts.None, NeedsOf(sender, To(receiver.Id)).Facts);
        Assert.Equal(facts, Needs(sender, Command.ConnInfo, Frame.Of(new KdbusCmdInfo { Id = receiver.Id, AttachFlags = (ulong)kinds })).Facts);

        Assert.Equal(Errno.OK, Send(sender.Handle, receiver.Id));
        Assert.Equal(facts, Needs(receiver, Command.Recv, Frame.Of(new KdbusCmdRecv())).Facts);
        Assert.Equal(facts, Needs(receiver, Command.Recv, Frame.Of(new KdbusCmdRecv { Flags = (ulong)RecvFlags.Peek })).Facts);
        Assert.Equal(CallerFacts.None, Needs(receiver, Command.Recv, Frame.Of(new KdbusCmdRecv { Flags = (ulong)RecvFlags.Drop })).Facts);
        Assert.Equal(CallerFacts.None, Needs(receiver, Command.Recv, Frame.Of(new KdbusCmdRecv { Flags = (ulong)RecvFlags.UsePriority, Priority = -1 })).Facts);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Whatever_the_bytes_are_asking_changes_nothing_and_throws_nothing(int seed)
    {
        var random = new Random(seed);
        var (sender, receiver) = (Connect(Everything, Everything), Connect(Everything, Everything));
        Assert.Equal(Errno.OK, receiver.MatchAll());
        Assert.Equal(Errno.OK, receiver.Acquire("org.example.name"));
        Assert.Equal(Errno.OK, sender.Send(receiver.Id, 1).Result);
        var gone = Connect(Everything, Everything);
        Assert.Equal(Errno.OK, gone.Byebye());
        ulong[] handles = [sender.Handle, receiver.Handle, gone.Handle, _world.BusOwner, _world.OpenControl(), _world.Open(_world.Bus.DefaultEndpoint), 999];
        var before = DomainDump.Of(_world.Domain);
        byte[][] messages = [To(receiver.Id), Broadcast, Frame.Of(new KdbusMsg(), Frame.Item(ItemType.DstName, "org.example.name")), []];
        for (var i = 0; i < 20_000; i++)
        {
            var command = Enum.GetValues<Command>()[random.Next(Enum.GetValues<Command>().Length)];
            var frame = new byte[CommandLayout.Of((uint)command)!.FixedSize + random.Next(80)];
            if (random.Next(3) > 0) Scramble(random, frame);
            var message = messages[random.Next(messages.Length)].ToArray();
            if (random.Next(2) == 0) Scramble(random, message);
            if (random.Next(3) == 0) message = message[..random.Next(message.Length + 1)];
            Needs(handles[random.Next(handles.Length)], command, frame, message);
        }

        Assert.Equal(before, DomainDump.Of(_world.Domain));
        Assert.Empty(_world.Domain.Listeners);
    }

    /// <summary>All of it, or a few bytes that may be sizes, types and flags.</summary>
    private static void Scramble(Random random, byte[] bytes)
    {
        if (bytes.Length == 0) return;
        if (random.Next(3) == 0) random.NextBytes(bytes);
        for (var count = random.Next(4); count > 0; count--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
    }

    private static byte[] To(ulong destination) => Frame.Of(new KdbusMsg { DstId = destination, PayloadType = Constants.PayloadDBus });

    private static byte[] Broadcast => Frame.Of(
        new KdbusMsg { DstId = Constants.DstIdBroadcast, Flags = (ulong)MessageFlags.Signal }, Frame.Item(ItemType.BloomFilter, new byte[8 + 64]));

    private static byte[] Hello(AttachFlags send, AttachFlags recv, HelloFlags flags = HelloFlags.None, params ReadOnlySpan<byte[]> items) => Frame.Of(
        new KdbusCmdHello { Flags = (ulong)flags, PoolSize = 4096, AttachFlagsSend = (ulong)send, AttachFlagsRecv = (ulong)recv }, items);

    private TestPeer Connect(AttachFlags send, AttachFlags recv, HelloFlags flags = HelloFlags.None)
    {
        var peer = _world.Connect(flags: flags);
        var items = new[] { Frame.Item(ItemType.AttachFlagsSend, (ulong)send), Frame.Item(ItemType.AttachFlagsRecv, (ulong)recv) };
        Assert.Equal(Errno.OK, _world.Run(peer.Handle, Command.Update, Frame.Of(new KdbusCmd(), items)).Result);
        return peer;
    }

    /// <summary>Sends a message; everything is known about the caller.</summary>
    private Errno Send(ulong handle, ulong destination)
    {
        var call = new Invocation
        {
            Handle = handle, Request = _world.NextRequest(), Ioctl = (uint)Command.Send, Now = _world.Now, Frame = Frame.Of(new KdbusCmdSend()),
            Message = To(destination), Process = new ProcessRecord { Kinds = AttachMask.Process, Details = new ProcessDetails() },
        };
        return _world.Domain.Execute(ref call).Result;
    }

    private CallerNeeds NeedsOf(TestPeer sender, byte[] message, SendFlags flags = SendFlags.None) =>
        Needs(sender.Handle, Command.Send, Frame.Of(new KdbusCmdSend { Flags = (ulong)flags }), message);

    private CallerNeeds Needs(TestPeer peer, Command command, byte[] frame) => Needs(peer.Handle, command, frame);

    private CallerNeeds Needs(ulong handle, Command command, byte[] frame, ReadOnlySpan<byte> message = default)
    {
        var call = new Invocation { Handle = handle, Request = 1, Ioctl = (uint)command, Now = _world.Now, Frame = frame, Message = message };
        return _world.Domain.Needs(call);
    }
}
