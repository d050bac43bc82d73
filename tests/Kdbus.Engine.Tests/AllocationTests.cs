namespace Kdbus.Engine.Tests;

/// <summary>A bus in use makes no garbage: what one message was made of, the next one is made of.</summary>
public sealed class AllocationTests
{
    private const int Times = 100_000;
    private const int TimesBefore = 2_000; // by then all code has run, and all lists are as long as they get
    private const string Name = "org.example.name";

    private readonly TestDomain _world = new();
    private readonly byte[] _send = Frame.Of(new KdbusCmdSend { MsgAddress = 0x10_0000 });
    private readonly byte[] _call = Frame.Of(new KdbusCmdSend { MsgAddress = 0x10_0000, Flags = (ulong)SendFlags.SyncReply });
    private readonly byte[] _recv = Frame.Of(default(KdbusCmdRecv));
    private readonly byte[] _free = Frame.Of(default(KdbusCmdFree));
    private readonly byte[] _payload = new byte[64];
    private ulong _cookie;

    [Theory]
    [CombinatorialBooleans(2)]
    public void Messages(bool toName, bool isRemote)
    {
        var (sender, receiver) = (Connect(), Connect(isWritable: toName));
        if (toName) Acquire(receiver);
        var message = Message(new KdbusMsg { DstId = toName ? Constants.DstIdName : receiver.Id }, toName ? [Frame.Item(ItemType.DstName, Name)] : []);
        AssertMakesNoGarbage(() =>
        {
            Send(sender, _send, message, isRemote);
            if (_world.Domain.Poll(receiver.Handle) != PollState.Readable) throw new InvalidOperationException("There is nothing to read.");
            Take(receiver);
        });
    }

    [Fact]
    public void Messages_in_a_long_queue()
    {
        var (sender, receiver) = (Connect(), Connect());
        var message = Message(new KdbusMsg { DstId = receiver.Id });
        var read = new ulong[40];
        AssertMakesNoGarbage(() =>
        {
            for (var i = 0; i < read.Length; i++) Send(sender, _send, message);
            for (var i = 0; i < read.Length; i++) read[i] = Receive(receiver);
            for (var i = 0; i < read.Length; i++) Free(receiver, read[i * 7 % read.Length]); // in another order
        });
    }

    [Fact]
    public void Messages_that_are_received_by_priority()
    {
        var (sender, receiver) = (Connect(), Connect());
        var message = Message(new KdbusMsg { DstId = receiver.Id });
        Frame.As<KdbusCmdRecv>(_recv).Flags = (ulong)RecvFlags.UsePriority;
        AssertMakesNoGarbage(() =>
        {
            for (var i = 0; i < 20; i++)
            {
                Frame.As<KdbusMsg>(message).Priority = -i % 7;
                Send(sender, _send, message);
            }

            for (var i = 0; i < 20; i++) Take(receiver);
        });
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void Requests_and_replies(bool isRemote)
    {
        var (client, service) = (Connect(), Connect());
        var (request, reply) = (Message(Request(service)), Message(new KdbusMsg { DstId = client.Id }));
        AssertMakesNoGarbage(() =>
        {
            Number(request, reply);
            Send(client, _send, request, isRemote);
            Take(service);
            Send(service, _send, reply, isRemote);
            Take(client);
        });
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void Synchronous_calls(bool isRemote)
    {
        var (client, service) = (Connect(), Connect());
        var (request, reply) = (Message(Request(service)), Message(new KdbusMsg { DstId = client.Id }));
        AssertMakesNoGarbage(() =>
        {
            Number(request, reply);
            Send(client, _call, request, isRemote);
            Take(service);
            Send(service, _send, reply, isRemote);
            Free(client, _world.Effects.Completions[0].Reply.Offset);
        });
    }

    [Fact]
    public void Calls_that_are_interrupted_and_repeated()
    {
        var (client, service) = (Connect(), Connect());
        var (request, reply) = (Message(Request(service)), Message(new KdbusMsg { DstId = client.Id }));
        AssertMakesNoGarbage(() =>
        {
            Number(request, reply);
            Send(client, _call, request);
            _world.Domain.Interrupt(_world.LastRequest);
            Take(service);
            Send(service, _send, reply);
            Send(client, _call, request);
            Free(client, Frame.As<KdbusCmdSend>(_call).Reply.Offset);
        });
    }

    [Fact]
    public void Requests_that_are_dropped_or_late()
    {
        var (client, service) = (Connect(), Connect());
        var request = Message(Request(service));
        AssertMakesNoGarbage(() =>
        {
            Number(request, request);
            Send(client, _send, request);
            Frame.As<KdbusCmdRecv>(_recv).Flags = (ulong)RecvFlags.Drop;
            Run(service, Command.Recv, _recv);
            Frame.As<KdbusCmdRecv>(_recv).Flags = 0;
            Take(client);

            Send(client, _send, request);
            _world.Wait(2 * TestDomain.Second);
            Take(client);
            Take(service);
            Frame.As<KdbusMsg>(request).TimeoutNs = _world.Now.Monotonic + TestDomain.Second;
        });
    }

    [Theory]
    [CombinatorialBooleans(2)]
    public void Signals(bool hasMonitor, bool isRemote)
    {
        var sender = Connect();
        Acquire(sender);
        var listeners = new TestPeer[20];
        for (var i = 0; i < listeners.Length; i++) listeners[i] = Connect();
        foreach (var listener in listeners)
        {
            Assert.Equal(Errno.OK, listener.MatchAll());
            Assert.Equal(Errno.OK, _world.Run(listener.Handle, Command.MatchAdd, Frame.Of(new KdbusCmdMatch { Cookie = 2 }, Frame.Item(ItemType.Name, Name))).Result);
        }

        if (hasMonitor) listeners = [.. listeners, Connect(HelloFlags.Monitor)];
        var signal = Message(
            new KdbusMsg { DstId = Constants.DstIdBroadcast, Flags = (ulong)MessageFlags.Signal },
            Frame.Item(ItemType.BloomFilter, new byte[8 + 64]));
        AssertMakesNoGarbage(() =>
        {
            Send(sender, _send, signal, isRemote);
            foreach (var listener in listeners) Take(listener);
        });
    }

    /// <summary>Policy is asked for everybody who is not privileged.</summary>
    [Fact]
    public void Messages_that_policy_allows()
    {
        var receiver = Connect();
        Acquire(receiver);
        var holder = Frame.Of(
            new KdbusCmdHello { Flags = (ulong)HelloFlags.PolicyHolder, PoolSize = 4096 },
            Frame.Item(ItemType.Name, Name),
            Frame.Item(ItemType.PolicyAccess, new KdbusPolicyAccess { Type = (ulong)PolicyAccessType.World, Access = (ulong)PolicyAccessLevel.Talk }));
        Assert.Equal(Errno.OK, _world.Run(_world.Open(_world.Bus.DefaultEndpoint), Command.Hello, holder, pool: new PoolMemory(4096)).Result);
        var sender = Connect(uid: 2000);
        var message = Message(new KdbusMsg { DstId = receiver.Id });
        AssertMakesNoGarbage(() =>
        {
            Send(sender, _send, message);
            Take(receiver);
        });
    }

    private void AssertMakesNoGarbage(Action step)
    {
        Repeat(step, TimesBefore);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Repeat(step, Times);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void Repeat(Action step, int times)
    {
        for (var i = 0; i < times; i++)
        {
            step();
            _world.Effects.Clear();
        }
    }

    private TestPeer Connect(HelloFlags flags = 0, bool isWritable = false, uint uid = TestDomain.Uid) =>
        _world.Connect(uid, flags: flags, isPoolWritable: isWritable, attach: (ulong)AttachFlags.Names | (ulong)AttachFlags.Timestamp);

    private static void Acquire(TestPeer peer) => Assert.Equal(Errno.OK, peer.Acquire(Name));

    private KdbusMsg Request(TestPeer service) =>
        new() { DstId = service.Id, Flags = (ulong)MessageFlags.ExpectReply, TimeoutNs = _world.Now.Monotonic + TestDomain.Second };

    private byte[] Message(KdbusMsg header, params byte[][] items)
    {
        header.PayloadType = Constants.PayloadDBus;
        return Frame.Of(header, [Frame.Item(ItemType.PayloadVec, new KdbusVec { Size = (ulong)_payload.Length, Address = 0x1000 }), .. items]);
    }

    private void Number(byte[] request, byte[] reply)
    {
        Frame.As<KdbusMsg>(request).Cookie = ++_cookie;
        Frame.As<KdbusMsg>(reply).CookieReply = _cookie;
    }

    private void Send(TestPeer sender, byte[] frame, byte[] message, bool isRemote = false)
    {
        var call = InvocationOf(sender, Command.Send, frame, message, isRemote);
        var outcome = _world.Domain.Execute(ref call);
        if (isRemote)
        {
            var transfer = outcome.Transfer!;
            transfer.FillAll(message, _payload);
            outcome = _world.Domain.Commit(ref call, outcome, Errno.OK);
            transfer.End();
        }

        if (outcome.Result != Errno.OK) throw new InvalidOperationException($"SEND failed with {outcome.Result}.");
    }

    private void Take(TestPeer receiver) => Free(receiver, Receive(receiver));

    private ulong Receive(TestPeer receiver)
    {
        Run(receiver, Command.Recv, _recv);
        return Frame.As<KdbusCmdRecv>(_recv).Msg.Offset;
    }

    private void Free(TestPeer receiver, ulong offset)
    {
        Frame.As<KdbusCmdFree>(_free).Offset = offset;
        Run(receiver, Command.Free, _free);
    }

    private void Run(TestPeer peer, Command command, byte[] frame)
    {
        var call = InvocationOf(peer, command, frame, []);
        var outcome = _world.Domain.Execute(ref call);
        if (outcome.Result != Errno.OK) throw new InvalidOperationException($"{command} failed with {outcome.Result}.");
    }

    private Invocation InvocationOf(TestPeer peer, Command command, byte[] frame, byte[] message, bool isRemote = false) => new()
    {
        Handle = peer.Handle,
        Request = _world.NextRequest(),
        Ioctl = (uint)command,
        Caller = TestDomain.CallerOf(peer.Uid),
        Now = _world.Now,
        Frame = frame,
        Message = message,
        Payload = message.Length == 0 || isRemote ? default : _payload,
        PayloadPlace = isRemote ? PayloadPlace.Remote : PayloadPlace.Here,
    };
}
