namespace Kdbus.Conformance.Statements;

/// <summary>The pool: mapping it, its slices, and what poll says.</summary>
public class PoolStatements
{
    /// <summary>Bytes of a LIST record of a connection without names.</summary>
    private const int BareRecord = 24;

    /// <summary>The kernel maps the file of a handle without asking the bus; there is just nothing in it before HELLO.</summary>
    [Theory, Worlds]
    public void POO_01_a_mapping_made_before_hello_shows_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        long early = scene.Process.Map(4096, Protection.Read, MapFlags.Shared, endpoint.Descriptor, 0);
        if (early >= 0)
            Assert.Equal(-(int)Errno.EFAULT, scene.Process.Peek((ulong)early, new byte[8]));
        else
            Assert.Equal(-(int)Errno.EBADFD, early);
        Peer a = Peer.Hello(endpoint);
        Assert.Equal(new byte[8], a.Pool(8192, 8));
    }

    [Theory, Worlds]
    public void POO_02_who_opened_for_reading_cannot_map_the_pool_writable(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = Peer.Hello(Handle.Open(scene.Process, scene.Bus.Endpoint, OpenFlags.ReadOnly));
        long mapped = scene.Process.Map(4096, Protection.Read | Protection.Write, MapFlags.Shared, a.Handle.Descriptor, 0);
        Assert.True(mapped is -(int)Errno.EACCES or -(int)Errno.EPERM, $"mmap gave {mapped}");
    }

    /// <summary>Who opened for writing may scribble over his pool, which is his own loss: the bus believes nothing it finds there.</summary>
    [Theory, Worlds]
    public void POO_02_what_a_client_writes_into_its_pool_is_never_believed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 65536));
        long writable = b.Process.Map(b.PoolSize, Protection.Read | Protection.Write, MapFlags.Shared, b.Handle.Descriptor, 0);
        if (writable < 0)
        {
            Assert.Equal(-(int)Errno.EPERM, writable);
            return;
        }
        for (int round = 0; round < 4; round++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(1).Vec("first"u8)));
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(2).Vec("second"u8)));
            byte[] junk = new byte[b.PoolSize];
            Array.Fill(junk, (byte)(0xff - round));
            b.Process.Scratch.Write((ulong)writable, junk);
            Received first = b.Recv();
            Received second = b.Recv();
            Assert.Equal((Errno.OK, Errno.OK), (first.Result, second.Result));
            Assert.Equal((104UL, 104UL), (first.Command.Msg.MsgSize, second.Command.Msg.MsgSize));
            Assert.Equal((Errno.OK, Errno.OK), (b.Free(first.Command.Msg.Offset), b.Free(second.Command.Msg.Offset)));
            b.HasNothing();
        }
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(3).Vec("third"u8)));
        ReceivedMessage third = b.Receive();
        Assert.Equal("third"u8, third.Payload);
        Assert.Equal(0UL, third.Offset);
    }

    [Theory, Worlds]
    public void POO_03_a_mapping_for_reading_cannot_be_made_writable(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = Peer.Hello(Handle.Open(scene.Process, scene.Bus.Endpoint, OpenFlags.ReadOnly));
        Assert.Equal(-(int)Errno.EACCES, scene.Process.Protect(a.PoolAddress, 4096, Protection.Read | Protection.Write));
    }

    [Theory, Worlds]
    public void POO_04_there_is_nothing_behind_the_pool(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 8192));
        long mapped = scene.Process.Map(8192 + 4096, Protection.Read, MapFlags.Shared, a.Handle.Descriptor, 0);
        if (mapped < 0)
        {
            Assert.Equal(-(int)Errno.EFAULT, mapped);
            return;
        }
        Assert.Equal(0, scene.Process.Peek((ulong)mapped, new byte[8192]));
        Assert.Equal(-(int)Errno.EFAULT, scene.Process.Peek((ulong)mapped + 8192, new byte[1]));
    }

    [Theory, Worlds]
    public void POO_05_what_is_received_lies_in_the_mapping_at_its_offset(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 1 << 20));
        byte[] payload = Bytes(100_000);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(payload)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec("another"u8)));
        ReceivedMessage first = b.Receive();
        ReceivedMessage second = b.Receive();
        Assert.Equal(payload, first.Payload);
        Assert.Equal("another"u8, second.Payload);
        Assert.True(second.Offset >= first.Offset + (ulong)first.SliceSize);

        // A part of the pool can be mapped too.
        long part = b.Process.Map(4096, Protection.Read, MapFlags.Shared, b.Handle.Descriptor, 8192);
        Assert.Equal(b.Pool(8192, 4096), b.Process.Scratch.Read((ulong)part, 4096));
    }

    [Theory, Worlds]
    public void POO_06_free_of_what_was_never_given_out_is_ENXIO(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.ENXIO, a.Free(0));
        Assert.Equal(Errno.ENXIO, a.Free(a.PoolSize + 1));
        Assert.Equal(Errno.ENXIO, a.Free(a.PoolSize + 8));
        Assert.Equal(Errno.ENXIO, a.Free(ulong.MaxValue));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(9)));
        Assert.Equal(Errno.ENXIO, a.Free(0));
        ReceivedMessage message = a.Receive();
        Assert.Equal((0UL, 9UL), (message.Offset, message.Header.Cookie));
    }

    [Theory, Worlds]
    public void POO_07_free_of_the_pool_size_does_nothing_and_succeeds(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Free(a.PoolSize));
        Assert.Equal(Errno.OK, a.Free(a.PoolSize));
    }

    [Theory, Worlds]
    public void POO_08_free_in_the_middle_of_a_slice_is_ENXIO(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec(Bytes(64))));
        ReceivedMessage message = a.Receive();
        Assert.Equal(Errno.ENXIO, a.Free(message.Offset + 8));
        Assert.Equal(Errno.ENXIO, a.Free(message.Offset + 1));
        Assert.Equal(Errno.OK, a.Free(message.Offset));
    }

    [Theory, Worlds]
    public void POO_09_a_full_pool_is_EXFULL_until_something_is_freed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        for (int i = 0; i < 4096 / BareRecord; i++)
            Assert.Equal(Errno.OK, a.List(ListFlags.Unique).Result);
        Assert.Equal(Errno.EXFULL, a.List(ListFlags.Unique).Result);
        Assert.Equal(Errno.OK, a.Free(10 * BareRecord));
        CommandRun again = a.List(ListFlags.Unique);
        Assert.Equal((Errno.OK, 10UL * BareRecord), (again.Result, again.As<KdbusCmdList>().Offset));
        Assert.Equal(Errno.EXFULL, a.List(ListFlags.Unique).Result);
    }

    [Theory, Worlds]
    public void POO_10_freed_ranges_become_one_again(WorldKind world)
    {
        using Scene scene = new(world);
        const int Records = 4096 / BareRecord;
        Peer a = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        for (int i = 0; i < Records; i++)
            Assert.Equal(Errno.OK, a.List(ListFlags.Unique).Result);
        int[] order = [.. Enumerable.Range(0, Records)];
        new Random(20260101).Shuffle(order);
        foreach (int i in order)
            Assert.Equal(Errno.OK, a.Free((ulong)(i * BareRecord)));

        for (int i = 1; i < Records; i++)
            scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 4096));
        CommandRun list = a.List(ListFlags.Unique);
        Assert.Equal((Errno.OK, 0UL, (ulong)(Records * BareRecord)), (list.Result, list.As<KdbusCmdList>().Offset, list.As<KdbusCmdList>().ListSize));
    }

    [Theory, Worlds]
    public void POO_11_an_idle_connection_polls_writable_only(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, scene.Connect().Handle.Poll());
    }

    [Theory, Worlds]
    public void POO_12_a_queued_message_makes_a_connection_readable(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Pending wait = b.Process.PollInThread(b.Handle.Descriptor, PollEvents.In, Pending.Forever);
        Assert.True(wait.StaysBlocked());
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(PollEvents.In, wait.Result());
        Assert.Equal(PollEvents.In | PollEvents.ReadNormal | PollEvents.Out | PollEvents.WriteNormal, b.Handle.Poll());
        b.Receive(RecvFlags.Peek);
        Assert.Equal(PollEvents.In, b.Process.Poll(b.Handle.Descriptor, PollEvents.In, 0));
        b.Receive();
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, b.Handle.Poll());
    }

    [Theory, Worlds]
    public void POO_12_every_message_wakes_who_waits_for_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (ulong i = 1; i <= 50; i++)
        {
            Pending wait = b.Process.PollInThread(b.Handle.Descriptor, PollEvents.In, Pending.Forever);
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(i)));
            Assert.Equal(PollEvents.In, wait.Result());
            Assert.Equal(i, b.ReceiveAndFree().Header.Cookie);
        }
    }

    [Theory, Worlds]
    public void POO_13_lost_messages_make_a_connection_readable_until_it_is_told_their_number(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        b.Matches(static m => m.Id());
        Pending poll = b.Process.PollInThread(b.Handle.Descriptor, PollEvents.In, Pending.Forever);
        Assert.True(poll.StaysBlocked(50));
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Vec(new byte[2000])));
        Assert.Equal(PollEvents.In, poll.Result());
        Assert.Equal(PollEvents.In | PollEvents.ReadNormal | PollEvents.Out | PollEvents.WriteNormal, b.Handle.Poll());
        b.HasNothingAndLost(1);
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, b.Handle.Poll());
    }


    [Theory, Worlds]
    public void POO_14_who_polls_is_woken_when_the_connection_ends(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Pending wait = a.Process.PollInThread(a.Handle.Descriptor, PollEvents.In, Pending.Forever);
        Assert.True(wait.StaysBlocked());
        Assert.Equal(Errno.OK, a.Byebye());
        Assert.Equal(PollEvents.Err | PollEvents.Hup, wait.Result());

        Peer b = scene.Connect();
        wait = b.Process.PollInThread(b.Handle.Descriptor, PollEvents.In, Pending.Forever);
        Assert.True(wait.StaysBlocked());
        scene.Bus.Owner.Close();
        Assert.Equal(PollEvents.Err | PollEvents.Hup, wait.Result());
    }

    [Theory, Worlds]
    public void POO_15_a_mapping_stays_readable_when_the_connection_is_closed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("kept"u8)));
        ReceivedMessage message = a.Receive();
        byte[] before = a.Pool(0, 4096);
        a.Handle.Close();
        Assert.Equal(before, a.Pool(0, 4096));
        Assert.Equal("kept"u8, message.Payload);
    }

    [Theory, Worlds]
    public void POO_16_a_forked_child_receives_into_the_mapping_it_shares_with_its_parent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer parent = scene.Connect();
        parent.Process.Fork(out IProcess? process);
        Peer child = parent.In(process!);
        Assert.Equal(Errno.OK, a.Send(m => m.To(parent.Id).Vec("to both"u8)));
        ReceivedMessage message = child.Receive();
        Assert.Equal("to both"u8, message.Payload);
        KdbusMsgInfo at = new() { Offset = message.Offset, MsgSize = (ulong)message.SliceSize };
        Assert.Equal("to both"u8, parent.Message(at).Payload);
        parent.HasNothing();
        Assert.Equal(Errno.OK, parent.Free(message.Offset));
        Assert.Equal(Errno.ENXIO, child.Free(message.Offset));

        CommandRun info = child.ConnInfo(a.Id);
        Assert.Equal(Errno.OK, info.Result);
        Assert.Equal(parent.Pool(info.As<KdbusCmdInfo>().Offset, 24), child.Pool(info.As<KdbusCmdInfo>().Offset, 24));
        Assert.Equal(a.Id, BitConverter.ToUInt64(child.Pool(info.As<KdbusCmdInfo>().Offset, 24), 8));
    }

    [Theory, Worlds]
    public void POO_17_bytes_of_a_pool_that_were_never_written_are_zero(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = Peer.HelloKeepingSlice(scene.Bus.Open(scene.Process), Peer.HelloCommand(poolSize: 1 << 20));
        Assert.False(a.Pool(32, (1 << 20) - 32).AsSpan().ContainsAnyExcept((byte)0));
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
