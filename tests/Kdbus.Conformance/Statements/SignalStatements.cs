namespace Kdbus.Conformance.Statements;

/// <summary>Signals: to everybody and to one, where there is room and where there is not.</summary>
[AlsoByExchange]
public class SignalStatements
{
    private const int Large = 1 << 20;

    [Theory, Worlds]
    public void BRD_19_a_signal_to_one_connection_is_received_if_it_matches(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        b.Matches(m => m.Id(a.Id));
        c.MatchesEverything();
        c.ReceiveAll();
        Assert.Equal(Errno.OK, a.Signal(m => m.To(b.Id).Cookie(3).Vec("psst"u8)));
        ReceivedMessage message = b.Receive();
        Assert.Equal((a.Id, b.Id, 3UL, (ulong)MessageFlags.Signal), (
            message.Header.SrcId, message.Header.DstId, message.Header.Cookie, message.Header.Flags));
        Assert.Equal("psst"u8, message.Payload);
        c.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_19_a_signal_to_a_name_is_received_if_it_matches(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Owns("a.b");
        b.Matches(static m => m.Id());
        Assert.Equal(Errno.OK, a.Signal(static m => m.ToName("a.b")));
        ReceivedMessage message = b.Receive();
        Assert.Equal((0UL, "a.b"), (message.Header.DstId, message.DestinationName));
        Assert.Equal(Errno.ESRCH, a.Signal(static m => m.ToName("a.c")));
        Assert.Equal(Errno.EREMCHG, a.Signal(m => m.ToName("a.b", a.Id)));
    }

    [Theory, Worlds]
    public void BRD_19_a_signal_to_oneself_is_received_if_it_matches(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Signal(m => m.To(a.Id)));
        a.HasNothing();
        a.Matches(m => m.Id(a.Id));
        Assert.Equal(Errno.OK, a.Signal(m => m.To(a.Id)));
        Assert.Equal(a.Id, a.Receive().Header.SrcId);
    }

    [Theory, Worlds]
    public void BRD_20_a_signal_that_does_not_match_is_dropped_without_a_word(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Signal(m => m.To(b.Id)));
        b.Matches(m => m.Id(b.Id));
        b.Matches(static m => m.BloomMask(Bloom.Everything));
        Assert.Equal(Errno.OK, a.Signal(m => m.To(b.Id)));
        b.HasNothingAndLost(0);
    }

    [Theory, Worlds]
    public void BRD_20_an_activator_never_receives_a_signal(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Signal(static m => m.ToName("a.b")));
        Assert.Equal(Errno.OK, a.Broadcast());
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, activator.Handle.Poll());
        activator.HasNothingAndLost(0);
        Assert.Equal(Errno.EADDRNOTAVAIL, a.Send(static m => m
            .ToName("a.b").Flags(MessageFlags.Signal | MessageFlags.NoAutoStart).BloomFilter(TestBus.BloomSize)));
    }

    [Theory, Worlds]
    public void BRD_21_a_signal_to_nobody_is_ENXIO(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Peer gone = scene.Connect();
        gone.Close();
        Assert.Equal(Errno.ENXIO, a.Signal(m => m.To(a.Id + 1000)));
        Assert.Equal(Errno.ENXIO, a.Signal(m => m.To(gone.Id)));
        Assert.Equal(Errno.ENXIO, a.Signal(m => m.To(monitor.Id)));
    }

    [Theory, Worlds]
    public void BRD_22_a_signal_to_one_connection_that_has_no_room_is_lost_and_not_counted(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.Id());
        for (int i = 0; i < 256; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, a.Signal(m => m.To(b.Id)));
        Received received = b.Recv();
        Assert.Equal((Errno.OK, 0UL, 0UL), (received.Result, received.Command.DroppedMsgs, received.Command.ReturnFlags));
        Assert.Equal(255, b.ReceiveAll().Count);

        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        small.Matches(static m => m.Id());
        Assert.Equal(Errno.OK, a.Signal(m => m.To(small.Id).Vec(new byte[3000])));
        Assert.Equal(Errno.OK, a.Signal(m => m.To(small.Id).Vec(new byte[Large])));
        small.HasNothingAndLost(0);
    }

    [Theory, Worlds]
    public void BRD_23_a_broadcast_for_which_there_is_no_room_is_counted(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer other = scene.Connect();
        b.Matches(static m => m.Id());
        other.Matches(static m => m.Id());
        for (int i = 0; i < 256; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, a.Broadcast());
        Assert.Equal(Errno.OK, a.Broadcast());
        Received received = b.Recv();
        Assert.Equal((Errno.OK, 2UL, RecvReturnFlags.DroppedMsgs), (
            received.Result, received.Command.DroppedMsgs, (RecvReturnFlags)received.Command.ReturnFlags));
        Assert.Equal(0UL, b.Recv().Command.DroppedMsgs);
        Assert.Equal(2, other.ReceiveAll().Count);
    }

    [Theory, Worlds]
    public void BRD_23_a_broadcast_that_does_not_match_is_not_counted(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Vec(new byte[3000])));
        small.Matches(static m => m.BloomMask(Bloom.Everything));
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Vec(new byte[3000])));
        small.HasNothingAndLost(0);
        small.Matches(static m => m.Id());
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Vec(new byte[3000])));
        small.HasNothingAndLost(1);
    }

    [Theory, Worlds]
    public void BRD_35_a_large_broadcast_reaches_everybody_whole(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int[] openings = [OpenFlags.ReadWrite, OpenFlags.ReadOnly, OpenFlags.ReadWrite];
        Peer[] receivers = [.. openings.Select(flags => Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.Endpoint, flags)))];
        foreach (Peer receiver in receivers)
            receiver.Matches(static m => m.Id());
        Peer[] monitors = [scene.Connect(Peer.MonitorHello()), scene.Connect(Peer.MonitorHello())];
        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 65536));
        small.Matches(static m => m.Id());
        foreach (Peer monitor in monitors)
            monitor.ReceiveAll();
        foreach (int size in (int[])[16 << 10, (16 << 10) + 1, 100_000, Large])
        {
            byte[] payload = Payload.Random(size, size);
            Assert.Equal(Errno.OK, a.Broadcast(m => m.Cookie((ulong)size).Vec(payload.AsSpan(0, 5)).NullVec(3).Vec(payload.AsSpan(5))));
            foreach (Peer peer in (Peer[])[.. receivers, .. monitors])
            {
                ReceivedMessage message = peer.ReceiveAndFree();
                Assert.Equal(((ulong)size, a.Id, Constants.DstIdBroadcast), (message.Header.Cookie, message.Header.SrcId, message.Header.DstId));
                Assert.Equal((byte[])[.. payload.AsSpan(0, 5), 0, 0, 0, .. payload.AsSpan(5)], message.Payload);
                peer.HasNothingAndLost(0);
            }
            small.HasNothingAndLost(1);
        }
    }

    [Theory, Worlds]
    public void BRD_35_a_large_signal_to_one_connection_arrives_whole(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        b.Matches(static m => m.Id());
        byte[] payload = Payload.Random(5, Large);
        Assert.Equal(Errno.OK, a.Signal(m => m.To(b.Id).Vec(payload)));
        Assert.Equal(payload, b.Receive().Payload);
        Assert.Equal(payload, monitor.Receive().Payload);
    }

    /// <summary>Whether the sender is told or the receivers lose it: what cannot be read is not received, and spoils nothing else.</summary>
    [Theory, Worlds]
    public void BRD_36_a_broadcast_whose_payload_cannot_be_read_reaches_nobody(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.Id());
        ulong nowhere = a.Process.Scratch.Nowhere();
        foreach (ulong size in (ulong[])[8, Large])
        {
            Errno result = a.Broadcast(m => m.Vec("fine"u8).Vec(nowhere, size));
            Assert.True(result is Errno.EFAULT or Errno.OK, $"{result}");
            Assert.Equal(Errno.EAGAIN, b.Recv().Result);
            Assert.Equal(Errno.OK, a.Broadcast(static m => m.Vec("next"u8)));
            Assert.Equal("next"u8, b.ReceiveAndFree().Payload);
        }
    }

    [Theory, Worlds]
    public void BRD_37_the_copies_of_a_broadcast_have_one_number_and_one_time(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Timestamp));
        WireStruct hello = Peer.HelloCommand(recv: (ulong)AttachFlags.Timestamp);
        Peer[] peers = [scene.Connect(hello), scene.Connect(hello)];
        foreach (Peer peer in peers)
            peer.Matches(static m => m.Id());
        Peer monitor = scene.Connect(Peer.MonitorHello(recv: (ulong)AttachFlags.Timestamp));
        ulong last = 0;
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(Errno.OK, a.Broadcast());
            KdbusTimestamp stamp = StampOf(monitor.ReceiveAndFree());
            Assert.All(peers, peer => Assert.Equal(stamp, StampOf(peer.ReceiveAndFree())));
            Assert.True(stamp.SeqNum > last);
            Assert.InRange(stamp.MonotonicNs, 1UL, (ulong)a.Process.Now());
            last = stamp.SeqNum;
        }
    }

    [Theory, Worlds]
    public void BRD_38_broadcasts_and_messages_of_one_sender_keep_their_order(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.Id());
        for (ulong cookie = 1; cookie <= 60; cookie++)
        {
            byte[] payload = Payload.Random((int)cookie, (int)cookie % 3 * 20_000 + 1);
            Assert.Equal(Errno.OK, (cookie % 4) switch
            {
                0 => a.Send(m => m.To(b.Id).Cookie(cookie).Vec(payload)),
                1 => a.Signal(m => m.To(b.Id).Cookie(cookie).Vec(payload)),
                _ => a.Broadcast(m => m.Cookie(cookie).Vec(payload)),
            });
        }
        Assert.Equal(Enumerable.Range(1, 60).Select(static i => (ulong)i), b.ReceiveAll().Select(static m => m.Header.Cookie));
    }

    private static KdbusTimestamp StampOf(ReceivedMessage message) =>
        message.Items.Single(static i => i.Type == ItemType.Timestamp).As<KdbusTimestamp>();
}
