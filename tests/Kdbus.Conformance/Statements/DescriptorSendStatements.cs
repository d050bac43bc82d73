namespace Kdbus.Conformance.Statements;

/// <summary>SEND with descriptors and sealed memfds: which are refused, and with what.</summary>
[AlsoByExchange]
public class DescriptorSendStatements
{
    private static readonly byte[] s_content = "0123456789abcdef"u8.ToArray();

    [Theory, Worlds]
    public void SND_24_a_message_has_at_most_16_memfds(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int memfd = a.Process.SealedFile(s_content);
        Assert.Equal(Errno.E2BIG, a.Send(m => Memfds(m.To(a.Id), memfd, 17)));
        a.HasNothing();
        Assert.Equal(Errno.OK, a.Send(m => Memfds(m.To(a.Id), memfd, 16)));
        Assert.Equal(16, a.ReceiveWithDescriptors().Memfds.Count);
    }

    [Theory, Worlds]
    public void SND_25_a_memfd_without_all_four_seals_is_ETXTBSY(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (int missing in (int[])[Seals.Seal, Seals.Shrink, Seals.Grow, Seals.Write, Seals.All])
        {
            int memfd = a.Process.SealedFile(s_content, Seals.All & ~missing);
            Assert.Equal((missing, Errno.ETXTBSY), (missing, a.Send(m => m.To(a.Id).Memfd(memfd, 0, 16))));
        }
        a.HasNothing();
        int more = a.Process.SealedFile(s_content, Seals.All | 0x10 /* F_SEAL_FUTURE_WRITE */);
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Memfd(more, 0, 16)));
    }

    [Theory, Worlds]
    public void SND_26_what_cannot_be_sealed_is_EMEDIUMTYPE(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int disk = a.Process.Open(typeof(DescriptorSendStatements).Assembly.Location, OpenFlags.ReadOnly);
        Assert.Equal(0, a.Process.Pipe(out int pipe, out _));
        int socket = a.Process.Socket(Sockets.Unix, Sockets.Stream);
        foreach (int descriptor in (int[])[disk, pipe, socket, a.Process.EventFd(), a.Handle.Descriptor, a.Process.Open("/", OpenFlags.ReadOnly)])
            Assert.Equal((descriptor, Errno.EMEDIUMTYPE), (descriptor, a.Send(m => m.To(a.Id).Memfd(descriptor, 0, 8))));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SND_27_a_number_without_a_file_is_EBADF(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int closed = a.Process.EventFd();
        Assert.Equal(0, a.Process.Close(closed));
        int good = a.Process.EventFd();
        int path = a.Process.Open("/dev/null", OpenFlags.Path);
        Assert.Equal(closed, good);
        foreach (int number in (int[])[-1, int.MinValue, good + 100, int.MaxValue])
        {
            Assert.Equal((number, Errno.EBADF), (number, a.Send(m => m.To(a.Id).Memfd(number, 0, 8))));
            Assert.Equal((number, Errno.EBADF), (number, a.Send(m => m.To(a.Id).Fds(number))));
            Assert.Equal((number, Errno.EBADF), (number, a.Send(m => m.To(a.Id).Fds(good, good, number))));
        }

        // One that names a file and does not open it has no content.
        Assert.Equal(Errno.EBADF, a.Send(m => m.To(a.Id).Memfd(path, 0, 8)));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SND_28_a_range_beyond_the_end_of_a_memfd_is_EBADF(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int memfd = a.Process.SealedFile(s_content);
        foreach ((ulong start, ulong size) in ((ulong, ulong)[])[(0, 17), (1, 16), (16, 1), (17, 1), (ulong.MaxValue - 8, 8), (0, ulong.MaxValue)])
            Assert.Equal((start, size, Errno.EBADF), (start, size, a.Send(m => m.To(a.Id).Memfd(memfd, start, size))));
        Assert.Equal(Errno.EMSGSIZE, a.Send(m => m.To(a.Id).Memfd(memfd, 1, ulong.MaxValue)));
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Memfd(memfd, 0, 0)));
        a.HasNothing();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Memfd(memfd, 15, 1).Memfd(memfd, 0, 16)));
    }

    [Theory, Worlds]
    public void SND_29_a_message_has_at_most_16_descriptors(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int file = a.Process.EventFd();
        Assert.Equal(Errno.EMFILE, a.Send(m => m.To(a.Id).Fds([.. Enumerable.Repeat(file, 17)])));
        Assert.Equal(Errno.EEXIST, a.Send(m => m.To(a.Id).Fds(file).Fds(file)));
        a.HasNothing();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds([.. Enumerable.Repeat(file, 16)])));
        Assert.Equal(16, a.ReceiveWithDescriptors().Fds.Distinct().Count());
    }

    /// <summary>Connections that lay in each other's queues would never end.</summary>
    [Theory, Worlds]
    public void SND_30_opened_files_of_a_domain_are_EOPNOTSUPP(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        IProcess process = a.Process;
        Handle[] files =
        [
            a.Handle, a.Handle.Duplicate(), scene.Connect(process, Peer.MonitorHello()).Handle, scene.Bus.Open(process),
            TestBus.OpenControl(scene.World, process), TestBus.Make(scene.World, process, "0-other").Owner, scene.Bus.MakeEndpoint(process, "0-mine"),
        ];
        foreach (Handle file in files)
        {
            Assert.Equal(Errno.EOPNOTSUPP, a.Send(m => m.To(a.Id).Fds(file.Descriptor)));
            Assert.Equal(Errno.EOPNOTSUPP, a.Send(m => m.To(a.Id).Fds(process.EventFd(), file.Descriptor)));
        }
        a.HasNothing();
        int directory = process.Open(scene.Bus.Path, OpenFlags.ReadOnly);
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(directory)));
        Assert.Equal(0, process.StatDescriptor(a.ReceiveWithDescriptors().Fds[0], out FileStatus status));
        Assert.True(status.IsDirectory);
    }

    [Theory, Worlds]
    public void SND_31_a_unix_socket_is_EOPNOTSUPP_and_no_other_socket_is(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (int type in (int[])[Sockets.Stream, Sockets.Datagram, Sockets.SequentialPackets])
        {
            int unix = a.Process.Socket(Sockets.Unix, type);
            Assert.Equal((type, Errno.EOPNOTSUPP), (type, a.Send(m => m.To(a.Id).Fds(unix))));
        }
        Assert.Equal(0, a.Process.SocketPair(Sockets.Stream, out int one, out _));
        Assert.Equal(Errno.EOPNOTSUPP, a.Send(m => m.To(a.Id).Fds(one)));
        foreach (int type in (int[])[Sockets.Stream, Sockets.Datagram])
        {
            int internet = a.Process.Socket(Sockets.Internet, type);
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(internet)));
            Assert.Single(a.ReceiveWithDescriptors().Fds);
        }
    }

    [Theory, Worlds]
    public void SND_32_a_descriptor_that_only_names_a_file_travels(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int[] sent = [.. ((string[])["/dev/null", "/", scene.Bus.Endpoint, scene.PathOf("control")]).Select(path => a.Process.Open(path, OpenFlags.Path))];
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds(sent)));
        foreach (int received in a.ReceiveWithDescriptors().Fds)
            Assert.Equal(OpenFlags.Path, a.Process.FileControl(received, FileCommands.GetStatusFlags) & OpenFlags.Path);
    }

    [Theory, Worlds]
    public void SND_33_a_broadcast_with_descriptors_is_ENOTUNIQ(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer refuses = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        b.MatchesEverything();
        refuses.MatchesEverything();
        int file = a.Process.EventFd();
        Assert.Equal(Errno.ENOTUNIQ, a.Broadcast(m => m.Fds(file)));
        Assert.Equal(Errno.ENOTUNIQ, a.Broadcast(m => m.Fds(-1)));
        b.HasNothing();

        // To one it goes, if that one takes descriptors; the sender is not told whether it does.
        Assert.Equal(Errno.OK, a.Signal(m => m.To(b.Id).Fds(file)));
        Assert.Single(b.ReceiveWithDescriptors().Fds);
        Assert.Equal(Errno.OK, a.Signal(m => m.To(refuses.Id).Fds(file)));
        refuses.HasNothingAndLost(0);
    }

    [Theory, Worlds]
    public void SND_34_a_broadcast_with_a_memfd_gives_each_listener_a_descriptor(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer[] listeners = [scene.Connect(), scene.Connect(), scene.Connect()];
        foreach (Peer listener in listeners)
            listener.MatchesEverything();
        int memfd = a.Process.SealedFile(s_content);
        Assert.Equal(Errno.OK, a.Broadcast(m => m.Memfd(memfd, 4, 6)));
        Assert.Equal(0, a.Process.Close(memfd));
        foreach (Peer listener in listeners)
        {
            KdbusMemfd received = Assert.Single(listener.ReceiveWithDescriptors().Memfds);
            byte[] content = new byte[6];
            Assert.Equal(6, listener.Process.ReadAt(received.Fd, content, 4));
            Assert.Equal("456789"u8, content);
        }
    }

    [Theory, Worlds]
    public void SND_40_descriptors_have_4_bytes_each(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (int size in (int[])[1, 3, 6, 7])
            Assert.Equal((size, Errno.EINVAL), (size, a.Send(m => m.To(a.Id).Item(ItemType.Fds, new byte[size]))));
        a.HasNothing();

        // None at all is nothing to say, and nothing comes of it.
        Peer refuses = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Assert.Equal(Errno.OK, a.Send(m => m.To(refuses.Id).Fds()));
        Assert.Empty(refuses.Receive().Items);
        Assert.Equal(Errno.EEXIST, a.Send(m => m.To(a.Id).Fds().Fds()));
    }

    private static void Memfds(OutgoingMessage message, int memfd, int count)
    {
        for (int i = 0; i < count; i++)
            message.Memfd(memfd, 0, 8);
    }
}
