namespace Kdbus.Conformance.Statements;

/// <summary>SEND: which messages are refused, and with what.</summary>
public class SendStatements
{
    private const ulong KernelAddress = 0xffff_8000_0000_0000;
    private const ulong Broadcast = Constants.DstIdBroadcast;

    [Theory, Worlds]
    public void SND_01_a_misaligned_message_or_none_is_EFAULT(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ulong message = new OutgoingMessage(a.Process.Scratch).To(a.Id).Place();
        ulong room = a.Process.Scratch.Allocate(128);
        a.Process.Scratch.Write(room + 4, a.Process.Scratch.Read(message, 64));
        Assert.Equal(Errno.EFAULT, SendAt(a, room + 4));
        Assert.Equal(Errno.EFAULT, SendAt(a, a.Process.Scratch.Nowhere()));
        Assert.Equal(Errno.EFAULT, SendAt(a, 0));
        Assert.Equal(Errno.EFAULT, SendAt(a, KernelAddress));

        // The header is there, the items it counts are not.
        byte[] header = a.Process.Scratch.Read(message, 64);
        BitConverter.TryWriteBytes(header, 96UL);
        Assert.Equal(Errno.EFAULT, SendAt(a, a.Process.Scratch.PlaceBeforeNothing(header)));
        a.HasNothing();
        Assert.Equal(Errno.OK, SendAt(a, message));
    }

    [Theory, Worlds]
    public void SND_02_a_message_has_64_to_8192_bytes(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (ulong size in (ulong[])[0, 63, 8193, 8200, ulong.MaxValue])
            Assert.Equal((size, Errno.EINVAL), (size, a.Send(m => m.To(a.Id).Claim(size).Append(new byte[8200]))));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SND_03_payload_type_0_belongs_to_the_bus(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).PayloadType(0)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).PayloadType(5)));
        Assert.Equal(5UL, a.Receive().Header.PayloadType);
    }

    [Theory, Worlds]
    public void SND_04_nobody_sends_in_the_name_of_another(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(b.Id).From(b.Id)));
        b.HasNothing();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).From(0)));
        Assert.Equal(a.Id, b.Receive().Header.SrcId);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).From(a.Id)));
        Assert.Equal(a.Id, b.Receive().Header.SrcId);
    }

    [Theory, Worlds]
    public void SND_05_an_unknown_message_flag_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Flags((MessageFlags)0x8)));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Flags((MessageFlags)(1UL << 40))));
    }

    [Theory, Worlds]
    public void SND_06_a_request_has_a_cookie_and_a_deadline(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).ExpectReply(0, a.Deadline(60_000))));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).ExpectReply(1, 0)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).ExpectReply(1, a.Deadline(60_000))));
    }

    [Theory, Worlds]
    public void SND_07_a_broadcast_cannot_be_a_request(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.ENOTUNIQ, a.Send(m => m.To(Broadcast).ExpectReply(1, a.Deadline(60_000))));
    }

    [Theory, Worlds]
    public void SND_08_a_signal_cannot_be_a_request(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m
            .To(a.Id).ExpectReply(1, a.Deadline(60_000)).Flags(MessageFlags.ExpectReply | MessageFlags.Signal).BloomFilter(TestBus.BloomSize)));
    }

    [Theory, Worlds]
    public void SND_09_to_wait_for_a_reply_one_must_expect_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.SendInFull(m => m.To(a.Id).Cookie(1), SendFlags.SyncReply).Result);
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SND_10_a_signal_cannot_be_a_reply(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Flags(MessageFlags.Signal).Answers(1).BloomFilter(TestBus.BloomSize)));
    }

    [Theory, Worlds]
    public void SND_11_a_message_to_nobody_is_EDESTADDRREQ(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.EDESTADDRREQ, scene.Connect().Send(m => m.To(0)));
    }

    [Theory, Worlds]
    public void SND_12_a_broadcast_has_no_destination_name(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.EBADMSG, scene.Connect().Send(m => m
            .To(Broadcast).Flags(MessageFlags.Signal).BloomFilter(TestBus.BloomSize).Text(ItemType.DstName, "a.b")));
    }

    [Theory, Worlds]
    public void SND_13_a_broadcast_is_a_signal(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.EBADMSG, scene.Connect().Send(m => m.To(Broadcast)));
        Assert.Equal(Errno.EBADMSG, scene.Connect().Send(m => m.To(Broadcast).BloomFilter(TestBus.BloomSize)));
    }

    [Theory, Worlds]
    public void SND_14_a_signal_has_a_bloom_filter_and_nothing_else_has(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EBADMSG, a.Send(m => m.To(Broadcast).Flags(MessageFlags.Signal)));
        Assert.Equal(Errno.EBADMSG, a.Send(m => m.To(a.Id).Flags(MessageFlags.Signal)));
        Assert.Equal(Errno.EBADMSG, a.Send(m => m.To(a.Id).BloomFilter(TestBus.BloomSize)));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SND_15_a_bloom_filter_has_the_size_of_the_bus(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EDOM, a.Send(m => m.To(Broadcast).Flags(MessageFlags.Signal).BloomFilter(56)));
        Assert.Equal(Errno.EDOM, a.Send(m => m.To(Broadcast).Flags(MessageFlags.Signal).BloomFilter(72)));
        Assert.Equal(Errno.EDOM, a.Send(m => m.To(Broadcast).Flags(MessageFlags.Signal).BloomFilter(0)));
    }

    [Theory, Worlds]
    public void SND_16_a_bloom_filter_of_odd_length_is_EFAULT(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EFAULT, a.Send(m => m.To(Broadcast).Flags(MessageFlags.Signal).BloomFilter(60)));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(Broadcast).Flags(MessageFlags.Signal).Item(ItemType.BloomFilter, new byte[7])));
    }

    [Theory, Worlds]
    public void SND_17_filter_and_destination_name_stand_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EEXIST, a.Send(m => m
            .To(Broadcast).Flags(MessageFlags.Signal).BloomFilter(TestBus.BloomSize).BloomFilter(TestBus.BloomSize)));
        Assert.Equal(Errno.EEXIST, a.Send(m => m.To(0).Text(ItemType.DstName, "a.b").Text(ItemType.DstName, "a.b")));
    }

    [Theory, Worlds]
    public void SND_18_a_destination_name_is_a_whole_well_known_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (string name in (string[])["foo", "a.*", ".a.b", "a..b", "a.b.", "a.9b", "", "a.b c"])
            Assert.Equal((name, Errno.EINVAL), (name, a.Send(m => m.To(0).Text(ItemType.DstName, name))));
    }

    [Theory, Worlds]
    public void SND_19_a_payload_of_no_bytes_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).NullVec(0)));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Vec(a.Process.Scratch.Allocate(8), 0)));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Item(ItemType.PayloadVec, new byte[24])));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Item(ItemType.PayloadVec, new byte[8])));
    }

    [Theory, Worlds]
    public void SND_20_a_payload_of_2_MiB_is_carried(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[] payload = new byte[2 << 20];
        new Random(20).NextBytes(payload);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(payload)));
        Assert.True(payload.AsSpan().SequenceEqual(b.Receive().Payload));
    }

    [Theory, Worlds]
    public void SND_21_payload_above_2_MiB_is_EMSGSIZE_zeros_included(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ulong room = a.Process.Scratch.Allocate((2 << 20) + 1);
        Assert.Equal(Errno.EMSGSIZE, a.Send(m => m.To(a.Id).Vec(room, (2 << 20) + 1)));
        Assert.Equal(Errno.EMSGSIZE, a.Send(m => m.To(a.Id).Vec(room, 1 << 20).NullVec((1 << 20) + 1)));
        Assert.Equal(Errno.EMSGSIZE, a.Send(m => m.To(a.Id).NullVec(2 << 20).Vec(room, 1)));
        Assert.Equal(Errno.EMSGSIZE, a.Send(m => m.To(a.Id).NullVec(ulong.MaxValue).NullVec(1)));
        a.HasNothing();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec(room, 1 << 20).NullVec(1 << 20)));
    }

    [Theory, Worlds]
    public void SND_22_payload_that_is_not_the_senders_memory_is_EFAULT(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Scratch scratch = a.Process.Scratch;
        Assert.Equal(Errno.EFAULT, a.Send(m => m.To(a.Id).Vec(KernelAddress, 8)));
        Assert.Equal(Errno.EFAULT, a.Send(m => m.To(a.Id).Vec(ulong.MaxValue - 3, 8)));
        Assert.Equal(Errno.EFAULT, a.Send(m => m.To(a.Id).Vec(scratch.Nowhere(), 8)));
        ulong edge = scratch.PlaceBeforeNothing(new byte[100]);
        Assert.Equal(Errno.EFAULT, a.Send(m => m.To(a.Id).Vec("good"u8).Vec(edge, 101)));
        ulong largeEdge = scratch.PlaceBeforeNothing(new byte[1 << 20]);
        Assert.Equal(Errno.EFAULT, a.Send(m => m.To(a.Id).Vec("good"u8).Vec(largeEdge, (1 << 20) + 1)));
        a.HasNothing();

        // Nothing of the failed ones is left in the pool or in the quota.
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec(edge, 100)));
        Assert.Equal(0UL, a.Receive().Offset);
    }

    [Theory, Worlds]
    public void SND_23_a_message_has_at_most_128_items(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ulong room = a.Process.Scratch.Place([1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.Equal(Errno.E2BIG, a.Send(m => Vecs(m.To(a.Id), 129)));
        Assert.Equal(Errno.OK, a.Send(m => Vecs(m.To(a.Id), 128)));
        ReceivedMessage message = a.Receive();
        Assert.Equal((128, 128), (message.Pieces.Count, message.Payload.Length));

        void Vecs(OutgoingMessage m, int count)
        {
            for (int i = 0; i < count; i++)
                m.Vec(room, 1);
        }
    }

    [Theory, Worlds]
    public void SND_35_items_that_only_the_bus_makes_are_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Item(ItemType.PayloadOff, new KdbusVec { Size = 8 })));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Item(ItemType.Timestamp, new KdbusTimestamp())));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Item(ItemType.IdAdd, new KdbusNotifyIdChange())));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Item((ItemType)0x7777, [])));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SND_35_a_broken_chain_of_items_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (ulong size in (ulong[])[0, 15, 33, 1UL << 33, ulong.MaxValue - 7, ulong.MaxValue])
        {
            byte[] item = new byte[32];
            BitConverter.TryWriteBytes(item, size);
            item[8] = (byte)ItemType.PayloadVec;
            Assert.Equal((size, Errno.EINVAL), (size, a.Send(m => m.To(a.Id).Append(item))));
        }
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Append(new byte[8])));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SND_38_sending_without_waiting_returns_no_reply(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        CommandRun run = a.Handle.Run(Command.Send, a.SendCommand(m => m.To(a.Id)).Set(16, 0x55).Set(32, 0x55).Set(40, 0x55).Set(48, 0x55));
        Assert.Equal(Errno.OK, run.Result);
        KdbusMsgInfo reply = run.As<KdbusCmdSend>().Reply;
        Assert.Equal((0UL, a.PoolSize, 0UL, 0UL), (run.ReturnFlags, reply.Offset, reply.MsgSize, reply.ReturnFlags));
    }

    [Theory, Worlds]
    public void SND_39_a_send_that_fails_leaves_the_reply_untouched(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        WireStruct command = a.SendCommand(m => m.To(0xffff_ffff)).Set(16, 0x55).Set(32, 0x66).Set(40, 0x77).Set(48, 0x88);
        CommandRun run = a.Handle.Run(Command.Send, command);
        Assert.Equal(Errno.ENXIO, run.Result);
        KdbusMsgInfo reply = run.As<KdbusCmdSend>().Reply;
        Assert.Equal((0UL, 0x66UL, 0x77UL, 0x88UL), (run.ReturnFlags, reply.Offset, reply.MsgSize, reply.ReturnFlags));
    }

    private static Errno SendAt(Peer peer, ulong address) =>
        peer.Handle.Run(Command.Send, WireStruct.Of(new KdbusCmdSend { MsgAddress = address })).Result;
}
