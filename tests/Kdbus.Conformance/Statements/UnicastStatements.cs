namespace Kdbus.Conformance.Statements;

/// <summary>Messages to one connection: finding it, and what it sees.</summary>
[AlsoByExchange]
public class UnicastStatements
{
    [Theory, Worlds]
    public void UNI_01_an_id_nobody_has_is_ENXIO(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(a.Id + 1000)));
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(ulong.MaxValue - 1)));
        TestBus other = TestBus.Make(scene.World, scene.Process, "0-other");
        Peer elsewhere = Peer.Hello(other.Open(scene.Process));
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(elsewhere.Id)));
        elsewhere.HasNothing();
    }

    [Theory, Worlds]
    public void UNI_01_only_an_ordinary_connection_is_reached_by_id(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer holder = scene.Connect(Peer.PolicyHolderHello("a.a"));
        Peer[] others = [scene.Connect(Peer.ActivatorHello("a.b")), scene.Connect(Peer.MonitorHello())];
        foreach (Peer special in (Peer[])[holder, .. others])
            Assert.Equal(Errno.ENXIO, a.Send(m => m.To(special.Id)));
        foreach (Peer special in others)
            special.HasNothingAndLost(0);
    }


    [Theory, Worlds]
    public void UNI_02_the_id_of_a_connection_that_has_ended_is_ENXIO(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer left = scene.Connect();
        Peer closed = scene.Connect();
        Peer exited = scene.Connect();
        Assert.Equal(Errno.OK, left.Byebye());
        closed.Close();
        Assert.Equal(0, exited.Process.Exit());
        foreach (Peer gone in (Peer[])[left, closed, exited])
            Assert.Equal(Errno.ENXIO, a.Send(m => m.To(gone.Id)));
    }

    [Theory, Worlds]
    public void UNI_03_a_name_nobody_has_registered_is_ESRCH(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.ESRCH, a.Send(m => m.To(0).Text(ItemType.DstName, "a.b")));
        Assert.Equal(Errno.ESRCH, a.Send(m => m.To(a.Id).Text(ItemType.DstName, "a.b")));
    }

    [Theory, Worlds]
    public void UNI_04_a_name_with_an_id_means_that_owner_and_no_other(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Owns("a.b");
        Assert.Equal(Errno.OK, a.Send(m => m.ToName("a.b", b.Id).Cookie(1)));
        Assert.Equal(Errno.EREMCHG, a.Send(m => m.ToName("a.b", a.Id).Cookie(2)));
        Assert.Equal(Errno.EREMCHG, a.Send(m => m.ToName("a.b", b.Id + 1000).Cookie(2)));
        b.GivesUp("a.b");
        a.Owns("a.b");
        Assert.Equal(Errno.EREMCHG, a.Send(m => m.ToName("a.b", b.Id).Cookie(2)));
        ReceivedMessage message = b.Receive();
        Assert.Equal((1UL, b.Id, "a.b"), (message.Header.Cookie, message.Header.DstId, message.DestinationName));
        b.HasNothing();
        a.HasNothing();
    }

    [Theory, Worlds]
    public void UNI_05_a_message_by_name_shows_the_name_and_no_id(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Owns("com.example.Service");
        b.Owns("a.b");
        Assert.Equal(Errno.OK, a.Send(static m => m.Vec("x"u8).ToName("com.example.Service").Vec("yz"u8)));
        ReceivedMessage message = b.Receive();
        Assert.Equal((a.Id, 0UL), (message.Header.SrcId, message.Header.DstId));
        Assert.Equal([ItemType.DstName, ItemType.PayloadOff, ItemType.PayloadOff], message.Items.Select(static i => i.Type).ToArray());
        Assert.Equal("com.example.Service", message.DestinationName);
        Assert.Equal("xyz"u8, message.Payload);
    }


    [Theory, Worlds]
    public void UNI_06_a_message_by_id_shows_the_receivers_id_and_no_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec("x"u8)));
        ReceivedMessage message = b.Receive();
        Assert.Equal(b.Id, message.Header.DstId);
        Assert.Equal([ItemType.PayloadOff], message.Items.Select(static i => i.Type).ToArray());
    }

    [Theory, Worlds]
    public void UNI_07_the_receiver_sees_what_the_sender_wrote_and_who_he_is(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(0xc00c1e).Priority(-77).PayloadType(0x1234).Flags(MessageFlags.NoAutoStart)));
        KdbusMsg header = b.Receive().Header;
        Assert.Equal((a.Id, b.Id, 0xc00c1eUL, -77L), (header.SrcId, header.DstId, header.Cookie, header.Priority));
        Assert.Equal((0x1234UL, (ulong)MessageFlags.NoAutoStart, 0UL, 64UL), (header.PayloadType, header.Flags, header.CookieReply, header.Size));

        long deadline = a.Deadline(60_000);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).ExpectReply(3, deadline)));
        header = b.Receive().Header;
        Assert.Equal(((ulong)MessageFlags.ExpectReply, (ulong)deadline), (header.Flags, header.TimeoutNs));
    }

    [Theory, Worlds]
    public void UNI_08_a_connection_may_send_to_itself(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("to myself"u8)));
        ReceivedMessage message = a.Receive();
        Assert.Equal("to myself"u8, message.Payload);
        Assert.Equal((a.Id, a.Id), (message.Header.SrcId, message.Header.DstId));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void UNI_09_payload_of_any_size_arrives_at_the_message_plus_its_offset(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Random random = new(9);
        foreach (int size in (int[])[1, 7, 8, 9, 63, 512, 4095, 4096, 4097, 16_384, 65_537, 1_000_003])
        {
            byte[] payload = new byte[size];
            random.NextBytes(payload);
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(payload)));
            ReceivedMessage message = b.Receive();
            KdbusVec piece = Assert.Single(message.Pieces);
            Assert.Equal(((ulong)size, 96UL), (piece.Size, piece.Offset));
            Assert.Equal(payload, b.Pool(message.Offset + piece.Offset, piece.Size));
            Assert.Equal(96 + size + 7 & ~7, message.SliceSize);
            b.Free(message);
        }
    }

    [Theory, Worlds]
    public void UNI_10_each_vec_becomes_an_item_and_their_bytes_follow_each_other(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("abc"u8).Vec("defgh"u8)));
        ReceivedMessage message = a.Receive();
        Assert.Equal([3UL, 5UL], message.Pieces.Select(static p => p.Size).ToArray());
        Assert.Equal(message.Pieces[0].Offset + 3, message.Pieces[1].Offset);
        Assert.Equal("abcdefgh"u8, message.Payload);
    }

    [Theory, Worlds]
    public void UNI_11_zeros_that_lie_nowhere_arrive_as_such(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).NullVec(13)));
        ReceivedMessage message = a.Receive();
        KdbusVec piece = Assert.Single(message.Pieces);
        Assert.Equal((13UL, Constants.OffsetNone), (piece.Size, piece.Offset));
        Assert.Equal(64 + 32 + 8, message.SliceSize);
        Assert.Equal(new byte[13], message.Payload);
    }

    [Theory, Worlds]
    public void UNI_12_bytes_behind_zeros_keep_their_alignment(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("12345"u8).NullVec(3).Vec("abcdefgh"u8)));
        ReceivedMessage message = a.Receive();
        Assert.Equal(message.Pieces[0].Offset + 8, message.Pieces[2].Offset);
        Assert.Equal("12345\0\0\0abcdefgh"u8, message.Payload);
        Assert.Equal("\0\0\0"u8, a.Pool(message.Offset + message.Pieces[0].Offset + 5, 3));
    }

    [Theory, Worlds, NotByExchange]
    public void UNI_12_padding_shows_nothing_of_earlier_messages(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        byte[] secret = new byte[4096];
        Array.Fill(secret, (byte)0xee);
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec(secret)));
        a.ReceiveAndFree();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("12345"u8).NullVec(7).Vec("x"u8)));
        ReceivedMessage message = a.Receive();
        Assert.Equal(0UL, message.Offset);
        Assert.Equal("12345\0\0\0\0\0\0\0x\0\0\0"u8, a.Pool(message.Pieces[0].Offset, 16));
    }

    [Theory, Worlds]
    public void UNI_19_a_message_may_refuse_to_start_who_is_not_there(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.EADDRNOTAVAIL, a.Send(static m => m.ToName("a.b").Flags(MessageFlags.NoAutoStart)));
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, activator.Handle.Poll());
        Assert.Equal(Errno.ESRCH, a.Send(static m => m.ToName("a.c").Flags(MessageFlags.NoAutoStart)));
        Assert.Equal(Errno.EREMCHG, a.Send(m => m.ToName("a.b", a.Id).Flags(MessageFlags.NoAutoStart)));
        b.Owns("a.b");
        Assert.Equal(Errno.OK, a.Send(static m => m.ToName("a.b").Flags(MessageFlags.NoAutoStart)));
        Assert.Equal((ulong)MessageFlags.NoAutoStart, b.Receive().Header.Flags);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Flags(MessageFlags.NoAutoStart)));
    }


    [Theory, Worlds]
    public void UNI_20_a_user_without_policy_cannot_talk_to_another_user(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id).ExpectReply(1, user.Deadline(60_000))));
        Assert.Equal(Errno.EPERM, user.Call(m => m.To(a.Id).ExpectReply(2, user.Deadline(60_000))).Result());
        a.HasNothing();
    }

    [Theory, Worlds]
    public void UNI_21_the_owner_of_the_bus_may_talk_to_everybody(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.OK, a.Send(m => m.To(user.Id).Vec("hello"u8)));
        Assert.Equal("hello"u8, user.Receive().Payload);
    }

    [Theory, Worlds]
    public void UNI_22_connections_of_one_user_may_talk_and_those_of_two_may_not(WorldKind world)
    {
        using Scene scene = new(world);
        Peer first = scene.ConnectAs(Scene.User);
        Peer second = scene.ConnectAs(Scene.User);
        Peer other = scene.ConnectAs(Scene.OtherUser);
        Assert.Equal(Errno.OK, first.Send(m => m.To(second.Id).Cookie(1)));
        Assert.Equal(1UL, second.Receive().Header.Cookie);
        Assert.Equal(Errno.EPERM, first.Send(m => m.To(other.Id)));
        Assert.Equal(Errno.EPERM, other.Send(m => m.To(first.Id)));
        other.HasNothing();
        first.HasNothing();
    }

    [Theory, Worlds]
    public void UNI_23_messages_of_one_sender_keep_their_order(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (ulong i = 1; i <= 200; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(i)));
        for (ulong i = 1; i <= 200; i++)
            Assert.Equal(i, b.ReceiveAndFree().Header.Cookie);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void UNI_24_many_senders_at_once_lose_nothing_and_mix_nothing_up(WorldKind world)
    {
        const int Senders = 4, Messages = 150;
        using Scene scene = new(world);
        Peer receiver = scene.Connect(Peer.HelloCommand(poolSize: 1 << 20));
        Peer[] senders = [.. Enumerable.Range(0, Senders).Select(_ => scene.Connect())];
        Task[] sending = [.. senders.Select(sender => Task.Run(() => SendAll(sender)))];
        Dictionary<ulong, ulong> last = senders.ToDictionary(static s => s.Id, static _ => 0UL);
        for (int i = 0; i < Senders * Messages; i++)
        {
            receiver.AwaitReadable();
            ReceivedMessage message = receiver.ReceiveAndFree();
            (ulong sender, ulong cookie) = (message.Header.SrcId, message.Header.Cookie);
            Assert.Equal(last[sender] + 1, cookie);
            last[sender] = cookie;
            Assert.Equal(PayloadOf(sender, cookie), message.Payload);
        }
        receiver.HasNothing();
        Assert.All(sending, static task => Pending.Await(task.ContinueWith(static t => t.IsCompletedSuccessfully), "a sender"));

        void SendAll(Peer sender)
        {
            for (ulong cookie = 1; cookie <= Messages; cookie++)
            {
                byte[] payload = PayloadOf(sender.Id, cookie);
                Errno result;
                while ((result = sender.Send(m => m.To(receiver.Id).Cookie(cookie).Vec(payload))) is Errno.ENOBUFS or Errno.EXFULL)
                    Thread.Sleep(1);
                Assert.Equal(Errno.OK, result);
            }
        }

        static byte[] PayloadOf(ulong sender, ulong cookie)
        {
            byte[] payload = new byte[1 + (sender * 7919 + cookie * 104729) % 20_000];
            new Random((int)(sender * 1000 + cookie)).NextBytes(payload);
            return payload;
        }
    }
}
