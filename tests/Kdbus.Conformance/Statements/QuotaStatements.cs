namespace Kdbus.Conformance.Statements;

/// <summary>What one user may leave in the queue and pool of another connection.</summary>
[AlsoByExchange]
public class QuotaStatements
{
    /// <summary>Bytes of a slice with one vec, without those of the vec.</summary>
    private const int SliceOverhead = 64 + 32;

    [Theory, Worlds]
    public void QUO_01_a_user_has_at_most_256_messages_in_a_queue(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Fill(a, b);
        b.ReceiveAndFree();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.ENOBUFS, a.Send(m => m.To(b.Id)));
    }

    [Theory, Worlds]
    public void QUO_02_a_queue_full_for_one_user_is_open_to_another(WorldKind world)
    {
        using Scene scene = new(world);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer root = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        Fill(root, receiver);
        Assert.Equal(Errno.OK, user.Send(m => m.To(receiver.Id)));
        Assert.Equal(Errno.ENOBUFS, root.Send(m => m.To(receiver.Id)));
    }

    [Theory, Worlds]
    public void QUO_03_connections_of_one_user_share_the_number(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();
        for (int i = 0; i < 128; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
            Assert.Equal(Errno.OK, c.Send(m => m.To(b.Id)));
        }
        Assert.Equal(Errno.ENOBUFS, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.ENOBUFS, c.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, c.Send(m => m.To(a.Id)));
    }

    [Theory, Worlds]
    public void QUO_04_a_user_has_a_third_of_half_the_pool(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();
        const int Large = 2 << 20;
        const int Budget = (16 << 20) / 2 / 3;
        ulong room = a.Process.Scratch.Allocate(Large);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(room, Large)));
        Assert.Equal(Errno.ENOBUFS, a.Send(m => m.To(b.Id).Vec(room, Large)));

        // To the byte, and another connection of the same user has nothing of its own.
        const int Rest = (Budget - (Large + SliceOverhead) - SliceOverhead) & ~7;
        byte[] data = new byte[Rest + 1];
        Assert.Equal(Errno.ENOBUFS, c.Send(m => m.To(b.Id).Vec(data)));
        Assert.Equal(Errno.OK, c.Send(m => m.To(b.Id).Vec(data.AsSpan(0, Rest))));
        Assert.Equal(Errno.ENOBUFS, c.Send(m => m.To(b.Id)));
        b.Receive();
        Assert.Equal(Errno.OK, c.Send(m => m.To(b.Id)));
    }

    [Theory, Worlds]
    public void QUO_04_another_user_has_a_third_of_what_is_left(WorldKind world)
    {
        using Scene scene = new(world);
        Peer receiver = scene.ConnectAs(Scene.User, Peer.HelloCommand(poolSize: 1 << 20));
        Peer root = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        const int First = 100_000;
        Assert.Equal(Errno.OK, root.Send(m => m.To(receiver.Id).Vec(new byte[First])));
        const int Budget = ((1 << 19) - (First + SliceOverhead)) / 3;
        const int Most = (Budget - SliceOverhead) & ~7;
        Assert.Equal(Errno.ENOBUFS, user.Send(m => m.To(receiver.Id).Vec(new byte[Most + 1])));
        Assert.Equal(Errno.OK, user.Send(m => m.To(receiver.Id).Vec(new byte[Most])));
    }

    [Theory, Worlds]
    public void QUO_05_a_pool_full_of_unfreed_slices_is_EXFULL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 65536));
        const int Slice = 8192;
        byte[] data = new byte[Slice - SliceOverhead];
        for (int i = 0; i < 65536 / Slice; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(data)));
            Assert.Equal((ulong)(i * Slice), b.Receive().Offset);
        }
        // What finds no place is not charged either, however often it is tried.
        for (int i = 0; i < 300; i++)
            Assert.Equal(Errno.EXFULL, a.Send(m => m.To(b.Id)));
        b.HasNothing();
        Assert.Equal(Errno.OK, b.Free(3 * Slice));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(data)));
        Assert.Equal(3UL * Slice, b.Receive().Offset);
    }

    [Theory, Worlds]
    public void QUO_08_a_connection_has_at_most_128_open_requests(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        OpenRequests(a, b, a.Deadline(600_000));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));

        // One that was received and is answered is over; that it was received is not enough, nor that it was peeked at.
        b.Receive(RecvFlags.Peek);
        Assert.Equal(Errno.EMLINK, Request(a, b, 500, a.Deadline(600_000)));
        Assert.Equal(1UL, b.ReceiveAndFree().Header.Cookie);
        Assert.Equal(Errno.EMLINK, Request(a, b, 500, a.Deadline(600_000)));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(1)));
        Assert.Equal(Errno.OK, Request(a, b, 500, a.Deadline(600_000)));
        Assert.Equal(Errno.EMLINK, Request(a, b, 501, a.Deadline(600_000)));
    }

    [Theory, Worlds]
    public void QUO_08_a_request_that_could_not_be_sent_is_not_open(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 65536));
        ulong nowhere = a.Process.Scratch.Nowhere();
        byte[] large = new byte[65536];
        for (ulong i = 1; i <= 129; i++)
        {
            long deadline = a.Deadline(600_000);
            Assert.Equal(Errno.EFAULT, a.Send(m => m.To(b.Id).ExpectReply(i, deadline).Vec(nowhere, 8)));
            Assert.Equal(Errno.EFAULT, a.Send(m => m.To(b.Id).ExpectReply(i, deadline).Vec(nowhere, 10_000)));
            Assert.Equal(Errno.ENOBUFS, a.Send(m => m.To(b.Id).ExpectReply(i, deadline).Vec(large)));
            Assert.Equal(Errno.ENXIO, a.Send(m => m.To(b.Id + 1000).ExpectReply(i, deadline)));
        }
        Assert.Equal(Errno.OK, Request(a, b, 1, a.Deadline(600_000)));
    }

    /// <summary>A payload too large to be taken in with the message is copied once its place is reserved, and the copy may fail.</summary>
    [Theory, Worlds, NotByExchange]
    public void QUO_08_a_request_whose_large_payload_cannot_be_copied_is_not_open(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ulong nowhere = a.Process.Scratch.Nowhere();
        for (ulong i = 1; i <= 300; i++)
            Assert.Equal(Errno.EFAULT, a.Send(m => m.To(b.Id).ExpectReply(i, a.Deadline(600_000)).Vec(nowhere, 1 << 20)));
        b.HasNothing();
        Assert.Equal(Errno.OK, Request(a, b, 1, a.Deadline(600_000)));
        Assert.Equal(0UL, b.Receive().Offset);
    }

    [Theory, Worlds]
    public void QUO_09_a_unicast_message_that_finds_no_room_is_not_counted_as_dropped(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Fill(a, b);
        Received received = b.Recv();
        Assert.Equal((Errno.OK, 0UL, 0UL), (received.Result, received.Command.DroppedMsgs, received.Command.ReturnFlags));
    }

    [Theory, Worlds]
    public void QUO_10_notifications_have_a_budget_of_their_own(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.NameAdd());
        b.Matches(static m => m.NameRemove());
        for (int i = 0; i < 128; i++)
        {
            a.Owns("a.b");
            a.GivesUp("a.b");
        }
        Fill(a, b);
        a.Owns("a.b");
        a.GivesUp("a.b");
        Assert.Equal(2UL, b.Recv().Command.DroppedMsgs);
        Assert.Equal(511, b.ReceiveAll().Count);
        b.HasNothingAndLost(0);
        a.Owns("a.b");
        Assert.Equal(Notification.NameAdd(a.Id, 0, "a.b"), b.ReceiveNotification());
    }

    [Theory, Worlds]
    public void QUO_10_ids_that_come_and_go_do_not_keep_users_from_sending(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.IdAdd());
        b.Matches(static m => m.IdRemove());
        for (int i = 0; i < 129; i++)
            scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 4096)).Close();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(2UL, b.Recv().Command.DroppedMsgs);
        Assert.Equal(256, b.ReceiveAll().Count);
    }

    [Theory, Worlds]
    public void QUO_11_the_users_of_a_custom_endpoint_share_one_budget(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = TalkableOnEndpoint(scene);
        Peer root = scene.ConnectAt("0-e");
        Peer user = scene.ConnectAt(scene.SpawnAs(Scene.User), "0-e");
        for (int i = 0; i < 128; i++)
        {
            Assert.Equal(Errno.OK, root.Send(m => m.To(b.Id)));
            Assert.Equal(Errno.OK, user.Send(m => m.To(b.Id)));
        }
        Assert.Equal(Errno.ENOBUFS, root.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.ENOBUFS, user.Send(m => m.To(b.Id)));
        b.ReceiveAndFree();
        Assert.Equal(Errno.OK, user.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.ENOBUFS, root.Send(m => m.To(b.Id)));
    }

    [Theory, Worlds]
    public void QUO_12_a_custom_endpoint_is_charged_apart_from_its_users(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = TalkableOnEndpoint(scene);
        Peer inside = scene.ConnectAt("0-e");
        Peer outside = scene.Connect();
        Fill(inside, b);
        Fill(outside, b);
        Assert.Equal(512, b.ReceiveAll().Count);
    }


    [Theory, Worlds]
    public void QUO_13_what_was_received_is_no_longer_charged(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ulong room = a.Process.Scratch.Allocate(2 << 20);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(room, 2 << 20)));
            Assert.Equal(Errno.ENOBUFS, a.Send(m => m.To(b.Id).Vec(room, 2 << 20)));
            b.Receive();
        }
    }

    [Theory, Worlds]
    public void QUO_14_requests_that_nobody_reads_keep_their_slots_beyond_their_deadlines(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        OpenRequests(a, b, a.Deadline(50));
        for (int i = 0; i < 128; i++)
            Assert.Equal(ItemType.ReplyTimeout, Assert.Single(a.AwaitMessage().Items).Type);
        Assert.Equal(Errno.EMLINK, Request(a, b, 500, a.Deadline(600_000)));
        b.ReceiveAndFree();
        Assert.Equal(Errno.OK, Request(a, b, 500, a.Deadline(600_000)));
        Assert.Equal(Errno.EMLINK, Request(a, b, 501, a.Deadline(600_000)));
        Assert.Equal(Errno.OK, b.Recv(RecvFlags.Drop).Result);
        Assert.Equal(Errno.OK, Request(a, b, 501, a.Deadline(600_000)));
    }

    [Theory, Worlds]
    public void QUO_15_what_is_moved_is_charged_where_it_comes_to_and_not_where_it_was(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("x.y"));
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 1 << 20));
        byte[] payload = Payload.Random(1, 131 << 10);
        for (ulong i = 1; i <= 20; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.ToName("x.y").Cookie(i).Vec(payload)));
        b.Owns("x.y");
        Assert.Equal(Errno.ENOBUFS, a.Send(m => m.ToName("x.y").Vec(payload)));
        activator.HasNothingAndLost(0);
        Received peeked = b.Recv(RecvFlags.Peek);
        Assert.Equal((Errno.OK, 19UL), (peeked.Result, peeked.Command.DroppedMsgs));
        Assert.Equal(Errno.OK, b.Free(peeked.Command.Msg.Offset));
        b.GivesUp("x.y");
        b.HasNothingAndLost(0);

        // The activator has all its room again.
        for (ulong i = 2; i <= 20; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.ToName("x.y").Cookie(i).Vec(payload)));
        IReadOnlyList<ReceivedMessage> back = activator.ReceiveAll();
        Assert.Equal(Enumerable.Range(1, 20).Select(static i => (ulong)i), back.Select(static m => m.Header.Cookie));
        Assert.Equal(payload, back[0].Payload);
    }

    // A connection that everybody on the custom endpoint `0-e` may talk to.
    private static Peer TalkableOnEndpoint(Scene scene)
    {
        Handle owner = scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Assert.Equal(Errno.OK, owner.UpdateEndpoint(static p => p.Name("a.b").World(PolicyAccessLevel.Talk)));
        scene.Connect(Peer.PolicyHolderHello("a.b", static p => p.World(PolicyAccessLevel.Talk)));
        Peer peer = scene.Connect();
        peer.Owns("a.b");
        return peer;
    }

    private static void Fill(Peer sender, Peer receiver)
    {
        for (int i = 0; i < 256; i++)
            Assert.Equal((i, Errno.OK), (i, sender.Send(m => m.To(receiver.Id))));
        Assert.Equal(Errno.ENOBUFS, sender.Send(m => m.To(receiver.Id)));
    }

    private static void OpenRequests(Peer requester, Peer answerer, long deadline)
    {
        for (ulong i = 1; i <= 128; i++)
            Assert.Equal((i, Errno.OK), (i, Request(requester, answerer, i, deadline)));
        Assert.Equal(Errno.EMLINK, Request(requester, answerer, 129, deadline));
    }

    private static Errno Request(Peer requester, Peer answerer, ulong cookie, long deadline) =>
        requester.Send(m => m.To(answerer.Id).ExpectReply(cookie, deadline));
}
