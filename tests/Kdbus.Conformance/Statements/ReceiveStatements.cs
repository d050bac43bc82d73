namespace Kdbus.Conformance.Statements;

/// <summary>RECV: taking, peeking, dropping, and urgency.</summary>
public class ReceiveStatements
{
    [Theory, Worlds]
    public void RCV_01_an_empty_queue_is_EAGAIN_and_says_so_in_full(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Received received = a.Recv();
        Assert.Equal((Errno.EAGAIN, 0UL, 0UL), (received.Result, received.Command.ReturnFlags, received.Command.DroppedMsgs));
        Assert.Equal((a.PoolSize, 0UL, 0UL), (received.Command.Msg.Offset, received.Command.Msg.MsgSize, received.Command.Msg.ReturnFlags));
        Assert.Equal(Errno.EAGAIN, a.Recv(RecvFlags.Peek).Result);
        Assert.Equal(Errno.EAGAIN, a.Recv(RecvFlags.Drop).Result);
        Assert.Equal(Errno.EAGAIN, a.Recv(RecvFlags.UsePriority, long.MaxValue).Result);
    }

    [Theory, Worlds]
    public void RCV_02_a_message_may_be_peeked_at_again(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("look"u8)));
        ReceivedMessage first = a.Receive(RecvFlags.Peek);
        ReceivedMessage second = a.Receive(RecvFlags.Peek);
        Assert.Equal(first.Offset, second.Offset);
        Assert.Equal("look"u8, second.Payload);
        Assert.Equal("look"u8, a.Receive(RecvFlags.Peek | RecvFlags.UsePriority).Payload);
    }

    [Theory, Worlds]
    public void RCV_03_what_was_peeked_at_is_received_at_the_same_place_and_freed_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        ulong offset = a.Receive(RecvFlags.Peek).Offset;
        Assert.Equal(offset, a.Receive().Offset);
        Assert.Equal(Errno.OK, a.Free(offset));
        Assert.Equal(Errno.ENXIO, a.Free(offset));
    }

    [Theory, Worlds]
    public void RCV_05_freeing_what_was_peeked_at_does_not_take_it_out_of_the_queue(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("stays"u8)));
        ulong offset = a.Receive(RecvFlags.Peek).Offset;
        Assert.Equal(Errno.OK, a.Free(offset));
        Assert.Equal(Errno.ENXIO, a.Free(offset));

        // Nobody else may have been given the place.
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("other"u8)));
        ReceivedMessage message = a.Receive();
        Assert.Equal(offset, message.Offset);
        Assert.Equal("stays"u8, message.Payload);
        Assert.Equal(Errno.OK, a.Free(offset));
        Assert.Equal("other"u8, a.Receive().Payload);
    }

    [Theory, Worlds]
    public void RCV_06_drop_throws_the_oldest_message_away(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(1)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(2)));
        Received dropped = a.Recv(RecvFlags.Drop);
        Assert.Equal((Errno.OK, a.PoolSize, 0UL, 0UL), (
            dropped.Result, dropped.Command.Msg.Offset, dropped.Command.Msg.MsgSize, dropped.Command.Msg.ReturnFlags));
        Assert.Equal(2UL, a.Receive().Header.Cookie);
        a.HasNothing();
        Assert.Equal(Errno.ENXIO, a.Free(0));
    }

    [Theory, Worlds]
    public void RCV_06_peek_with_drop_is_drop(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        Received dropped = a.Recv(RecvFlags.Drop | RecvFlags.Peek);
        Assert.Equal((Errno.OK, a.PoolSize), (dropped.Result, dropped.Command.Msg.Offset));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void RCV_07_drop_with_a_priority_is_EINVAL_and_drops_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EINVAL, a.Recv(RecvFlags.Drop | RecvFlags.UsePriority, long.MaxValue).Result);
        a.Receive();
    }

    [Theory, Worlds]
    public void RCV_08_a_priority_asks_for_the_most_urgent_message(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(-600, SendFourPriorities(scene).Receive(RecvFlags.UsePriority, -200).Header.Priority);
    }

    [Theory, Worlds]
    public void RCV_09_less_urgent_messages_than_asked_for_are_not_there(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = SendFourPriorities(scene);
        a.Receive(RecvFlags.UsePriority, -200);
        Received none = a.Recv(RecvFlags.UsePriority, -400);
        Assert.Equal((Errno.EAGAIN, a.PoolSize), (none.Result, none.Command.Msg.Offset));
        Assert.Equal(-35, a.Receive(RecvFlags.UsePriority, 10).Header.Priority);
        Assert.Equal(Errno.EAGAIN, a.Recv(RecvFlags.UsePriority, 9).Result);
        Assert.Equal(10, a.Receive(RecvFlags.UsePriority, 10).Header.Priority);
    }

    [Theory, Worlds]
    public void RCV_10_without_a_priority_the_oldest_message_comes_first(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = SendFourPriorities(scene);
        a.Receive(RecvFlags.UsePriority, -200);
        a.Receive(RecvFlags.UsePriority, 10);
        Assert.Equal(25, a.Receive().Header.Priority);
        Assert.Equal(10, a.Receive().Header.Priority);
        a.HasNothing();
    }

    [Theory, Worlds]
    public void RCV_10_messages_of_one_priority_keep_their_order(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        for (ulong i = 0; i < 30; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(i).Priority((long)(i % 3) - 1)));
        ulong[] order = [.. Enumerable.Range(0, 30).Select(_ => a.Receive(RecvFlags.UsePriority, long.MaxValue).Header.Cookie)];
        Assert.Equal(Enumerable.Range(0, 30).Select(static i => (ulong)i).OrderBy(static i => i % 3).ToArray(), order);
    }

    [Theory, Worlds]
    public void RCV_11_a_policy_holder_receives_and_frees_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello("a.b"));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Recv().Result);
        Assert.Equal(Errno.EOPNOTSUPP, holder.Free(0));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Free(holder.PoolSize));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Handle.RunOnGarbage(Command.Recv));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Handle.RunOnGarbage(Command.Free));
    }


    [Theory, Worlds]
    public void RCV_12_dropping_a_request_tells_the_requester(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).ExpectReply(44, a.Deadline(60_000))));
        Assert.Equal(Errno.OK, b.Recv(RecvFlags.Drop).Result);
        ReceivedMessage notice = a.Receive();
        Assert.Equal(ItemType.ReplyDead, Assert.Single(notice.Items).Type);
        Assert.Equal((0UL, a.Id, 44UL), (notice.Header.SrcId, notice.Header.DstId, notice.Header.CookieReply));
        a.HasNothing();
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(44)));
    }

    [Theory, Worlds]
    public void RCV_13_dropping_a_synchronous_request_ends_the_call(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(45, a.Deadline(60_000)));
        b.AwaitReadable();
        Assert.Equal(Errno.OK, b.Recv(RecvFlags.Drop).Result);
        Assert.Equal(Errno.EPIPE, call.Result());
        a.HasNothing();
    }

    [Theory, Worlds]
    public void RCV_14_what_was_peeked_at_stays_in_the_pool_when_it_is_dropped(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("seen"u8)));
        ReceivedMessage seen = a.Receive(RecvFlags.Peek);
        Assert.Equal(Errno.OK, a.Recv(RecvFlags.Drop).Result);
        a.HasNothing();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("next"u8)));
        Assert.NotEqual(seen.Offset, a.Receive().Offset);
        Assert.Equal("seen"u8, a.Message(new KdbusMsgInfo { Offset = seen.Offset, MsgSize = (ulong)seen.SliceSize }).Payload);
        Assert.Equal(Errno.OK, a.Free(seen.Offset));
        Assert.Equal(Errno.ENXIO, a.Free(seen.Offset));
    }

    [Theory, Worlds]
    public void RCV_15_the_number_of_lost_messages_is_told_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        b.Matches(static m => m.Id());
        Lose(a, 3);
        b.HasNothingAndLost(3);
        b.HasNothingAndLost(0);

        // A RECV that gives a message tells it too, be it a look or a throwing away.
        foreach (RecvFlags flags in (RecvFlags[])[RecvFlags.None, RecvFlags.Peek, RecvFlags.Drop, RecvFlags.UsePriority])
        {
            Lose(a, 2);
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
            Received received = b.Recv(flags);
            Assert.Equal((flags, Errno.OK, 2UL, RecvReturnFlags.DroppedMsgs), (
                flags, received.Result, received.Command.DroppedMsgs, (RecvReturnFlags)received.Command.ReturnFlags));
            Assert.Equal(Errno.OK, b.Free(received.Command.Msg.Offset));
            if (flags == RecvFlags.Peek)
                b.ReceiveAndFree();
            b.HasNothingAndLost(0);
        }
    }

    [Theory, Worlds]
    public void RCV_16_a_RECV_that_is_refused_keeps_the_number_of_lost_messages(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        b.Matches(static m => m.Id());
        Lose(a, 3);
        Assert.Equal(Errno.EINVAL, b.Recv(RecvFlags.Drop | RecvFlags.UsePriority).Result);
        Assert.Equal(Errno.EINVAL, b.Recv((RecvFlags)0x100).Result);
        b.HasNothingAndLost(3);
    }

    // Broadcasts for which a pool of one page has no room.
    private static void Lose(Peer sender, int count)
    {
        for (int i = 0; i < count; i++)
            Assert.Equal(Errno.OK, sender.Broadcast(static m => m.Vec(new byte[2000])));
    }

    private static Peer SendFourPriorities(Scene scene)
    {
        Peer a = scene.Connect();
        foreach (long priority in (long[])[25, -600, 10, -35])
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Priority(priority)));
        return a;
    }
}
