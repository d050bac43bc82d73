namespace Kdbus.Conformance.Statements;

/// <summary>Messages with descriptors and sealed memfds at those who get them.</summary>
[AlsoByExchange]
public class DescriptorReceiveStatements
{
    private const string Name = "a.name";

    private static readonly byte[] s_content = "0123456789abcdef"u8.ToArray();

    [Theory, Worlds]
    public void UNI_13_payload_behind_a_memfd_is_as_far_from_a_multiple_of_8(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int memfd = a.Process.SealedFile(s_content);
        foreach (int size in (int[])[1, 5, 8, 13, 16])
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Memfd(memfd, 0, (ulong)size).Vec("payload"u8)));
            ReceivedMessage message = a.ReceiveWithDescriptors();
            Assert.Equal((size, (ulong)size % 8), (size, Assert.Single(message.Pieces).Offset - message.Header.Size));
            Assert.Equal("payload"u8, message.Payload);
        }
    }

    [Theory, Worlds]
    public void UNI_14_a_memfd_arrives_as_it_was_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[] content = Payload.Random(14, 100_000);
        int memfd = a.Process.SealedFile(content);
        Assert.Equal(0, a.Process.StatDescriptor(memfd, out FileStatus sent));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Memfd(memfd, 4097, 60_000)));
        Assert.Equal(0, a.Process.Close(memfd));
        KdbusMemfd got = Assert.Single(b.ReceiveWithDescriptors().Memfds);
        Assert.Equal((4097UL, 60_000UL, 0U), (got.Start, got.Size, got.Pad));
        Assert.Equal(0, b.Process.StatDescriptor(got.Fd, out FileStatus received));
        Assert.Equal((sent.Inode, 100_000UL), (received.Inode, received.Size));
        Assert.Equal(Seals.All, b.Process.FileControl(got.Fd, FileCommands.GetSeals));
        byte[] read = new byte[60_000];
        Assert.Equal(60_000, b.Process.ReadAt(got.Fd, read, 4097));
        Assert.True(content.AsSpan(4097, 60_000).SequenceEqual(read));
    }

    [Theory, Worlds]
    public void UNI_15_descriptors_arrive_in_order_at_the_lowest_free_numbers(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int memfd = a.Process.SealedFile(s_content);
        Assert.Equal(0, a.Process.Pipe(out int reader, out int writer));
        int counter = a.Process.EventFd(5);
        _ = b.Channel;
        int[] own = [b.Process.EventFd(), b.Process.EventFd(), b.Process.EventFd()];
        Assert.Equal(0, b.Process.Close(own[0]));
        Assert.Equal(0, b.Process.Close(own[2]));

        // FDS come before memfds, wherever the items stand.
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Memfd(memfd, 0, 16).Fds(writer, counter)));
        ReceivedMessage message = b.ReceiveWithDescriptors();
        Assert.Equal([own[0], own[2]], message.Fds);
        Assert.Equal(own[2] + 1, Assert.Single(message.Memfds).Fd);
        foreach (int number in (int[])[.. message.Fds, message.Memfds[0].Fd])
            Assert.Equal(FileCommands.CloseOnExec, b.Process.FileControl(number, FileCommands.GetDescriptorFlags));

        byte[] data = new byte[8];
        Assert.Equal(4, b.Process.Write(message.Fds[0], "ping"u8));
        Assert.Equal(4, a.Process.Read(reader, data));
        Assert.Equal("ping"u8, data.AsSpan(0, 4));
        Assert.Equal(8, b.Process.Read(message.Fds[1], data));
        Assert.Equal(5UL, BitConverter.ToUInt64(data));
        Assert.Equal(16, b.Process.ReadAt(message.Memfds[0].Fd, new byte[20], 0));
    }

    /// <summary>It is the same open file: where one has read to, the other goes on.</summary>
    [Theory, Worlds]
    public void UNI_15_a_descriptor_that_arrives_is_a_duplicate(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = a.Process.SealedFile(s_content);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file)));
        Assert.Equal(4, a.Process.Seek(file, 4));
        byte[] data = new byte[4];
        int received = b.ReceiveWithDescriptors().Fds[0];
        Assert.Equal(4, b.Process.Read(received, data));
        Assert.Equal("4567"u8, data);
        Assert.Equal(4, a.Process.Read(file, data));
        Assert.Equal("89ab"u8, data);
    }

    [Theory, Worlds]
    public void UNI_16_who_accepts_none_is_not_sent_descriptors(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        int file = a.Process.EventFd();
        Assert.Equal(Errno.ECOMM, a.Send(m => m.To(b.Id).Fds(file)));
        b.HasNothing();
    }

    [Theory, Worlds]
    public void UNI_17_who_accepts_none_may_be_sent_memfds_and_gets_no_descriptor(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        int memfd = a.Process.SealedFile(s_content);
        for (int i = 0; i < 2; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Memfd(memfd, 1, 15).Vec("beside"u8)));
        int before = b.Channel.Socket;
        foreach (Received received in (Received[])[b.Recv(), b.RecvOn(before)])
        {
            Assert.Equal((Errno.OK, 0UL), (received.Result, received.Command.Msg.ReturnFlags));
            ReceivedMessage message = b.Message(received.Command.Msg);
            Assert.Equal(new KdbusMemfd { Start = 1, Size = 15, Fd = -1 }, Assert.Single(message.Memfds));
            Assert.Equal("beside"u8, message.Payload);
        }
        b.Channel.IsEmpty();
    }

    /// <summary>Whoever has no number left loses the descriptor and not the message. Where they come on a socket, only he can know.</summary>
    [Theory, Worlds]
    public void UNI_18_a_receiver_without_free_numbers_has_the_message(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile(s_content);
        _ = b.Channel;
        int limit = b.Process.EventFd();
        Assert.Equal(0, b.Process.Close(limit));
        foreach (int room in (int[])[0, 1])
        {
            Assert.Equal(0, b.Process.LimitDescriptors(limit + room));
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Memfd(memfd, 0, 16).Fds(file, file).Vec("payload"u8)));
            ReceivedMessage message = b.ReceiveWithDescriptors();
            Assert.Equal([room == 0 ? -1 : limit, -1], message.Fds);
            Assert.Equal(-1, Assert.Single(message.Memfds).Fd);
            Assert.Equal("payload"u8, message.Payload);
            b.Free(message);
        }
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file).Vec("payload"u8)));
        Received plain = b.Recv();
        Assert.Equal((Errno.OK, RecvReturnFlags.IncompleteFds), (plain.Result, (RecvReturnFlags)plain.Command.Msg.ReturnFlags));
        Assert.Equal([-1], b.Message(plain.Command.Msg).Fds);
    }

    [Theory, Worlds]
    public void RCV_04_to_look_at_a_message_brings_no_descriptors(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile(s_content);
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(file, file).Memfd(memfd, 0, 16)));
        int socket = a.Channel.Socket;
        foreach (Received peeked in (Received[])[a.Recv(RecvFlags.Peek), a.RecvOn(socket, RecvFlags.Peek)])
        {
            Assert.Equal((Errno.OK, 0UL), (peeked.Result, peeked.Command.Msg.ReturnFlags));
            ReceivedMessage message = a.Message(peeked.Command.Msg);
            Assert.Equal([-1, -1], message.Fds);
            Assert.Equal(-1, Assert.Single(message.Memfds).Fd);
            Assert.Equal(Errno.ENXIO, a.FdsInstalled(message.Offset, 7, 8, 9));
        }
        a.Channel.IsEmpty();
        ReceivedMessage received = a.ReceiveWithDescriptors();
        Assert.DoesNotContain(-1, received.Fds);
        Assert.Equal(16, a.Process.ReadAt(received.Memfds[0].Fd, new byte[16], 0));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void QUO_06_a_user_has_at_most_16_descriptors_in_a_queue(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        Peer other = scene.ConnectAs(Scene.User);
        Peer open = scene.ConnectAs(Scene.User);
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile(s_content);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds([.. Enumerable.Repeat(file, 9)])));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds([.. Enumerable.Repeat(file, 7)])));
        Assert.Equal(Errno.EMFILE, a.Send(m => m.To(b.Id).Fds(file)));
        int mine = c.Process.EventFd();
        Assert.Equal(Errno.EMFILE, c.Send(m => m.To(b.Id).Fds(mine)));

        // Memfds are payload, and what is sent to others or by others has its own number.
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Memfd(memfd, 0, 16)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(c.Id).Fds(file)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(open.Id).Fds([.. Enumerable.Repeat(file, 16)])));
        int theirs = other.Process.EventFd();
        Assert.Equal(Errno.OK, other.Send(m => m.To(open.Id).Fds([.. Enumerable.Repeat(theirs, 16)])));
        Assert.Equal(Errno.EMFILE, other.Send(m => m.To(open.Id).Fds(theirs)));
    }

    [Theory, Worlds]
    public void QUO_07_a_message_that_is_received_gives_its_descriptors_back(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int[] files = [.. Enumerable.Repeat(a.Process.EventFd(), 8)];
        for (int i = 0; i < 2; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(files)));
        Action[] ways = [() => b.ReceiveWithDescriptors(), () => b.Receive(), () => Assert.Equal(Errno.OK, b.Recv(RecvFlags.Drop).Result)];
        foreach (Action takes in ways)
        {
            Assert.Equal(Errno.EMFILE, a.Send(m => m.To(b.Id).Fds(files[0])));
            takes();
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(files)));
        }
    }

    [Theory, Worlds]
    public void ACT_09_messages_with_descriptors_do_not_move_to_who_accepts_none(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer refuses = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Peer accepts = scene.Connect();
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile(s_content);
        foreach (Peer owner in (Peer[])[accepts, refuses])
        {
            Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Cookie(1).Fds(file)));
            Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Cookie(2).Vec("plain"u8)));
            Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Cookie(3).Fds(file, file)));
            Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Cookie(4).Memfd(memfd, 0, 16)));
            owner.Owns(Name);
            if (owner == accepts)
            {
                Assert.Equal([1, 0, 2, 0], Enumerable.Range(0, 4).Select(_ => owner.ReceiveWithDescriptors().Fds.Count));
                owner.GivesUp(Name);
            }
        }
        Received received = refuses.Recv();
        Assert.Equal((Errno.OK, 2UL), (received.Result, received.Command.DroppedMsgs));
        Assert.Equal(2UL, refuses.Message(received.Command.Msg).Header.Cookie);
        Assert.Equal(4UL, refuses.Receive().Header.Cookie);
        refuses.HasNothingAndLost(0);
        Assert.Equal(Errno.ECOMM, a.Send(m => m.ToName(Name).Fds(file)));
        Assert.Equal(0, activator.Handle.Poll() & PollEvents.In);
    }

    [Theory, Worlds]
    public void MON_06_a_monitor_sees_that_there_are_descriptors_and_has_them_if_it_accepts_any(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer sees = scene.Connect(Peer.MonitorHello(HelloFlags.None));
        Peer has = scene.Connect(Peer.MonitorHello());
        Assert.Equal(0, a.Process.Pipe(out int reader, out int writer));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(writer).Vec("payload"u8)));

        Received received = sees.RecvOn(sees.Channel.Socket);
        Assert.Equal((Errno.OK, 0UL), (received.Result, received.Command.Msg.ReturnFlags));
        Assert.Equal([-1], sees.Message(received.Command.Msg).Fds);
        Assert.Equal("payload"u8, sees.Message(received.Command.Msg).Payload);
        sees.Channel.IsEmpty();

        foreach (Peer peer in (Peer[])[has, b])
        {
            Assert.Equal(2, peer.Process.Write(Assert.Single(peer.ReceiveWithDescriptors().Fds), "hi"u8));
            Assert.Equal(2, a.Process.Read(reader, new byte[2]));
        }
    }
}
