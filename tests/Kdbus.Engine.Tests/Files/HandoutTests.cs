using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Files;

/// <summary>Descriptors are sent to who receives a message, and it says which numbers they got.</summary>
public sealed class HandoutTests
{
    private const ulong WithPidfd = 0x3fff | (ulong)AttachFlags.Pidfd;

    private readonly TestDomain _world = new();
    private readonly TestPeer _sender;
    private readonly TestPeer _receiver;

    public HandoutTests()
    {
        _sender = _world.Connect(attach: WithPidfd);
        _receiver = _world.Connect(flags: HelloFlags.AcceptFd, attach: WithPidfd);
    }

    [Fact]
    public void Files_come_in_the_order_of_FDS_memfds_and_pidfd()
    {
        var (files, received) = Receive();
        Assert.Equal(files, received.Handout!.Files);
        Assert.Empty(received.Handout.Contents);
        Assert.Equal(received.Info.Offset, received.Handout.Offset);
        Assert.False(received.IsIncomplete);
        Assert.Equal([-1, -1, -1, -1, -1], _receiver.Numbers(received.Info));
        received.Handout.End(done: true);
        Assert.Equal(Errno.OK, _receiver.Install(received.Info.Offset, 10, 11, 12, 13, 14));
        Assert.Equal([10, 11, 12, 13, 14], _receiver.Numbers(received.Info));
    }

    [Fact]
    public void Items_stand_in_the_order_of_the_sender_and_descriptors_behind_them()
    {
        var letter = new Letter().Fds(_world.File()).Vec("abc"u8).Memfd(_world.Memfd(), 7, 13).Vec("de"u8).Item(Frame.Item(ItemType.DstName, "a.b"));
        Assert.Equal(Errno.OK, _receiver.Acquire("a.b"));
        Assert.Equal(Errno.OK, letter.Send(_sender, 0).Result);
        var received = _receiver.Recv(takesDescriptors: true);
        var items = _receiver.Items(received.Info);
        Assert.Equal([ItemType.DstName, ItemType.PayloadOff, ItemType.PayloadMemfd, ItemType.PayloadOff, ItemType.Fds], items.Take(5).Select(item => item.Type));
        var memfd = Frame.As<KdbusMemfd>(items[2].Payload);
        Assert.Equal((7UL, 13UL, -1), (memfd.Start, memfd.Size, memfd.Fd));
        Assert.Equal("abcde"u8.ToArray(), received.Payload);
        // 13 % 8 zero bytes stand for the memfd.
        Assert.Equal(5UL, Frame.As<KdbusVec>(items[3].Payload).Offset - Frame.As<KdbusVec>(items[1].Payload).Offset - 3);
    }

    [Fact]
    public void Numbers_are_told_once()
    {
        var (_, received) = Receive();
        received.Handout!.End(done: true);
        Assert.Equal(Errno.ENXIO, _receiver.Install(received.Info.Offset + 8, 1, 2, 3, 4, 5));
        Assert.Equal(Errno.EINVAL, _receiver.Install(received.Info.Offset, 1, 2, 3, 4));
        Assert.Equal(Errno.EINVAL, _receiver.Install(received.Info.Offset, 1, 2, 3, 4, 5, 6));
        Assert.Equal(Errno.EINVAL, _receiver.Install(received.Info.Offset));
        Assert.Equal([-1, -1, -1, -1, -1], _receiver.Numbers(received.Info));
        Assert.Equal(Errno.OK, _receiver.Install(received.Info.Offset, 1, -1, int.MinValue, -2, 0));
        Assert.Equal([1, -1, -1, -1, 0], _receiver.Numbers(received.Info));
        Assert.Equal(Errno.ENXIO, _receiver.Install(received.Info.Offset, 1, 2, 3, 4, 5));
        Assert.Equal([1, -1, -1, -1, 0], _receiver.Numbers(received.Info));
    }

    [Fact]
    public void They_may_be_told_before_it_is_known_that_all_went_well()
    {
        var (_, received) = Receive();
        Assert.Equal(Errno.OK, _receiver.Install(received.Info.Offset, 1, 2, 3, 4, 5));
        received.Handout!.End(done: true);
        Assert.Equal([1, 2, 3, 4, 5], _receiver.Numbers(received.Info));
        Assert.Equal(0, _world.OpenFiles);
    }

    [Fact]
    public void If_they_could_not_be_sent_there_are_none()
    {
        var (_, received) = Receive();
        received.Handout!.End(done: false);
        Assert.Equal(Errno.ENXIO, _receiver.Install(received.Info.Offset, 1, 2, 3, 4, 5));
        Assert.Equal([-1, -1, -1, -1, -1], _receiver.Numbers(received.Info));
        Assert.Equal(0, _world.OpenFiles);
        Assert.Equal(Errno.OK, _receiver.Free(received.Info.Offset));
    }

    [Theory]
    [CombinatorialBooleans(2)]
    public void Who_frees_the_message_is_not_asked_for_numbers_any_more(bool isEnded, bool done)
    {
        var (_, received) = Receive();
        if (isEnded) received.Handout!.End(done);
        Assert.Equal(Errno.OK, _receiver.Free(received.Info.Offset));
        Assert.Equal(Errno.ENXIO, _receiver.Install(received.Info.Offset, 1, 2, 3, 4, 5));

        // Another message lies there now: the end of the first one is nothing to it.
        var (_, next) = Receive();
        Assert.Equal(received.Info.Offset, next.Info.Offset);
        if (!isEnded) received.Handout!.End(done);
        next.Handout!.End(done: true);
        Assert.Equal(Errno.OK, _receiver.Install(next.Info.Offset, 1, 2, 3, 4, 5));
        Assert.Equal(0, _world.OpenFiles);
    }

    [Fact]
    public void A_message_without_descriptors_does_not_inherit_the_question()
    {
        var (_, received) = Receive();
        received.Handout!.End(done: true);
        Assert.Equal(Errno.OK, _receiver.Free(received.Info.Offset));
        Assert.Equal(Errno.OK, _sender.Send(_receiver.Id, 1, "x"u8).Result);
        Assert.Equal(received.Info.Offset, _receiver.Recv().Info.Offset);
        Assert.Equal(Errno.ENXIO, _receiver.Install(received.Info.Offset, 1, 2, 3, 4, 5));
    }

    [Fact]
    public void Files_stay_open_until_they_are_sent_whoever_ends()
    {
        var (_, received) = Receive();
        Assert.Equal(5, _world.OpenFiles);
        _sender.Close();
        _receiver.Close();
        Assert.Equal(5, _world.OpenFiles);
        Assert.Equal(Errno.EBADF, _receiver.Install(received.Info.Offset, 1, 2, 3, 4, 5));
        received.Handout!.End(done: true);
        Assert.Equal(0, _world.OpenFiles);
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void Who_looks_gets_nothing(bool takesDescriptors)
    {
        Send();
        var seen = _receiver.Recv(RecvFlags.Peek, takesDescriptors: takesDescriptors);
        Assert.Equal((null, false), (seen.Handout, seen.IsIncomplete));
        Assert.Equal([-1, -1, -1, -1, -1], _receiver.Numbers(seen.Info));
        Assert.Equal(Errno.ENXIO, _receiver.Install(seen.Info.Offset, 1, 2, 3, 4, 5));
        Assert.Equal(5, _world.OpenFiles);
        var received = _receiver.Recv(takesDescriptors: true);
        Assert.Equal((seen.Info.Offset, 5), (received.Info.Offset, received.Handout!.Files.Count));
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void Who_wants_no_descriptors_gets_memfds_without(bool takesDescriptors)
    {
        var modest = _world.Connect(attach: WithPidfd);
        Assert.Equal(Errno.OK, new Letter { Pidfd = _world.Pidfd() }.Memfd(_world.Memfd()).Send(_sender, modest.Id).Result);
        var received = modest.Recv(takesDescriptors: takesDescriptors);
        Assert.Equal((null, false), (received.Handout, received.IsIncomplete));
        Assert.Equal([-1, -1], modest.Numbers(received.Info));
        Assert.Equal(0, _world.OpenFiles);
    }

    [Fact]
    public void Who_gets_only_FDS_without_a_socket_lacks_them()
    {
        Assert.Equal(Errno.OK, new Letter().Fds(_world.File()).Send(_sender, _receiver.Id).Result);
        var received = _receiver.Recv();
        Assert.Equal((null, true), (received.Handout, received.IsIncomplete));
        Assert.Equal([-1], _receiver.Numbers(received.Info));
        Assert.Equal(0, _world.OpenFiles);
    }

    [Theory]
    [CombinatorialBooleans(3)]
    public void A_pidfd_is_sent_if_there_is_one(bool hasPidfd, bool hasFile, bool takesDescriptors)
    {
        var letter = new Letter { Pidfd = hasPidfd ? _world.Pidfd() : 0, TellsPidfd = true };
        if (hasFile) letter.Fds(_world.File());
        Assert.Equal(Errno.OK, letter.Send(_sender, _receiver.Id).Result);
        var received = _receiver.Recv(takesDescriptors: takesDescriptors);
        Assert.Equal(!takesDescriptors || !hasPidfd, received.IsIncomplete);
        Assert.All(_receiver.Numbers(received.Info), number => Assert.Equal(-1, number));

        var sent = takesDescriptors ? (hasPidfd ? 1 : 0) + (hasFile ? 1 : 0) : 0;
        Assert.Equal(sent, received.Handout?.Files.Count ?? 0);
        if (sent > 0 && hasPidfd) Assert.Equal(letter.Pidfd, received.Handout!.Files[^1]);
        received.Handout?.End(done: true);
        int[] numbers = [.. Enumerable.Range(9, sent)];
        Assert.Equal(sent > 0 ? Errno.OK : Errno.ENXIO, _receiver.Install(received.Info.Offset, numbers));
        Assert.Equal([.. numbers, .. Enumerable.Repeat(-1, 1 + (hasFile ? 1 : 0) - sent)], _receiver.Numbers(received.Info));
        Assert.Equal(0, _world.OpenFiles);
    }

    [Fact]
    public void A_monitor_sees_all_and_shares_the_files()
    {
        var monitor = _world.Connect(flags: HelloFlags.Monitor);
        Send();
        var seen = monitor.Recv(takesDescriptors: true);
        Assert.Equal((null, 4), (seen.Handout, monitor.Numbers(seen.Info).Length));
        Assert.Equal(5, _world.OpenFiles);

        var curious = _world.Connect(flags: HelloFlags.Monitor | HelloFlags.AcceptFd);
        Send();
        Assert.Equal(4, curious.Recv(takesDescriptors: true).Handout!.Files.Count);
    }

    [Fact]
    public void Messages_without_descriptors_wait_for_no_numbers()
    {
        Assert.Equal(Errno.OK, _sender.Send(_receiver.Id, 1, "x"u8).Result);
        var received = _receiver.Recv(takesDescriptors: true);
        Assert.Null(received.Handout);
        Assert.Equal(Errno.ENXIO, _receiver.Install(received.Info.Offset));
        Assert.Equal(Errno.ENXIO, _receiver.Install(0));
        Assert.Equal(Errno.ENXIO, _receiver.Install(ulong.MaxValue));
    }

    private ulong[] Send()
    {
        SentFile[] files = [_world.File(), _world.File(), _world.Memfd(), _world.Memfd()];
        var letter = new Letter { Pidfd = _world.Pidfd() }.Vec("x"u8);
        // Memfds before FDS, and yet their numbers come behind.
        letter.Memfd(files[2]);
        letter.Fds(files[0], files[1]);
        letter.Memfd(files[3]);
        Assert.Equal(Errno.OK, letter.Send(_sender, _receiver.Id).Result);
        return [.. files.Select(file => file.File), letter.Pidfd];
    }

    private (ulong[] Files, Received Received) Receive()
    {
        var files = Send();
        var received = _receiver.Recv(takesDescriptors: true);
        Assert.Equal(Errno.OK, received.Result);
        return (files, received);
    }
}
