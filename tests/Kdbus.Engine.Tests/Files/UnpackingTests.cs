namespace Kdbus.Engine.Tests.Files;

/// <summary>Who can be sent no descriptors gets what memfds hold in its pool, if there is room.</summary>
public sealed class UnpackingTests
{
    private readonly TestDomain _world = new();
    private readonly TestPeer _sender;

    public UnpackingTests() => _sender = _world.Connect();

    [Fact]
    public void It_looks_as_if_all_had_been_sent_in_vectors()
    {
        var receiver = Receiver();
        var (first, second) = (_world.Memfd(), _world.Memfd());
        var letter = new Letter().Vec("abc"u8).Memfd(first, 5, 21).Zeroes(6).Memfd(second, 0, 8).Vec("z"u8);
        Assert.Equal(Errno.OK, letter.Send(_sender, receiver.Id).Result);
        var received = receiver.Recv();
        Assert.False(received.IsIncomplete);
        Assert.Equal(0UL, received.Info.Offset % 8);
        End(received);
        received = receiver.Read(received.Info);
        Assert.Equal(
            [.. "abc"u8, .. SampleFile.Content(first.File, 5, 21), .. SampleFile.Content(second.File, 0, 8), .. "z"u8],
            received.Payload);
        var stream = 0UL;
        foreach (var (type, payload) in receiver.Items(received.Info).Where(item => item.Type == ItemType.PayloadOff))
        {
            Assert.Equal(ItemType.PayloadOff, type);
            var piece = Frame.As<KdbusVec>(payload);
            if (piece.Offset != Constants.OffsetNone) Assert.Equal(stream % 8, piece.Offset % 8);
            stream += piece.Size;
        }

        Assert.Equal(3UL + 21 + 6 + 8 + 1, stream);
        Assert.Equal(0, _world.OpenFiles);
        Assert.Equal(Errno.ENXIO, receiver.Install(received.Info.Offset, 1, 2));
        Assert.Equal(Errno.OK, receiver.Free(received.Info.Offset));
        AssertEmpty(receiver);
    }

    [Fact]
    public void FDS_are_missing_all_the_same()
    {
        var receiver = Receiver();
        Assert.Equal(Errno.OK, new Letter().Memfd(_world.Memfd()).Fds(_world.File(), _world.File()).Send(_sender, receiver.Id).Result);
        var received = receiver.Recv();
        Assert.True(received.IsIncomplete);
        Assert.Equal([-1, -1], receiver.Numbers(received.Info));
        Assert.Equal(Errno.ENXIO, receiver.Install(received.Info.Offset));
        Assert.Equal(Errno.ENXIO, receiver.Install(received.Info.Offset, 1, 2));
        End(received);
        Assert.Equal(10, receiver.Read(received.Info).Payload.Length);
    }

    [Fact]
    public void Where_it_was_seen_there_it_stays()
    {
        var receiver = Receiver();
        Send(receiver, 10);
        var seen = receiver.Recv(RecvFlags.Peek);
        var received = receiver.Recv();
        Assert.Equal((seen.Info.Offset, null, true), (received.Info.Offset, received.Handout, received.IsIncomplete));
        Assert.Equal([-1], receiver.Numbers(received.Info));
        Assert.Equal(0, _world.OpenFiles);

        Send(receiver, 10);
        seen = receiver.Recv(RecvFlags.Peek);
        Assert.Equal(Errno.OK, receiver.Free(seen.Info.Offset));
        received = receiver.Recv();
        Assert.NotNull(received.Handout);
    }

    [Theory]
    [InlineData(1UL << 20)]
    [InlineData(ulong.MaxValue)]
    [InlineData(60_000UL)] // the pool has room, the quota of the sender has not
    [InlineData(65_000UL)]
    public void A_memfd_that_has_no_room_stays_a_descriptor(ulong size)
    {
        var receiver = Receiver();
        Send(receiver, size);
        var (before, received) = (receiver.Pool.TimesUnused, receiver.Recv());
        Assert.Equal((null, true), (received.Handout, received.IsIncomplete));
        Assert.Equal([-1], receiver.Numbers(received.Info));
        Assert.Equal(before, receiver.Pool.TimesUnused);
        Assert.Equal(0, _world.OpenFiles);
    }

    [Fact]
    public void Neither_has_it_in_a_pool_that_is_full_or_a_host_without_memory()
    {
        var receiver = Receiver();
        Send(receiver, 5000);
        var hole = receiver.Connection.Pool;
        Assert.Equal(Errno.OK, hole.Allocate(hole.LargestFree - 4096, out var slice));
        Assert.True(receiver.Recv().IsIncomplete);
        hole.ReleaseByBus(slice);

        Send(receiver, 5000);
        receiver.Pool.IsExhausted = true;
        Assert.True(receiver.Recv().IsIncomplete);
    }

    [Fact]
    public void Sizes_that_are_too_much_for_a_number_together_have_no_room_either()
    {
        var receiver = Receiver();
        var huge = new Letter();
        foreach (var size in new[] { 1UL << 63, 1UL << 63, 100UL }) huge.Memfd(_world.Memfd(ulong.MaxValue), 0, size);
        Assert.Equal(Errno.OK, huge.Send(_sender, receiver.Id).Result);
        var received = receiver.Recv();
        Assert.Equal((null, true), (received.Handout, received.IsIncomplete));
    }

    [Fact]
    public void Memory_for_it_is_taken_when_it_comes()
    {
        var receiver = Receiver();
        Send(receiver, 10_000);
        var before = receiver.Pool.BackedBytes;
        var received = receiver.Recv();
        Assert.InRange(receiver.Pool.BackedBytes - before, 64, 1000);
        End(received);
    }

    [Fact]
    public void As_large_as_the_quota_allows_it_is()
    {
        // A third of half the pool, with what the message takes already.
        var receiver = Receiver();
        Send(receiver, 10_000);
        var received = receiver.Recv();
        Assert.False(received.IsIncomplete);
        Assert.InRange(received.Info.MsgSize, 10_000UL, 10_400UL);
        End(received);
        AssertCharged(receiver, 0);
    }

    [Fact]
    public void What_could_not_be_copied_nobody_sees()
    {
        var receiver = Receiver();
        Send(receiver, 100);
        var received = receiver.Recv();
        received.Handout!.End(done: false);
        Assert.Equal(Errno.ENXIO, receiver.Free(received.Info.Offset));
        AssertEmpty(receiver);
        Assert.Equal(0, _world.OpenFiles);
    }

    [Theory]
    [CombinatorialBooleans(2)]
    public void Nothing_else_comes_to_lie_where_it_is_copied(bool done, bool receiverEnds)
    {
        var receiver = Receiver();
        Send(receiver, 100);
        var received = receiver.Recv();
        Assert.Equal(Errno.OK, receiver.Free(received.Info.Offset));
        Assert.Equal(Errno.ENXIO, receiver.Free(received.Info.Offset));
        if (receiverEnds)
        {
            receiver.Close();
        }
        else
        {
            Send(receiver, 1);
            Assert.NotEqual(received.Info.Offset, receiver.Recv(RecvFlags.Peek).Info.Offset);
        }

        Assert.True(SampleFile.Copy(received.Handout!));
        received.Handout!.End(done);
        Assert.DoesNotContain(Inside.UsedSlices(receiver.Connection.Pool), slice => slice.Offset == received.Info.Offset);
    }

    [Fact]
    public void A_pool_that_its_owner_writes_is_not_read_back_and_offsets_are_right()
    {
        var receiver = _world.Connect(flags: HelloFlags.AcceptFd, isPoolWritable: true);
        var file = _world.Memfd();
        Assert.Equal(Errno.OK, new Letter().Memfd(file).Send(_sender, receiver.Id).Result);
        receiver.Pool.Scribble(0xee);
        var received = receiver.Recv();
        End(received);
        Assert.Equal(SampleFile.Content(file.File, 0, 10), receiver.Read(received.Info).Payload);
    }

    private TestPeer Receiver() => _world.Connect(flags: HelloFlags.AcceptFd);

    private void Send(TestPeer receiver, ulong size) =>
        Assert.Equal(Errno.OK, new Letter().Memfd(_world.Memfd(ulong.MaxValue), 0, size).Send(_sender, receiver.Id).Result);

    private static void End(Received received)
    {
        Assert.Empty(received.Handout!.Files);
        Assert.True(SampleFile.Copy(received.Handout));
        received.Handout.End(done: true);
    }

    private static void AssertEmpty(TestPeer receiver)
    {
        // What HELLO returned lies there still.
        Assert.Single(Inside.UsedSlices(receiver.Connection.Pool));
        AssertCharged(receiver, 0);
    }

    private static void AssertCharged(TestPeer receiver, ulong bytes) => Assert.Equal(bytes, Inside.AccountedBytes(receiver.Connection));
}
