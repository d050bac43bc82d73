namespace Kdbus.Conformance.Statements;

/// <summary>EXCHANGE that receives what is there.</summary>
public class ExchangeReceiveStatements
{
    private const int Record = 24;

    [Theory, Worlds]
    public void XCH_20_a_message_comes_as_RECV_would_have_shown_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)(AttachFlags.All & ~AttachFlags.Timestamp)));
        a.Owns("a.name");
        for (int size = 1; size < 60; size += 7)
        {
            Action<OutgoingMessage> build = m => m.To(b.Id).Cookie(3).Vec(Payload.Random(size, size)).NullVec(5).Vec("end"u8);
            Assert.Equal(Errno.OK, a.Send(build));
            Assert.Equal(Errno.OK, a.Send(build));
            Arrival arrival = b.Exchange().Receives().AtMost(1).Succeeds().Arrival;
            Assert.Equal((true, 0UL), (arrival.IsInline, arrival.Info.ReturnFlags));
            ReceivedMessage inPool = b.Receive();
            Assert.Equal(b.Pool(inPool.Offset, (ulong)inPool.SliceSize), arrival.Bytes);
            b.Free(inPool);
        }
    }

    [Theory, Worlds]
    public void XCH_20_what_comes_inline_takes_no_room_in_the_pool(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(poolSize: 1 << 14));
        for (int i = 0; i < 100; i++)
        {
            Exchanged done = a.Exchange().Sends(a, 1, new byte[1000]).Receives().Succeeds();
            Assert.True(done.Arrival.IsInline);
        }
    }

    [Theory, Worlds]
    public void XCH_21_as_many_come_as_fit_and_the_rest_stays(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (ulong cookie = 1; cookie <= 7; cookie++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(cookie).Vec(new byte[8])));
        // A slice is a header, a vec and 8 bytes.
        int each = Record + 64 + 32 + 8;
        Assert.Equal([1UL, 2UL, 3UL], b.Exchange().Room(Exchange.Header + 3 * each).Receives().Succeeds().Cookies);
        Assert.Equal([4UL, 5UL], b.Exchange().Room(Exchange.Header + 3 * each - 1).Receives().Succeeds().Cookies);
        Assert.Equal([6UL, 7UL], b.Exchange().Receives().Succeeds().Cookies);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_21_no_more_come_than_are_wanted(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        for (ulong cookie = 1; cookie <= 5; cookie++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(cookie)));
        Assert.Equal([1UL], a.Exchange().Receives().AtMost(1).Succeeds().Cookies);
        Assert.Equal([2UL, 3UL], a.Exchange().Receives().AtMost(2).Succeeds().Cookies);
        Assert.Equal([4UL, 5UL], a.Exchange().Receives().AtMost(uint.MaxValue).Succeeds().Cookies);
    }

    [Theory, Worlds]
    public void XCH_22_urgent_messages_come_by_their_urgency(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (long priority in (long[])[5, -3, 0, 9, -3])
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Priority(priority)));
        Assert.Equal([-3L, -3L, 0L], a.Exchange().Receives().Urgent(0).Succeeds().Messages.Select(static m => m.Header.Priority));
        Assert.Empty(a.Exchange().Receives().Urgent(0).Succeeds().Messages);
        Assert.Equal([5L, 9L], a.Exchange().Receives().Succeeds().Messages.Select(static m => m.Header.Priority));
    }

    [Theory, Worlds]
    public void XCH_23_a_message_that_does_not_fit_stays_in_the_pool_and_is_the_only_one(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        byte[] large = Payload.Random(1, 50_000);
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(1)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(2).Vec(large)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(3)));
        Assert.Equal([1UL], a.Exchange().Receives().Succeeds().Cookies);
        Exchanged second = a.Exchange().Receives().Succeeds();
        Assert.Equal((false, 2UL), (second.Arrival.IsInline, second.Message.Header.Cookie));
        Assert.Equal(large, second.Message.Payload);
        ulong offset = second.Arrival.Info.Offset;
        Assert.Equal([3UL], a.Exchange().Frees(offset).Receives().Succeeds().Cookies);
        Assert.Equal(Errno.ENXIO, a.Free(offset));
    }

    [Theory, Worlds]
    public void XCH_23_it_may_be_given_back_by_FREE(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec(new byte[200])));
        Exchanged done = a.Exchange().Room(Exchange.Header + Record).Receives().Succeeds();
        Assert.False(done.Arrival.IsInline);
        Assert.Equal(Errno.OK, a.Free(done.Message.Offset));
        Assert.Equal(Errno.ENXIO, a.Free(done.Message.Offset));
    }

    [Theory, Worlds]
    public void XCH_24_slices_are_given_back_in_order_until_one_is_not_ours(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ulong[] offsets = new ulong[4];
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
            offsets[i] = a.Receive().Offset;
        }
        Exchanged refused = a.Exchange().Frees(offsets[0], offsets[1], offsets[1], offsets[2]).Sends(a, 9, "not sent"u8).Run();
        Assert.Equal(Errno.ENXIO, refused.Result);
        a.HasNothing();
        Assert.Equal(Errno.ENXIO, a.Free(offsets[0]));
        Assert.Equal(Errno.ENXIO, a.Free(offsets[1]));
        a.Exchange().Frees(offsets[2], offsets[3]).Succeeds();
        Assert.Equal(Errno.ENXIO, a.Exchange().Frees(offsets[3]).Run().Result);
        a.Exchange().Frees().Succeeds();
    }

    [Theory, Worlds]
    public void XCH_25_it_takes_turns_with_RECV(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        for (ulong cookie = 1; cookie <= 4; cookie++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(cookie)));
        Assert.Equal(1UL, a.ReceiveAndFree().Header.Cookie);
        Assert.Equal([2UL, 3UL], a.Exchange().Receives().AtMost(2).Succeeds().Cookies);
        ReceivedMessage peeked = a.Receive(RecvFlags.Peek);
        Assert.Equal(4UL, peeked.Header.Cookie);
        Assert.Equal([4UL], a.Exchange().Receives().Succeeds().Cookies);
        a.HasNothing();
        a.Free(peeked);
    }

    [Theory, Worlds]
    public void XCH_26_what_was_lost_is_told_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        b.MatchesEverything();
        for (int i = 0; i < 2; i++)
            Assert.Equal(Errno.OK, a.Broadcast(static m => m.Vec(new byte[5000])));
        Exchanged told = b.Exchange().Receives(Exchange.Forever).Succeeds();
        Assert.Equal((0U, 2UL, (ulong)RecvReturnFlags.DroppedMsgs), (told.Command.Received, told.Command.DroppedMsgs, told.Command.ReturnFlags));
        told = b.Exchange().Receives().Succeeds();
        Assert.Equal((0UL, 0UL), (told.Command.DroppedMsgs, told.Command.ReturnFlags));
    }

    [Theory, Worlds]
    public void XCH_27_answer_and_next_request_are_one_command(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (ulong cookie = 1; cookie <= 20; cookie++)
        {
            ExchangeCall service = b.Exchange().Receives(Exchange.Forever).Start();
            ExchangeCall call = a.Exchange().Calls().Sends(m => m.To(b.Id).ExpectReply(cookie, a.Deadline(600_000)).Inline("question"u8)).Start();
            Assert.Equal([cookie], service.Succeeds().Cookies);
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(1000 + cookie)));
            Exchanged next = b.Exchange().Sends(m => m.To(a.Id).Answers(cookie).Inline("answer"u8)).Receives(Exchange.Forever).Succeeds();
            Assert.Equal([1000 + cookie], next.Cookies);
            Assert.Equal("answer"u8, call.Succeeds().Message.Payload);
        }
    }

    [Theory, Worlds]
    public void XCH_28_metadata_are_those_of_RECV(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)(AttachFlags.All & ~AttachFlags.Timestamp)));
        scene.LetThrough(AttachFlags.All);
        a.Owns("a.name");
        ExchangeCall waiting = b.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(waiting.StaysBlocked());
        a.Exchange().Sends(b, 1, "x"u8).Succeeds();
        byte[] waitedFor = waiting.Succeeds().Arrival.Bytes;
        a.Exchange().Sends(b, 1, "x"u8).Sends(b, 1, "x"u8).Succeeds();
        byte[] fetched = b.Exchange().Receives().AtMost(1).Succeeds().Arrival.Bytes;
        ReceivedMessage received = b.Receive();
        Assert.Equal(received.Items.Select(static i => (i.Type, i.Payload.Length)), new ReceivedMessage(0, fetched).Items.Select(static i => (i.Type, i.Payload.Length)));
        Assert.Equal(b.Pool(received.Offset, (ulong)received.SliceSize), fetched);
        Assert.Equal(fetched, waitedFor);
        Assert.Contains(ItemType.Creds, received.Items.Select(static i => i.Type));
    }

    [Theory, Worlds]
    public void XCH_29_a_file_in_the_payload_comes_by_value_where_no_socket_is_named(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[] content = Payload.Random(4, 1000);
        int memfd = a.Process.SealedFile(content);
        a.Exchange().Sends(m => m.To(b.Id).Memfd(memfd, 0, 1000)).Succeeds();
        Assert.Equal(content, b.Exchange().Receives().Succeeds().Message.Payload);
        a.Exchange().Sends(m => m.To(b.Id).Memfd(memfd, 8, 500)).Succeeds();
        Exchanged done = b.Exchange().Receives().Item(ItemType.FdSocket, b.Channel.Socket).Succeeds();
        Assert.False(done.Arrival.IsInline);
        Assert.Equal((8UL, 500UL), (Assert.Single(b.Install(done.Arrival.Info).Memfds) is var got ? got.Start : 0, got.Size));
    }

    [Theory, Worlds]
    public void XCH_29_descriptors_that_cannot_come_are_told(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = a.Process.EventFd();
        a.Exchange().Sends(m => m.To(b.Id).Fds(file)).Succeeds();
        Arrival arrival = b.Exchange().Receives().Succeeds().Arrival;
        Assert.Equal(RecvReturnFlags.IncompleteFds, (RecvReturnFlags)arrival.Info.ReturnFlags);
        Assert.Equal([-1], arrival.Message.Fds);
    }
}
