namespace Kdbus.Conformance.Statements;

/// <summary>BYEBYE: leaving without loss.</summary>
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
    public void BYE_04_who_has_left_cannot_be_reached(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, b.Byebye());
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.ENXIO, a.ConnInfo(b.Id).Result);
    }

    [Theory, Worlds]
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
