namespace Kdbus.Conformance.Statements;

/// <summary>Monitors: they hear everything and nobody hears of them.</summary>
[AlsoByExchange]
public class MonitorStatements
{
    private const int Large = 1 << 20;

    [Theory, Worlds]
    public void MON_01_a_monitor_has_a_copy_of_every_message(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer[] monitors = [scene.Connect(Peer.MonitorHello()), scene.Connect(Peer.MonitorHello())];
        b.Owns("a.b");
        foreach (Peer monitor in monitors)
            monitor.ReceiveAll();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(5).Priority(-1).Vec("secret"u8).NullVec(5)));
        Assert.Equal(Errno.OK, a.Send(static m => m.ToName("a.b").Cookie(6)));
        foreach (Peer peer in (Peer[])[b, .. monitors])
        {
            ReceivedMessage byId = peer.ReceiveAndFree();
            Assert.Equal((a.Id, b.Id, 5UL, -1L), (byId.Header.SrcId, byId.Header.DstId, byId.Header.Cookie, byId.Header.Priority));
            Assert.Equal("secret\0\0\0\0\0"u8, byId.Payload);
            ReceivedMessage byName = peer.ReceiveAndFree();
            Assert.Equal((0UL, "a.b", 6UL), (byName.Header.DstId, byName.DestinationName, byName.Header.Cookie));
            peer.HasNothingAndLost(0);
        }
    }

    [Theory, Worlds]
    public void MON_02_a_monitor_has_a_broadcast_that_nobody_receives(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Cookie(3)));
        ReceivedMessage message = monitor.Receive();
        Assert.Equal((a.Id, Constants.DstIdBroadcast, 3UL), (message.Header.SrcId, message.Header.DstId, message.Header.Cookie));
        monitor.HasNothing();
    }

    [Theory, Worlds]
    public void MON_03_a_monitor_has_a_signal_that_its_receiver_does_not_match(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Assert.Equal(Errno.OK, a.Signal(m => m.To(b.Id).Cookie(3)));
        b.HasNothing();
        Assert.Equal((b.Id, 3UL), (monitor.Receive(RecvFlags.Peek).Header.DstId, monitor.Receive().Header.Cookie));
        monitor.HasNothing();
    }

    [Theory, Worlds]
    public void MON_04_a_monitor_has_nothing_of_what_was_refused(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id).Answers(4)));
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(a.Id + 1000)));
        Assert.Equal(Errno.ENXIO, a.Signal(m => m.To(a.Id + 1000)));
        Assert.Equal(Errno.ESRCH, a.Send(static m => m.ToName("a.b")));
        Assert.Equal(Errno.EBADMSG, a.Send(static m => m.To(Constants.DstIdBroadcast)));
        Assert.Equal(Errno.ETIMEDOUT, a.SendInFull(m => m.To(user.Id).ExpectReply(1, 1), SendFlags.SyncReply).Result);
        monitor.HasNothingAndLost(0);
    }

    [Theory, Worlds, NotByExchange]
    public void MON_05_a_monitor_has_what_the_receiver_had_no_room_for(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Peer monitor = scene.Connect(Peer.MonitorHello());
        foreach (int size in (int[])[2000, Large])
        {
            byte[] payload = Payload.Random(size, size);
            Assert.Equal(Errno.ENOBUFS, a.Send(m => m.To(small.Id).Vec(payload)));
            Assert.Equal(payload, monitor.ReceiveAndFree().Payload);
        }

        // The same where the pool is full of what was not freed.
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(small.Id).Vec(new byte[512 - 96])));
            small.Receive();
            monitor.ReceiveAndFree();
        }
        Assert.Equal(Errno.EXFULL, a.Send(m => m.To(small.Id).Cookie(77)));
        Assert.Equal(77UL, monitor.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void MON_07_a_monitor_has_every_notification_without_a_match(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Peer b = scene.Connect();
        b.Owns("a.b", NameFlags.AllowReplacement);
        a.Owns("a.b", NameFlags.ReplaceExisting);
        a.GivesUp("a.b");
        Assert.Equal(
            [
                Notification.IdAdd(b.Id),
                Notification.NameAdd(b.Id, NameFlags.AllowReplacement, "a.b"),
                Notification.NameChange(b.Id, NameFlags.AllowReplacement, a.Id, NameFlags.ReplaceExisting, "a.b"),
                Notification.NameRemove(a.Id, NameFlags.ReplaceExisting, "a.b"),
            ],
            monitor.Notifications());

        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000))));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).ExpectReply(8, 1)));
        Assert.Equal(Notification.ReplyTimeout, a.AwaitMessage().Notification);
        b.Close();
        Assert.Equal([7, 8], (ulong[])[monitor.ReceiveAndFree().Header.Cookie, monitor.ReceiveAndFree().Header.Cookie]);
        ReceivedMessage timeout = monitor.ReceiveAndFree();
        Assert.Equal((Notification.ReplyTimeout, a.Id, 8UL), (timeout.Notification, timeout.Header.DstId, timeout.Header.CookieReply));
        ReceivedMessage dead = monitor.ReceiveAndFree();
        Assert.Equal((Notification.ReplyDead, a.Id, 7UL), (dead.Notification, dead.Header.DstId, dead.Header.CookieReply));
        Assert.Equal([Notification.IdRemove(b.Id)], monitor.Notifications());
    }

    [Theory, Worlds]
    public void MON_08_a_monitor_without_room_loses_copies_and_disturbs_nobody(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello(poolSize: 4096));
        Peer other = scene.Connect(Peer.MonitorHello());
        byte[] payload = Payload.Random(1, 3000);
        byte[] large = Payload.Random(2, Large);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(payload)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(large)));
        Assert.Equal(Errno.OK, a.Broadcast(m => m.Vec(payload)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(9)));
        Received received = monitor.Recv();
        Assert.Equal((Errno.OK, 3UL, RecvReturnFlags.DroppedMsgs), (
            received.Result, received.Command.DroppedMsgs, (RecvReturnFlags)received.Command.ReturnFlags));
        Assert.Equal(9UL, monitor.Message(received.Command.Msg).Header.Cookie);
        monitor.HasNothingAndLost(0);
        Assert.Equal([3000, Large, 0], b.ReceiveAll().Select(static m => m.Payload.Length).ToArray());
        Assert.Equal(4, other.ReceiveAll().Count);
    }

    [Theory, Worlds]
    public void MON_08_a_user_has_a_share_of_a_monitors_queue_as_of_any_other(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        Peer monitor = scene.Connect(Peer.MonitorHello());
        for (int i = 0; i < 260; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
            b.ReceiveAndFree();
        }
        Assert.Equal(Errno.OK, user.Send(m => m.To(user.Id).Cookie(500)));
        a.Owns("a.b");
        Assert.Equal(4UL, monitor.Recv().Command.DroppedMsgs);
        IReadOnlyList<ReceivedMessage> rest = monitor.ReceiveAll();
        Assert.Equal(255 + 2, rest.Count);
        Assert.Equal(500UL, rest[^2].Header.Cookie);
        Assert.Equal(Notification.NameAdd(a.Id, 0, "a.b"), rest[^1].Notification);
    }

    [Theory, Worlds]
    public void MON_09_a_monitor_does_nothing_but_receive(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Assert.Equal(Errno.EOPNOTSUPP, monitor.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EOPNOTSUPP, monitor.Acquire("a.b"));
        Assert.Equal(Errno.EOPNOTSUPP, monitor.Release("a.b"));
        Assert.Equal(Errno.EOPNOTSUPP, monitor.AddMatch(static _ => { }));
        Assert.Equal(Errno.EOPNOTSUPP, monitor.RemoveMatch(0));
        Assert.Equal(Errno.EOPNOTSUPP, monitor.Byebye());
        Command[] commands = [Command.Send, Command.NameAcquire, Command.NameRelease, Command.MatchAdd, Command.MatchRemove, Command.Byebye];
        foreach (Command command in commands)
            Assert.Equal((command, Errno.EOPNOTSUPP), (command, monitor.Handle.RunOnGarbage(command)));
        Assert.Equal(Errno.OK, monitor.ConnInfo(a.Id).Result);
        Assert.Single(monitor.Listed(ListFlags.Unique));
    }

    [Theory, Worlds]
    public void MON_10_a_monitor_is_nowhere_to_be_seen(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.MatchesEverything();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Assert.Equal(
            [new ListedConnection(a.Id, HelloFlags.AcceptFd)],
            a.Listed(ListFlags.Unique | ListFlags.Names | ListFlags.Activators | ListFlags.Queued));
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(monitor.Id)));
        Assert.Equal(Errno.OK, a.ConnInfo(monitor.Id).Result);
        monitor.Close();
        Assert.Equal(Errno.ENXIO, a.ConnInfo(monitor.Id).Result);
        a.HasNothing();
    }

    [Theory, Worlds]
    public void MON_11_a_monitor_has_a_call_and_its_reply(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        foreach (int size in (int[])[6, Large])
        {
            byte[] answer = Payload.Random(size, size);
            SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)).Vec("question"u8));
            b.Free(b.AwaitMessage());
            Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec(answer)));
            Assert.Equal(Errno.OK, call.Result());
            Assert.Equal(answer, call.Reply.Payload);
            a.Free(call.Reply);
            ReceivedMessage question = monitor.ReceiveAndFree();
            Assert.Equal("question"u8, question.Payload);
            Assert.Equal((a.Id, b.Id, 7UL, (ulong)MessageFlags.ExpectReply), (
                question.Header.SrcId, question.Header.DstId, question.Header.Cookie, question.Header.Flags));
            ReceivedMessage reply = monitor.ReceiveAndFree();
            Assert.Equal(answer, reply.Payload);
            Assert.Equal((b.Id, a.Id, 7UL), (reply.Header.SrcId, reply.Header.DstId, reply.Header.CookieReply));
            monitor.HasNothingAndLost(0);
        }
    }

    [Theory, Worlds]
    public void MON_12_a_monitor_updates_what_it_wants_to_be_told(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Timestamp));
        Peer monitor = scene.Connect(Peer.MonitorHello(recv: ulong.MaxValue));
        Assert.Equal(ItemType.Timestamp, Copy().Items[^1].Type);
        Assert.Equal(Errno.OK, monitor.Update(send: 0x3fff, recv: 0));
        Assert.Empty(Copy().Items);
        Assert.Equal(Errno.OK, monitor.Update(recv: (ulong)AttachFlags.Timestamp));
        Assert.Equal(ItemType.Timestamp, Assert.Single(Copy().Items).Type);
        Assert.Equal(Errno.EINVAL, monitor.Update(recv: 0x4000));
        Assert.Equal(Errno.EOPNOTSUPP, monitor.Update(static p => p.Name("a.b")));
        Assert.Single(Copy().Items);

        ReceivedMessage Copy()
        {
            Assert.Equal(Errno.OK, a.Broadcast());
            return monitor.ReceiveAndFree();
        }
    }

    [Theory, Worlds]
    public void MON_13_nobody_is_told_that_a_monitor_comes_and_goes(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Matches(static m => m.IdAdd());
        a.Matches(static m => m.IdRemove());
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Peer other = scene.Connect(Peer.MonitorHello());
        monitor.Close();
        a.HasNothing();
        Assert.Equal(Errno.EAGAIN, other.Recv().Result);
        Assert.Equal(0, other.Process.Exit());
        a.HasNothing();
    }

    [Theory, Worlds]
    public void MON_14_a_large_message_arrives_whole_at_its_receiver_and_at_every_monitor(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer[] monitors =
        [
            scene.Connect(Peer.MonitorHello()),
            Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.Endpoint, OpenFlags.ReadOnly), Peer.MonitorHello()),
        ];
        foreach (int size in (int[])[16 << 10, (16 << 10) + 1, Large])
        {
            byte[] payload = Payload.Random(size, size);
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(payload)));
            foreach (Peer peer in (Peer[])[b, .. monitors])
            {
                Assert.Equal(payload, peer.ReceiveAndFree().Payload);
                peer.HasNothingAndLost(0);
            }
        }
    }

    [Theory, Worlds]
    public void MON_15_a_monitor_has_one_copy_of_a_message_that_is_moved(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Assert.Equal(Errno.OK, a.Send(static m => m.ToName("a.b").Cookie(4)));
        b.Owns("a.b");
        Assert.Equal(4UL, b.Receive().Header.Cookie);
        Assert.Equal(4UL, monitor.ReceiveAndFree().Header.Cookie);
        Assert.Equal([Notification.NameChange(activator.Id, NameFlags.Activator, b.Id, 0, "a.b")], monitor.Notifications());
    }

    [Theory, Worlds]
    public void MON_16_a_monitor_has_messages_in_the_order_they_were_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello());
        for (ulong cookie = 1; cookie <= 60; cookie++)
            Assert.Equal(Errno.OK, (cookie % 2 == 0 ? a : b).Send(m => m.To(a.Id).Cookie(cookie).Vec(new byte[cookie % 3 * 20_000 + 1])));
        Assert.Equal(Enumerable.Range(1, 60).Select(static i => (ulong)i), monitor.ReceiveAll().Select(static m => m.Header.Cookie));
    }
}
