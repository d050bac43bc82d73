namespace Kdbus.Conformance.Statements;

/// <summary>EXCHANGE that sends: as many SENDs, in order, until one fails.</summary>
public class ExchangeSendStatements
{
    [Theory, Worlds]
    public void XCH_01_a_message_carried_by_the_command_arrives_as_any_other(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Exchanged done = a.Exchange().Sends(m => m.To(b.Id).Cookie(5).Priority(-2).Inline("carried"u8)).Succeeds();
        Assert.Equal((1U, 0U, 0UL, 0UL, 0UL), (
            done.Sent, done.Command.Received, done.Command.MsgsSize, done.Command.ReturnFlags, done.Command.DroppedMsgs));
        ReceivedMessage message = b.ReceiveAndFree();
        Assert.Equal((a.Id, b.Id, 5UL, -2L), (message.Header.SrcId, message.Header.DstId, message.Header.Cookie, message.Header.Priority));
        Assert.Equal("carried"u8, message.Payload);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_01_nothing_to_do_is_a_success(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(0U, a.Exchange().Room(Exchange.Header).Succeeds().Sent);
        Assert.Equal(0U, a.Exchange().Receives().Succeeds().Command.Received);
    }

    [Theory, Worlds]
    public void XCH_02_many_messages_are_sent_in_their_order(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        Exchange batch = a.Exchange().Room(Exchange.MaxRoom);
        for (ulong cookie = 1; cookie <= 100; cookie++)
            batch.Sends(cookie % 3 == 0 ? c : b, cookie, new byte[(int)cookie % 24 + 1]);
        Assert.Equal(100U, batch.Succeeds().Sent);
        ulong[] all = [.. Enumerable.Range(1, 100).Select(static n => (ulong)n)];
        Assert.Equal(all.Where(static n => n % 3 != 0), b.ReceiveAll().Select(static m => m.Header.Cookie));
        Assert.Equal(all.Where(static n => n % 3 == 0), c.ReceiveAll().Select(static m => m.Header.Cookie));
    }

    [Theory, Worlds]
    public void XCH_03_after_one_that_fails_no_other_is_sent_and_nothing_is_waited_for(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Exchanged done = a.Exchange().Receives(Exchange.Forever)
            .Sends(b, 1, "one"u8).Sends(b, 2, "two"u8).Sends(m => m.To(0xdead).Cookie(3)).Sends(b, 4, "four"u8).Run();
        Assert.Equal((Errno.OK, 2U, Errno.ENXIO, 0U), (done.Result, done.Sent, done.Error, done.Command.Received));
        Assert.Equal([1UL, 2UL], b.ReceiveAll().Select(static m => m.Header.Cookie));
    }

    [Theory, Worlds]
    public void XCH_03_what_is_there_is_received_beside_a_failure(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(9)));
        Exchanged done = a.Exchange().Receives(Exchange.Forever).Sends(static m => m.ToName("no.body")).Run();
        Assert.Equal((Errno.OK, 0U, Errno.ESRCH), (done.Result, done.Sent, done.Error));
        Assert.Equal([9UL], done.Cookies);
    }

    [Theory, Worlds]
    public void XCH_04_pieces_of_all_kinds_make_one_payload(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int memfd = a.Process.SealedFile("memfd"u8);
        Action<OutgoingMessage> build = m => m.To(b.Id).Inline("in"u8).Vec("vec"u8).NullVec(3).Inline("line"u8).Memfd(memfd, 0, 5).Vec("x"u8).Inline("end"u8);
        a.Exchange().Sends(build).Succeeds();
        Assert.Equal(Errno.OK, a.Send(build));
        ReceivedMessage byExchange = b.Receive();
        ReceivedMessage bySend = b.Receive();
        Assert.Equal("invec\0\0\0linememfdxend"u8, byExchange.Payload);
        Assert.Equal(bySend.Payload, byExchange.Payload);
        Assert.Equal(b.Pool(bySend.Offset, (ulong)bySend.SliceSize), b.Pool(byExchange.Offset, (ulong)byExchange.SliceSize));
    }

    [Theory, Worlds]
    public void XCH_04_payload_in_the_callers_memory_may_be_of_any_size(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[][] payloads = [Payload.Random(1, 16_385), "small"u8.ToArray(), Payload.Random(2, 2_000_000), Payload.Random(3, 100)];
        Exchange batch = a.Exchange();
        foreach (byte[] payload in payloads)
            batch.Sends(m => m.To(b.Id).Vec(payload));
        Assert.Equal(4U, batch.Succeeds().Sent);
        foreach (byte[] payload in payloads)
            Assert.True(payload.AsSpan().SequenceEqual(b.ReceiveAndFree().Payload));
    }

    [Theory, Worlds]
    public void XCH_04_payload_that_cannot_be_read_is_EFAULT_for_its_message(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        foreach (ulong size in (ulong[])[8, 100_000])
        {
            Exchanged done = a.Exchange().Sends(b, 1, "good"u8).Sends(m => m.To(b.Id).Vec(a.Process.Scratch.Nowhere(), size)).Run();
            Assert.Equal((Errno.OK, 1U, Errno.EFAULT), (done.Result, done.Sent, done.Error));
            Assert.Equal(1UL, b.ReceiveAndFree().Header.Cookie);
            b.HasNothing();
        }
    }

    [Theory, Worlds]
    public void XCH_05_a_message_of_SEND_may_carry_its_payload_too(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Inline("carried "u8).Vec("and not"u8)));
        Assert.Equal("carried and not"u8, a.Receive().Payload);
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Inline([])));
    }

    [Theory, Worlds]
    public void XCH_06_refusals_are_those_of_SEND(WorldKind world)
    {
        using Scene scene = new(world);
        Peer service = scene.Connect();
        service.Owns("a.service");
        Peer user = scene.ConnectAs(Scene.User);
        Exchanged done = user.Exchange().Sends(m => m.To(service.Id).Inline("x"u8)).Run();
        Assert.Equal((Errno.OK, 0U, Errno.EPERM), (done.Result, done.Sent, done.Error));
        service.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_06_the_first_message_beyond_the_quota_is_ENOBUFS(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (int sent = 0; sent < 250; sent += 50)
        {
            Exchange batch = a.Exchange().Room(Exchange.MaxRoom);
            for (int i = 0; i < 50; i++)
                batch.Sends(m => m.To(b.Id));
            batch.Succeeds();
        }
        Exchange last = a.Exchange();
        for (int i = 0; i < 10; i++)
            last.Sends(m => m.To(b.Id));
        Exchanged done = last.Run();
        Assert.Equal((Errno.OK, 6U, Errno.ENOBUFS), (done.Result, done.Sent, done.Error));
        Assert.Equal(256, b.ReceiveAll().Count);
    }

    [Theory, Worlds]
    public void XCH_07_monitors_see_what_they_see_of_SEND(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Action<OutgoingMessage> build = m => m.To(b.Id).Cookie(3).Inline("seen"u8).NullVec(9);
        a.Exchange().Sends(build).Succeeds();
        Assert.Equal(Errno.OK, a.Send(build));
        ReceivedMessage byExchange = monitor.Receive();
        ReceivedMessage bySend = monitor.Receive();
        Assert.Equal(monitor.Pool(bySend.Offset, (ulong)bySend.SliceSize), monitor.Pool(byExchange.Offset, (ulong)byExchange.SliceSize));
    }

    [Theory, Worlds]
    public void XCH_08_signals_reach_who_matches(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer hears = scene.Connect();
        Peer deaf = scene.Connect();
        hears.MatchesEverything();
        a.Exchange().Sends(static m => m.To(Constants.DstIdBroadcast).Flags(MessageFlags.Signal).BloomFilter(Bloom.Nothing).Inline("signal"u8)).Succeeds();
        Assert.Equal("signal"u8, hears.Exchange().Receives().Succeeds().Message.Payload);
        deaf.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_09_descriptors_travel_in_messages_of_a_batch(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Pipe(out int reader, out int writer));
        a.Exchange().Sends(b, 1, "first"u8).Sends(m => m.To(b.Id).Cookie(2).Inline("with"u8).Fds(reader)).Sends(b, 3, "last"u8).Succeeds();
        Assert.Equal(0, a.Process.Close(reader));
        Exchanged first = b.Exchange().Receives().Item(ItemType.FdSocket, b.Channel.Socket).Succeeds();
        Assert.Equal([1UL], first.Cookies);
        Exchanged second = b.Exchange().Receives().Item(ItemType.FdSocket, b.Channel.Socket).Succeeds();
        Assert.False(second.Arrival.IsInline);
        ReceivedMessage message = b.Install(second.Arrival.Info);
        Assert.Equal("with"u8, message.Payload);
        Assert.Equal(4, a.Process.Write(writer, "pipe"u8));
        byte[] read = new byte[4];
        Assert.Equal(4, b.Process.Read(Assert.Single(message.Fds), read));
        Assert.Equal("pipe"u8, read);
        Assert.Equal([3UL], b.Exchange().Frees(message.Offset).Receives().Succeeds().Cookies);
        Assert.Equal(Errno.ENXIO, b.Free(message.Offset));
    }

    [Theory, Worlds(WorldKind.Memory, WorldKind.Mount)]
    public void XCH_09_signals_to_very_many_are_sent_in_several_turns(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer[] listeners = [.. Enumerable.Range(0, 60).Select(_ => scene.Connect())];
        foreach (Peer listener in listeners)
            listener.MatchesEverything();
        Exchange batch = a.Exchange().Room(Exchange.MaxRoom).Receives(Exchange.Forever);
        for (ulong cookie = 1; cookie <= 100; cookie++)
        {
            ulong number = cookie;
            batch.Sends(m => m.To(Constants.DstIdBroadcast).Cookie(number).Flags(MessageFlags.Signal).BloomFilter(Bloom.Nothing, 0));
        }

        // It would have waited for ever.
        Exchanged first = batch.Run();
        Assert.Equal((Errno.OK, Errno.EAGAIN, 0U), (first.Result, first.Error, first.Command.Received));
        Assert.InRange(first.Command.Sent, 4096U / 60, 99U);

        Exchanged second = batch.GoesOnAfter(first.Command.Sent).Receives().Succeeds();
        Assert.Equal(100U, second.Sent);
        foreach (Peer listener in listeners)
            Assert.Equal(Enumerable.Range(1, 100).Select(static n => (ulong)n), listener.ReceiveAll().Select(static m => m.Header.Cookie));
    }

    [Theory, Worlds]
    public void XCH_10_activators_and_monitors_receive_but_do_not_send(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer activator = scene.Connect(Peer.ActivatorHello("x.y"));
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Assert.Equal(Errno.OK, a.Send(static m => m.ToName("x.y").Cookie(4)));
        foreach (Peer peer in (Peer[])[activator, monitor])
        {
            Exchanged done = peer.Exchange().Receives().Sends(a, 1, "no"u8).Run();
            Assert.Equal((Errno.OK, 0U, Errno.EOPNOTSUPP), (done.Result, done.Sent, done.Error));
            Assert.Equal([4UL], done.Cookies);
        }
        a.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_10_it_is_for_connections_that_can_have_messages(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello("x.y"));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Exchange().Run().Result);
        Peer left = scene.Connect();
        Assert.Equal(Errno.OK, left.Byebye());
        Assert.Equal(Errno.ECONNRESET, left.Exchange().Run().Result);
        uint number = (uint)Command.Exchange | (1024U << 16);
        ulong memory = scene.Process.Scratch.Allocate(1024);
        Assert.Equal(Errno.EBADFD, scene.Bus.Open(scene.Process).Run(number, memory));
        Assert.Equal(Errno.EBADFD, scene.Bus.Owner.Run(number, memory));
        Assert.Equal(Errno.EBADFD, scene.OpenControl().Run(number, memory));
    }
}
