namespace Kdbus.Conformance.Statements;

/// <summary>BYEBYE: leaving without loss.</summary>
[AlsoByExchange]
public class ByebyeStatements
{
    [Theory, Worlds]
    public void BYE_01_a_connection_leaves_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Byebye());
        Assert.Equal(Errno.ECONNRESET, a.Byebye());
        Assert.Equal(Errno.ECONNRESET, a.Recv().Result);
        Assert.Equal(Errno.ECONNRESET, a.Handle.Run(Command.Hello, Peer.HelloCommand()).Result);
    }

    [Theory, Worlds]
    public void BYE_02_a_connection_with_messages_is_busy(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EBUSY, a.Byebye());
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        a.Receive();
        Assert.Equal(Errno.EBUSY, a.Byebye());
        a.Receive();
        Assert.Equal(Errno.OK, a.Byebye());
    }

    [Theory, Worlds]
    public void BYE_03_only_an_ordinary_connection_says_byebye(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (WireStruct hello in (WireStruct[])[Peer.MonitorHello(), Peer.ActivatorHello("a.b"), Peer.PolicyHolderHello("a.c")])
        {
            Peer special = scene.Connect(hello);
            Assert.Equal(Errno.EOPNOTSUPP, special.Byebye());
            Assert.Equal(Errno.EOPNOTSUPP, special.Handle.RunOnGarbage(Command.Byebye));
            Assert.Equal(Errno.OK, special.ConnInfo(a.Id).Result);
        }
    }

    [Theory, Worlds]
    public void BYE_04_who_has_left_cannot_be_reached(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, b.Byebye());
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.ENXIO, a.ConnInfo(b.Id).Result);
    }

    [Theory, Worlds, NotByExchange]
    public void BYE_05_who_has_left_polls_as_an_error_and_can_still_map_his_pool(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("kept"u8)));
        ReceivedMessage message = a.Receive();
        Assert.Equal(Errno.OK, a.Byebye());
        Assert.Equal(PollEvents.Err | PollEvents.Hup, a.Handle.Poll());
        long again = a.Process.Map(4096, Protection.Read, MapFlags.Shared, a.Handle.Descriptor, 0);
        Assert.True(again > 0);
        ulong at = (ulong)again + message.Offset + message.Pieces[0].Offset;
        Assert.Equal("kept"u8, a.Process.Scratch.Read(at, 4));
    }

    [Theory, Worlds]
    public void BYE_06_leaving_ends_the_call_of_another_thread(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(1, a.Deadline(60_000)));
        b.AwaitReadable();
        Assert.Equal(Errno.OK, a.Byebye());
        Assert.Equal(Errno.ECONNRESET, call.Result());
        b.Receive();
        Assert.Equal(Errno.ENXIO, b.Send(m => m.To(a.Id).Answers(1)));
    }

    [Theory, Worlds]
    public void BYE_07_what_was_received_does_not_keep_a_connection_busy(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        a.Receive();
        Assert.Equal(Errno.OK, a.Byebye());
    }

    [Theory, Worlds]
    public void BYE_08_the_names_of_who_has_left_are_free_and_he_waits_for_none(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        a.Owns("a.a");
        b.Owns("a.b");
        a.WaitsFor("a.b");
        c.WaitsFor("a.a");
        Assert.Equal(Errno.OK, a.Byebye());
        Assert.Equal(c.Id, b.OwnerOf("a.a"));
        Assert.Empty(b.Listed(ListFlags.Queued));
        b.GivesUp("a.b");
        c.Owns("a.b");
        Assert.Equal(Errno.ECONNRESET, a.Acquire("a.c"));
        Assert.Equal(Errno.ECONNRESET, a.Release("a.a"));
    }

    [Theory, Worlds]
    public void BYE_08_lost_messages_keep_nobody_from_leaving(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        b.Matches(static m => m.Id());
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Vec(new byte[2000])));
        Assert.Equal(PollEvents.In, b.Handle.Poll() & PollEvents.In);
        Assert.Equal(Errno.OK, b.Byebye());
    }

    /// <summary>Whichever process has the last descriptor, and whether it closes it or ends.</summary>
    [Theory, Worlds]
    public void BYE_09_the_effects_of_the_last_close_are_complete_when_it_returns(WorldKind world)
    {
        using Scene scene = new(world);
        Peer watcher = scene.Connect();
        watcher.MatchesEverything();
        Peer user = scene.ConnectAs(Scene.User);
        watcher.ReceiveAll();
        for (int round = 0; round < 12; round++)
        {
            Peer peer = scene.Connect();
            Peer holder = scene.Connect(Peer.PolicyHolderHello("a.b", static p => p.World(PolicyAccessLevel.Own)));
            peer.Process.Fork(out IProcess? child);
            holder.Process.Fork(out IProcess? holderChild);
            peer.Owns("a.b");
            watcher.ReceiveAll();
            peer.Close();
            holder.Close();
            watcher.HasNothing();
            Assert.Equal(Errno.EEXIST, user.Acquire("a.b"));

            End(peer.In(child!), round % 2 == 0);
            Assert.Equal([Notification.NameRemove(peer.Id, 0, "a.b"), Notification.IdRemove(peer.Id)], watcher.Notifications());
            Assert.Equal(Errno.ENXIO, watcher.Send(m => m.To(peer.Id)));
            user.Owns("a.b");
            user.GivesUp("a.b");
            watcher.ReceiveAll();

            End(holder.In(holderChild!), round % 4 < 2);
            Assert.Equal(Errno.EPERM, user.Acquire("a.b"));
            Assert.Equal([Notification.IdRemove(holder.Id, HelloFlags.PolicyHolder)], watcher.Notifications());
        }

        static void End(Peer peer, bool close)
        {
            if (close)
                peer.Close();
            else
                Assert.Equal(0, peer.Process.Exit());
        }
    }

    [Theory, Worlds]
    public void BYE_09_the_effects_of_an_exit_are_complete_when_it_can_be_seen(WorldKind world)
    {
        using Scene scene = new(world);
        for (int round = 0; round < 20; round++)
        {
            IProcess owner = scene.World.Spawn();
            TestBus bus = TestBus.Make(scene.World, owner, "0-short");
            Peer stays = Peer.Hello(bus.Open(scene.World.Spawn()));
            Peer goes = Peer.Hello(bus.Open(scene.World.Spawn()));
            Assert.Equal(Errno.OK, stays.Send(m => m.To(goes.Id).ExpectReply(5, stays.Deadline(600_000))));
            Assert.Equal(0, goes.Process.Exit());
            Assert.Equal((ItemType.ReplyDead, 5UL), (stays.Receive().Items[0].Type, 5UL));
            Assert.Equal(Errno.ENXIO, stays.Send(m => m.To(goes.Id)));
            Assert.Equal(0, owner.Exit());
            Assert.Equal(Errno.ECONNRESET, stays.Recv().Result);
            Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(bus.Path, out _));
            stays.Process.Exit();
        }
    }
}
