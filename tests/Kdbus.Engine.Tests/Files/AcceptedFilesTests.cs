namespace Kdbus.Engine.Tests.Files;

/// <summary>Who has not said that it accepts descriptors is sent none; who has gets so many from one user.</summary>
public sealed class AcceptedFilesTests
{
    private const string Name = "org.example.service";

    private readonly TestDomain _world = new();
    private readonly TestPeer _sender;

    public AcceptedFilesTests() => _sender = _world.Connect();

    [Fact]
    public void Descriptors_are_ECOMM_where_they_are_not_accepted_and_memfds_are_not()
    {
        var receiver = _world.Connect();
        Assert.Equal(Errno.ECOMM, Fds(1).Send(_sender, receiver.Id).Result);
        Assert.Equal(0, _world.OpenFiles);
        Assert.Equal(Errno.OK, Fds(0).Send(_sender, receiver.Id).Result);
        Assert.Equal(Errno.OK, new Letter().Memfd(_world.Memfd()).Send(_sender, receiver.Id).Result);
        Assert.Equal(Errno.OK, new Letter { Pidfd = _world.Pidfd() }.Send(_sender, receiver.Id).Result);
        Assert.Empty(_world.Effects.Refusals);
    }

    [Fact]
    public void A_monitor_sees_them_even_so()
    {
        var (receiver, monitor) = (_world.Connect(), _world.Connect(flags: HelloFlags.Monitor));
        Assert.Equal(Errno.ECOMM, Fds(2).Send(_sender, receiver.Id).Result);
        Assert.Equal([-1, -1], monitor.Numbers(monitor.Recv().Info));
        Assert.Equal(0, _world.OpenFiles);
    }

    [Fact]
    public void A_signal_that_is_not_accepted_goes_nowhere()
    {
        var receiver = _world.Connect();
        Assert.Equal(Errno.OK, receiver.MatchAll());
        var letter = Fds(1).Item(Frame.Item(ItemType.BloomFilter, new byte[8 + 64]));
        Assert.Equal(Errno.OK, letter.Send(_sender, new KdbusMsg { DstId = receiver.Id, Flags = (ulong)MessageFlags.Signal }).Result);
        Assert.Equal((0, 0UL, 0), (receiver.Connection.Queued, receiver.Connection.Dropped, _world.OpenFiles));
    }

    [Fact]
    public void One_user_has_sixteen_in_a_queue()
    {
        var receiver = _world.Connect(flags: HelloFlags.AcceptFd);
        Assert.Equal(Errno.OK, Fds(9).Send(_sender, receiver.Id).Result);
        Assert.Equal(Errno.EMFILE, Fds(8).Send(_sender, receiver.Id).Result);
        Assert.Equal(Errno.OK, Fds(7).Memfd(_world.Memfd()).Send(_sender, receiver.Id).Result);
        Assert.Equal(Errno.EMFILE, Fds(1).Send(_sender, receiver.Id).Result);
        Assert.Equal(Errno.EMFILE, Fds(1).Send(_world.Connect(), receiver.Id).Result);
        Assert.Equal(Errno.OK, Fds(16).Send(_world.Connect(uid: 0), receiver.Id).Result);
        Assert.Equal(Errno.OK, new Letter { Pidfd = _world.Pidfd() }.Memfd(_world.Memfd()).Send(_sender, receiver.Id).Result);
        Assert.Equal(Errno.OK, Fds(16).Send(_sender, _world.Connect(flags: HelloFlags.AcceptFd).Id).Result);

        // It is the queue that counts, not what becomes of them.
        var received = receiver.Recv(takesDescriptors: true);
        Assert.Equal(Errno.EMFILE, Fds(10).Send(_sender, receiver.Id).Result);
        Assert.Equal(Errno.OK, Fds(9).Send(_sender, receiver.Id).Result);
        received.Handout!.End(done: true);
        receiver.Recv(RecvFlags.Drop);
        Assert.Equal(Errno.OK, Fds(7).Send(_sender, receiver.Id).Result);
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void What_moves_to_who_does_not_accept_them_is_lost_and_counted(bool isCopied)
    {
        var activator = _world.Connect(flags: HelloFlags.Activator | HelloFlags.AcceptFd, name: Name);
        var service = _world.Connect();
        var named = Frame.Item(ItemType.DstName, Name);
        var place = isCopied ? PayloadPlace.Remote : PayloadPlace.Here;
        var sending = new Letter { Place = place }.Vec("x"u8).Fds(_world.File(), _world.File()).Item(named).Send(_sender, 0);
        Assert.Equal(Errno.OK, new Letter().Memfd(_world.Memfd()).Item(named).Send(_sender, 0).Result);
        Assert.Equal(Errno.OK, service.Acquire(Name));
        if (isCopied) Assert.Equal(Errno.OK, _sender.Commit(sending));

        Assert.Equal((0, 1, 1UL), (activator.Connection.Queued, service.Connection.Queued, service.Connection.Dropped));
        Assert.Equal(1, _world.OpenFiles);
        Assert.Empty(activator.Connection.Quota.Shares);
    }

    [Fact]
    public void What_moves_is_counted_at_the_new_place()
    {
        var activator = _world.Connect(flags: HelloFlags.Activator | HelloFlags.AcceptFd, name: Name);
        var service = _world.Connect(flags: HelloFlags.AcceptFd);
        var named = Frame.Item(ItemType.DstName, Name);
        Assert.Equal(Errno.OK, Fds(10).Send(_sender, service.Id).Result);
        Assert.Equal(Errno.OK, Fds(6).Item(named).Send(_sender, 0).Result);
        Assert.Equal(Errno.OK, Fds(1).Item(named).Send(_sender, 0).Result);
        Assert.Equal(Errno.OK, service.Acquire(Name));
        Assert.Equal((2, 1UL, 16), (service.Connection.Queued, service.Connection.Dropped, _world.OpenFiles));
        Assert.Empty(activator.Connection.Quota.Shares);
    }

    private Letter Fds(int count) => new Letter().Fds([.. Enumerable.Range(0, count).Select(_ => _world.File())]);
}
