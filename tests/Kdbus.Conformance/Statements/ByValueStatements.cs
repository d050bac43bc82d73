namespace Kdbus.Conformance.Statements;

/// <summary>Sealed memfds at a receiver that names no socket: what they hold is in the pool, where the sender's vectors are too.</summary>
[AlsoByExchange]
public class ByValueStatements
{
    private const RecvReturnFlags Incomplete = RecvReturnFlags.IncompleteFds;

    [Theory, Worlds]
    public void BYV_01_a_memfd_comes_by_value(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[] content = Payload.Random(1, 4096);
        int memfd = a.Process.SealedFile(content);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(9).Memfd(memfd, 0, 4096)));
        Assert.Equal(0, a.Process.Close(memfd));
        int[] before = [.. b.Process.OpenDescriptors()];
        ReceivedMessage message = Complete(b);
        Assert.Equal((b.Id, a.Id, 9UL), (message.Header.DstId, message.Header.SrcId, message.Header.Cookie));
        Assert.Empty(message.Memfds);
        Assert.Equal(4096UL, Assert.Single(message.Pieces).Size);
        Assert.Equal(content, message.Payload);
        Assert.Equal(before, b.Process.OpenDescriptors());
        Assert.Equal(Errno.ENXIO, b.FdsInstalled(message.Offset, 5));
    }

    [Theory, Worlds]
    public void BYV_02_sizes_and_starts_are_as_they_are(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        byte[] content = Payload.Random(2, 200_000);
        int memfd = a.Process.SealedFile(content);
        foreach (int size in (int[])[1, 7, 8, 9, 4095, 4096, 4097, 100_001])
        {
            foreach (int start in (int[])[0, 1, 8, 4093, 99_999])
            {
                Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Memfd(memfd, (ulong)start, (ulong)size)));
                ReceivedMessage message = Complete(a);
                Assert.True(content.AsSpan(start, size).SequenceEqual(message.Payload), $"{size} bytes from {start} on");
                a.Free(message);
            }
        }
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Memfd(memfd, 0, 200_000)));
        Assert.Equal(content, Complete(a).Payload);
    }

    /// <summary>The pieces make one stream of bytes. Each lies as far from a multiple of 8 as it is in that.</summary>
    [Theory, Worlds]
    public void BYV_03_several_among_vectors_keep_order_and_alignment(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        byte[] content = Payload.Random(3, 40_000);
        int one = a.Process.SealedFile(content);
        int other = a.Process.SealedFile("another file"u8);
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)
            .Memfd(one, 3, 5).Vec("vec"u8).NullVec(7).Memfd(other, 0, 12).Memfd(one, 0, 33_333).Vec("x"u8).NullVec(16).Vec("behind"u8).Memfd(other, 8, 4)));
        ReceivedMessage message = Complete(a);
        byte[] expected =
        [
            .. content[3..8], .. "vec"u8, .. new byte[7], .. "another file"u8, .. content[..33_333], .. "x"u8, .. new byte[16], .. "behind"u8, .. "file"u8,
        ];
        Assert.Equal([5UL, 3, 7, 12, 33_333, 1, 16, 6, 4], message.Pieces.Select(static piece => piece.Size));
        Assert.Equal(expected, message.Payload);
        ulong position = 0;
        foreach (KdbusVec piece in message.Pieces)
        {
            if (piece.Offset != Constants.OffsetNone)
                Assert.Equal((position, position % 8), (position, piece.Offset % 8));
            position += piece.Size;
        }
    }

    [Theory, Worlds]
    public void BYV_04_name_and_metadata_are_around_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello().Text(ItemType.ConnDescription, "sender"));
        Peer b = scene.Connect(Peer.OpenHello());
        b.Owns("a.name");
        int memfd = a.Process.SealedFile("content"u8);
        Assert.Equal(Errno.OK, a.Send(m => m.ToName("a.name").Memfd(memfd, 0, 7).Vec("payload"u8)));
        Assert.Equal(Errno.OK, a.Send(m => m.ToName("a.name").Vec("payload"u8)));
        KdbusMsgInfo at = b.Recv().Command.Msg;
        ReceivedMessage message = b.Message(at);
        Assert.Equal("contentpayload"u8, message.Payload);
        Assert.Equal(("a.name", "sender"), (message.DestinationName, message.Metadata.Description));
        Assert.Equal(b.Receive().Metadata.Kinds, message.Metadata.Kinds);
        Assert.Equal((Incomplete, -1), ((RecvReturnFlags)at.ReturnFlags, message.Metadata.Pidfd));
    }

    [Theory, Worlds]
    public void BYV_05_what_finds_no_room_in_the_pool_stays_a_memfd(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 65536));
        int memfd = a.Process.SealedFile(Payload.Random(5, 100_000));
        foreach (ulong size in (ulong[])[100_000, 65_536, 65_000, 20_000])
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(small.Id).Memfd(memfd, 1, size - 1).Vec("payload"u8)));
            Received received = small.Recv();
            Assert.Equal((Errno.OK, Incomplete), (received.Result, (RecvReturnFlags)received.Command.Msg.ReturnFlags));
            ReceivedMessage message = small.Message(received.Command.Msg);
            Assert.Equal(new KdbusMemfd { Start = 1, Size = size - 1, Fd = -1 }, Assert.Single(message.Memfds));
            Assert.Equal("payload"u8, message.Payload);
            Assert.InRange(message.SliceSize, 0, 300);
            small.Free(message);
        }

        // A sixth of the pool is what one user may have of it; of several memfds all come by value, or none.
        Assert.Equal(Errno.OK, a.Send(m => m.To(small.Id).Memfd(memfd, 0, 8).Memfd(memfd, 0, 90_000)));
        Assert.Equal([-1, -1], small.Receive().Memfds.Select(static memfd => memfd.Fd));
        Assert.Equal(Errno.OK, a.Send(m => m.To(small.Id).Memfd(memfd, 0, 10_000)));
        Assert.Equal(10_000, Complete(small).Payload.Length);
    }

    [Theory, Worlds, NotByExchange]
    public void BYV_06_what_was_received_is_free_after_FREE(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 65536));
        int memfd = a.Process.SealedFile(new byte[10_000]);
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Memfd(memfd, 0, 10_000).Vec("payload"u8)));
            b.Free(Complete(b));
        }
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(0UL, b.Receive().Offset);
    }

    [Theory, Worlds]
    public void BYV_07_descriptors_beside_it_are_missing_and_it_is_there(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile("content"u8);
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(file, file).Memfd(memfd, 0, 7)));
        Received received = a.Recv();
        Assert.Equal((Errno.OK, Incomplete), (received.Result, (RecvReturnFlags)received.Command.Msg.ReturnFlags));
        ReceivedMessage message = a.Message(received.Command.Msg);
        Assert.Equal([-1, -1], message.Fds);
        Assert.Empty(message.Memfds);
        Assert.Equal("content"u8, message.Payload);
    }

    [Theory, Worlds]
    public void BYV_08_a_reply_comes_by_value_to_who_waits(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[] content = Payload.Random(8, 12_345);
        int memfd = b.Process.SealedFile(content);
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)));
        b.AwaitMessage();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("before "u8).Memfd(memfd, 0, 12_345)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal(0UL, call.ReplyInfo.ReturnFlags);
        Assert.Equal([.. "before "u8, .. content], call.Reply.Payload);
        a.Free(call.Reply);
    }

    /// <summary>Who has looked at a message knows where it lies; there it stays until he has given it back.</summary>
    [Theory, Worlds]
    public void BYV_09_a_message_that_was_looked_at_keeps_its_place(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int memfd = a.Process.SealedFile("content"u8);
        foreach (bool givesBack in (bool[])[false, true])
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Memfd(memfd, 0, 7).Vec("payload"u8)));
            ReceivedMessage peeked = a.Receive(RecvFlags.Peek);
            if (givesBack)
                a.Free(peeked);
            Received received = a.Recv();
            ReceivedMessage message = a.Message(received.Command.Msg);
            if (givesBack)
            {
                Assert.Equal(RecvReturnFlags.None, (RecvReturnFlags)received.Command.Msg.ReturnFlags);
                Assert.Equal("contentpayload"u8, message.Payload);
            }
            else
            {
                Assert.Equal((peeked.Offset, Incomplete), (message.Offset, (RecvReturnFlags)received.Command.Msg.ReturnFlags));
                Assert.Equal(-1, Assert.Single(message.Memfds).Fd);
                Assert.Equal("payload"u8, message.Payload);
            }
            a.Free(message);
        }
    }

    [Theory, Worlds]
    public void BYV_10_each_of_many_gets_it_in_its_own_way(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer takes = scene.Connect();
        Peer reads = scene.Connect();
        Peer refuses = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Peer[] listeners = [takes, reads, refuses, small];
        foreach (Peer listener in listeners)
            listener.MatchesEverything();
        byte[] content = Payload.Random(10, 3000);
        int memfd = a.Process.SealedFile(content);
        Assert.Equal(Errno.OK, a.Broadcast(m => m.Memfd(memfd, 0, 3000)));
        Assert.NotEqual(-1, Assert.Single(takes.ReceiveWithDescriptors().Memfds).Fd);
        Assert.Equal(content, Complete(reads).Payload);
        Assert.Equal(content, Complete(monitor).Payload);
        Assert.Equal(-1, Assert.Single(Complete(refuses).Memfds).Fd);
        Assert.Equal(Incomplete, (RecvReturnFlags)small.Recv().Command.Msg.ReturnFlags);
    }

    [Theory, Worlds]
    public void BYV_11_a_message_that_has_moved_with_its_name_comes_by_value(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer activator = scene.Connect(Peer.ActivatorHello("a.name"));
        Peer b = scene.Connect();
        byte[] content = Payload.Random(11, 5001);
        int memfd = a.Process.SealedFile(content);
        Assert.Equal(Errno.OK, a.Send(m => m.ToName("a.name").Vec("before "u8).Memfd(memfd, 0, 5001)));
        b.Owns("a.name");
        ReceivedMessage message = Complete(b);
        Assert.Equal([.. "before "u8, .. content], message.Payload);
        Assert.Equal("a.name", message.DestinationName);
        Assert.Equal(0, activator.Handle.Poll() & PollEvents.In);
    }

    private static ReceivedMessage Complete(Peer peer)
    {
        Received received = peer.Recv();
        Assert.Equal((Errno.OK, RecvReturnFlags.None), (received.Result, (RecvReturnFlags)received.Command.Msg.ReturnFlags));
        return peer.Message(received.Command.Msg);
    }
}
