using Kdbus.Engine;

namespace Kdbus.Conformance.Statements;

/// <summary>The extension by which descriptors reach a program: FD_SOCKET and FDS_INSTALLED.</summary>
public class DescriptorSocketStatements
{
    private const RecvReturnFlags Incomplete = RecvReturnFlags.IncompleteFds;

    [Theory, Worlds]
    public void FDS_01_descriptors_come_on_the_socket_and_their_numbers_when_they_are_told(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile("content"u8);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file, file).Memfd(memfd, 0, 7).Vec("payload"u8)));
        KdbusMsgInfo at = b.RecvOn(b.Channel.Socket).Command.Msg;
        Assert.Equal([-1, -1], b.Message(at).Fds);
        int[] numbers = b.Channel.Take(at.Offset);
        Assert.Equal(3, numbers.Length);
        Assert.Equal(numbers.Order(), numbers);
        Assert.Equal([-1, -1], b.Message(at).Fds);
        Assert.Equal(Errno.OK, b.FdsInstalled(at.Offset, numbers));
        ReceivedMessage message = b.Message(at);
        Assert.Equal(numbers[..2], message.Fds);
        Assert.Equal(numbers[2], Assert.Single(message.Memfds).Fd);
        Assert.Equal("payload"u8, message.Payload);
        b.Free(message);
    }

    [Theory, Worlds]
    public void FDS_02_where_nothing_can_be_sent_the_message_arrives_all_the_same(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        IProcess process = b.Process;
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile("content"u8);
        int closed = process.EventFd();
        Assert.Equal(0, process.Close(closed));
        Assert.Equal(0, process.Pipe(out int reader, out int writer));
        int[] sockets =
        [
            int.MaxValue, closed + 500, reader, writer, process.Socket(Sockets.Internet, Sockets.Stream), process.Open("/dev/null", OpenFlags.Path),
            process.Socket(Sockets.Unix, Sockets.Stream), process.Socket(Sockets.Unix, Sockets.Datagram), b.Handle.Descriptor,
        ];
        foreach (int socket in sockets)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file).Memfd(memfd, 0, 7).Vec("payload"u8)));
            HasNoDescriptors(b, b.RecvOn(socket));
        }
        b.HasNothing();
    }

    [Theory, Worlds]
    public void FDS_03_a_socket_that_is_full_or_that_nobody_reads_is_not_waited_for(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile("content"u8);
        foreach (int type in (int[])[Sockets.SequentialPackets, Sockets.Stream, Sockets.Datagram])
        {
            DescriptorChannel full = new(b.Process, type);
            full.Fill();
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file).Memfd(memfd, 0, 7).Vec("payload"u8)));
            HasNoDescriptors(b, b.RecvOn(full.Socket));
            full.Close();
        }
        Assert.Equal(0, b.Process.SocketPair(Sockets.SequentialPackets, out int near, out int far));
        Assert.Equal(0, b.Process.Close(near));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file).Memfd(memfd, 0, 7).Vec("payload"u8)));
        HasNoDescriptors(b, b.RecvOn(far));
    }

    [Theory, Worlds]
    public void FDS_04_any_kind_of_unix_socket_will_do(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int file = a.Process.EventFd(3);
        foreach (int type in (int[])[Sockets.SequentialPackets, Sockets.Stream, Sockets.Datagram])
        {
            DescriptorChannel channel = new(a.Process, type);
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(file)));
            ulong offset = a.RecvOn(channel.Socket).Command.Msg.Offset;
            Assert.NotEqual(-1, Assert.Single(channel.Take(offset)));
            channel.IsEmpty();
        }
    }

    [Theory, Worlds]
    public void FDS_05_numbers_are_told_once_and_as_many_as_were_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = a.Process.EventFd();
        for (int i = 0; i < 3; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file, file)));
        Assert.Equal(Errno.ENXIO, b.FdsInstalled(0, 5, 6));
        KdbusMsgInfo at = b.RecvOn(b.Channel.Socket).Command.Msg;
        foreach (ulong offset in (ulong[])[at.Offset + 8, at.Offset + at.MsgSize, b.PoolSize, ulong.MaxValue])
            Assert.Equal((offset, Errno.ENXIO), (offset, b.FdsInstalled(offset, 5, 6)));
        Assert.Equal(Errno.EINVAL, b.FdsInstalled(at.Offset, 5));
        Assert.Equal(Errno.EINVAL, b.FdsInstalled(at.Offset, 5, 6, 7));
        Assert.Equal(Errno.EINVAL, b.FdsInstalled(at.Offset));
        Assert.Equal(Errno.EINVAL, b.Handle.Run(Command.FdsInstalled, WireStruct.Of(new KdbusCmdFdsInstalled { Offset = at.Offset })).Result);
        Assert.Equal(Errno.EINVAL, b.Handle.Run(Command.FdsInstalled, Peer.FdsInstalledCommand(at.Offset, 5, 6).Flags(1)).Result);
        Assert.Equal(Errno.EINVAL, b.Handle.Run(
            Command.FdsInstalled, Peer.FdsInstalledCommand(at.Offset, 5, 6).Item(ItemType.Fds, new byte[8])).Result);
        Assert.Equal([-1, -1], b.Message(at).Fds);
        Assert.Equal(Errno.ENXIO, a.FdsInstalled(at.Offset, 5, 6));
        Assert.Equal(Errno.OK, b.FdsInstalled(at.Offset, 0x12345678, int.MinValue));
        Assert.Equal([0x12345678, -1], b.Message(at).Fds);
        Assert.Equal(Errno.ENXIO, b.FdsInstalled(at.Offset, 5, 6));
        Assert.Equal([0x12345678, -1], b.Message(at).Fds);

        // One that was given back waits for nothing, nor does one that comes to lie in its place and was not asked for.
        at = b.RecvOn(b.Channel.Socket).Command.Msg;
        Assert.Equal(Errno.OK, b.Free(at.Offset));
        Assert.Equal(Errno.ENXIO, b.FdsInstalled(at.Offset, 5, 6));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file, file)));
        b.Receive();
        Assert.Equal(at.Offset, b.Receive().Offset);
        Assert.Equal(Errno.ENXIO, b.FdsInstalled(at.Offset, 5, 6));
    }

    [Theory, Worlds]
    public void FDS_06_who_has_no_pool_to_read_in_is_EBADFD(WorldKind world)
    {
        using Scene scene = new(world);
        WireStruct command = Peer.FdsInstalledCommand(0, 5);
        Handle control = scene.OpenControl();
        Handle owner = scene.Bus.Owner;
        Handle unused = scene.Bus.Open(scene.Process);
        Handle endpoint = scene.Bus.MakeEndpoint(scene.Process, "0-mine");
        foreach (Handle handle in (Handle[])[control, owner, unused, endpoint])
            Assert.Equal(Errno.EBADFD, handle.Run(Command.FdsInstalled, command).Result);
        Peer left = scene.Connect();
        Assert.Equal(Errno.OK, left.Byebye());
        Assert.Equal(Errno.ECONNRESET, left.FdsInstalled(0, 5));
    }

    [Theory, Worlds]
    public void FDS_07_negotiation_knows_the_command_and_the_item(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        CommandRun run = a.Handle.Run(Command.FdsInstalled, Peer.FdsInstalledCommand(77, 5).Flags(Constants.FlagNegotiate));
        Assert.Equal((Errno.OK, 0UL), (run.Result, run.Flags));
        foreach (Command command in (Command[])[Command.Recv, Command.Send])
        {
            run = a.Handle.Run(command, WireStruct.Of(command).Flags(Constants.FlagNegotiate).Item(ItemType.Negotiate, BitConverter.GetBytes((ulong)ItemType.FdSocket)));
            Assert.Equal((command, Errno.OK, (ulong)ItemType.FdSocket), (command, run.Result, BitConverter.ToUInt64(run.Memory.AsSpan()[^8..])));
            run = a.Handle.Run(command, WireStruct.Of(command).Flags(Constants.FlagNegotiate).Item(ItemType.FdSocket, 5).Item(ItemType.FdSocket, 5));
            Assert.Equal((command, Errno.EINVAL), (command, run.Result));
            run = a.Handle.Run(command, WireStruct.Of(command).Flags(Constants.FlagNegotiate).Item(ItemType.FdSocket, 5UL));
            Assert.Equal((command, Errno.EINVAL), (command, run.Result));
        }
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.Free, WireStruct.Of(Command.Free).Item(ItemType.FdSocket, 5)).Result);
    }

    [Theory, Worlds]
    public void FDS_08_where_there_is_nothing_to_send_nothing_is_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int socket = a.Channel.Socket;
        Assert.Equal(Errno.EAGAIN, a.RecvOn(socket).Result);
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Vec("plain"u8)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(a.Process.EventFd())));
        Received plain = a.RecvOn(socket);
        Assert.Equal((Errno.OK, 0UL), (plain.Result, plain.Command.Msg.ReturnFlags));
        Assert.Equal(Errno.ENXIO, a.FdsInstalled(plain.Command.Msg.Offset, 5));
        Assert.Equal(Errno.OK, a.RecvOn(socket, RecvFlags.Drop).Result);
        a.Channel.IsEmpty();
        a.HasNothing();
    }

    [Theory, Worlds]
    public void FDS_09_descriptors_come_to_whoever_receives_on_an_inherited_handle(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer parent = scene.Connect();
        Assert.Equal(0, a.Process.Pipe(out int reader, out int writer));
        Assert.Equal(Errno.OK, a.Send(m => m.To(parent.Id).Fds(writer)));
        Assert.True(parent.Process.Fork(out IProcess? process) > 0);
        Peer child = parent.In(process!);
        int before = parent.Process.OpenDescriptors().Count;
        Assert.Equal(4, process!.Write(Assert.Single(child.ReceiveWithDescriptors().Fds), "ping"u8));
        Assert.Equal(4, a.Process.Read(reader, new byte[4]));
        Assert.Equal(before, parent.Process.OpenDescriptors().Count);
        parent.HasNothing();
    }

    [Theory, Worlds]
    public void FDS_10_a_pidfd_means_the_sender_also_when_it_has_ended(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)(AttachFlags.Pidfd | AttachFlags.PidfsId)));
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)(AttachFlags.Pidfd | AttachFlags.PidfsId)));
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile("content"u8);
        for (int i = 0; i < 2; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(file).Memfd(memfd, 0, 7).Vec("payload"u8)));
        ReceivedMessage first = b.ReceiveWithDescriptors();
        Assert.Equal("payload"u8, first.Payload);
        Assert.Equal([first.Fds[0], first.Memfds[0].Fd, first.Metadata.Pidfd], ((int[])[first.Fds[0], first.Memfds[0].Fd, first.Metadata.Pidfd]).Order());
        Assert.Equal(0, b.Process.Poll(first.Metadata.Pidfd, PollEvents.In, 0));
        a.Process.Exit();

        int second = b.ReceiveWithDescriptors().Metadata.Pidfd;
        Assert.NotEqual(-1, second);
        // A process that is played has no pidfd: that of the test stands for it.
        if (world == WorldKind.Memory)
            return;
        foreach (int pidfd in (int[])[first.Metadata.Pidfd, second])
        {
            Assert.Equal(PollEvents.In, b.Process.Poll(pidfd, PollEvents.In, 0) & PollEvents.In);
            Assert.Equal(0, b.Process.StatDescriptor(pidfd, out FileStatus status));
            Assert.Equal(first.Metadata.PidfsId, status.Inode);
        }
    }

    /// <summary>The number of another thread of a process leads to no other process.</summary>
    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void FDS_10_a_pidfd_means_the_process_of_the_thread_that_sends(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)(AttachFlags.Pidfd | AttachFlags.PidfsId)));
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)(AttachFlags.Pidfd | AttachFlags.PidfsId)));
        a.SendInThread(m => m.To(b.Id), ThreadChange.Rename("other"));
        Metadata told = b.ReceiveWithDescriptors().Metadata;
        Assert.NotEqual(-1, told.Pidfd);
        Assert.Equal(0, b.Process.StatDescriptor(told.Pidfd, out FileStatus status));
        Assert.Equal(told.PidfsId, status.Inode);
    }

    [Theory, Worlds]
    public void FDS_11_who_accepts_no_descriptors_gets_no_pidfd_and_is_told_nothing_of_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect(Peer.HelloCommand(HelloFlags.None, recv: (ulong)AttachFlags.Pidfd));
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Pidfd));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Received received = b.RecvOn(b.Channel.Socket);
        Assert.Equal((Errno.OK, 0UL), (received.Result, received.Command.Msg.ReturnFlags));
        Assert.Equal(-1, b.Message(received.Command.Msg).Metadata.Pidfd);
        b.Channel.IsEmpty();
    }

    [Theory, Worlds]
    public void FDS_12_a_user_has_so_many_files_in_messages_as_the_domain_allows(WorldKind world)
    {
        using Scene scene = new(world, new DomainLimits { FilesInFlight = 20 });
        Peer a = scene.Connect();
        Peer sibling = scene.Connect();
        Peer other = scene.ConnectAs(Scene.User);
        Peer[] receivers = [scene.ConnectAs(Scene.User), scene.ConnectAs(Scene.User)];
        int file = a.Process.EventFd();
        int memfd = a.Process.SealedFile("content"u8);
        Assert.Equal(Errno.OK, a.Send(m => m.To(receivers[0].Id).Fds([.. Enumerable.Repeat(file, 12)]).Memfd(memfd, 0, 7)));
        Assert.Equal(Errno.EMFILE, a.Send(m => m.To(receivers[1].Id).Fds([.. Enumerable.Repeat(file, 8)])));
        Assert.Equal(Errno.OK, a.Send(m => m.To(receivers[1].Id).Fds([.. Enumerable.Repeat(file, 6)]).Memfd(memfd, 0, 7)));
        Assert.Equal(Errno.EMFILE, a.Send(m => m.To(receivers[1].Id).Memfd(memfd, 0, 7)));
        Assert.Equal(Errno.EMFILE, sibling.Send(m => m.To(receivers[1].Id).Memfd(sibling.Process.SealedFile([1]), 0, 1)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(receivers[1].Id).Vec("none"u8)));
        Assert.Equal(Errno.OK, other.Send(m => m.To(receivers[1].Id).Memfd(other.Process.SealedFile([1]), 0, 1)));
        receivers[0].ReceiveWithDescriptors();
        Assert.Equal(Errno.OK, a.Send(m => m.To(receivers[0].Id).Fds([.. Enumerable.Repeat(file, 13)])));
        Assert.Equal(Errno.EMFILE, a.Send(m => m.To(receivers[0].Id).Fds(file)));
    }

    private static void HasNoDescriptors(Peer peer, Received received)
    {
        Assert.Equal((Errno.OK, Incomplete), (received.Result, (RecvReturnFlags)received.Command.Msg.ReturnFlags));
        ReceivedMessage message = peer.Message(received.Command.Msg);
        Assert.Equal([-1], message.Fds);
        Assert.Equal(-1, Assert.Single(message.Memfds).Fd);
        Assert.Equal("payload"u8, message.Payload);
        Assert.Equal(Errno.ENXIO, peer.FdsInstalled(message.Offset, 5, 6));
        peer.Free(message);
    }
}
