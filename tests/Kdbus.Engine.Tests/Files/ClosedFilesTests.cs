using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Files;

/// <summary>However a message ends, its files are closed, once, when nobody has them any more; and then nobody is charged for them.</summary>
public sealed class ClosedFilesTests
{
    private const string Name = "org.example.service";

    private readonly TestDomain _world = new();
    private readonly TestPeer _sender;
    private readonly TestPeer _receiver;

    public ClosedFilesTests()
    {
        _sender = _world.Connect();
        _receiver = _world.Connect(flags: HelloFlags.AcceptFd);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(RecvFlags.Drop)]
    public void A_message_that_leaves_the_queue_takes_them_along(RecvFlags flags)
    {
        Send();
        Assert.Equal(Errno.OK, _receiver.Recv(RecvFlags.Peek).Result);
        AssertOpen(3);
        var received = _receiver.Recv(flags);
        Assert.Equal(Errno.OK, received.Result);
        received.Handout?.End(done: false);
        AssertOpen(0);
    }

    [Fact]
    public void Who_ends_takes_along_those_in_its_queue()
    {
        Send();
        Send();
        AssertOpen(6);
        _receiver.Close();
        AssertOpen(0);
    }

    [Fact]
    public void The_bus_takes_along_all_of_them()
    {
        Send();
        _world.Close(_world.BusOwner);
        AssertOpen(0);
    }

    [Fact]
    public void Who_sent_them_may_be_gone()
    {
        Send();
        _sender.Close();
        Assert.Equal(3, _world.OpenFiles);
        Assert.Equal(Errno.OK, _receiver.Recv(RecvFlags.Drop).Result);
        AssertOpen(0);
    }

    [Fact]
    public void All_who_get_a_broadcast_share_them()
    {
        var other = _world.Connect();
        var monitor = _world.Connect(flags: HelloFlags.Monitor);
        Assert.Equal((Errno.OK, Errno.OK), (_receiver.MatchAll(), other.MatchAll()));
        Assert.Equal(Errno.OK, new Letter().Memfd(_world.Memfd()).Memfd(_world.Memfd()).Broadcast(_sender).Result);
        AssertOpen(2);
        Assert.Equal(Errno.OK, _receiver.Recv(RecvFlags.Drop).Result);
        other.Close();
        AssertOpen(2);
        monitor.Close();
        AssertOpen(0);
    }

    [Fact]
    public void A_broadcast_that_nobody_wants_has_them_closed()
    {
        Assert.Equal(Errno.OK, new Letter().Memfd(_world.Memfd()).Broadcast(_sender).Result);
        AssertOpen(0);
    }

    [Fact]
    public void Who_cannot_be_found_or_has_no_room_does_not_get_them()
    {
        Assert.Equal(Errno.ENXIO, Three().Send(_sender, 999).Result);
        var small = _world.Connect(poolSize: 4096, flags: HelloFlags.AcceptFd);
        Assert.Equal(Errno.ENOBUFS, Three().Zeroes(1).Vec(new byte[3000]).Send(_sender, small.Id).Result);
        small.Pool.IsExhausted = true;
        Assert.Equal(Errno.ENOMEM, Three().Send(_sender, small.Id).Result);
        AssertOpen(0);
    }

    [Fact]
    public void A_payload_that_cannot_be_read_has_them_closed()
    {
        var letter = new Letter { Place = PayloadPlace.Unreadable };
        Assert.Equal(Errno.EFAULT, letter.Vec(new byte[8]).Fds(_world.File()).Send(_sender, _receiver.Id).Result);
        AssertOpen(0);
    }

    [Theory]
    [InlineData(Errno.OK, 2)]
    [InlineData(Errno.EFAULT, 0)]
    [InlineData(Errno.EINTR, 0)]
    public void They_wait_for_a_payload_to_be_copied(Errno copied, int left)
    {
        var letter = new Letter { Place = PayloadPlace.Remote }.Vec(new byte[8]).Fds(_world.File()).Memfd(_world.Memfd());
        var sending = letter.Send(_sender, _receiver.Id);
        AssertOpen(2);
        Assert.Equal(copied, _sender.Commit(sending, copied));
        AssertOpen(left);
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void Who_ends_while_a_payload_is_copied_does_not_keep_them(bool senderToo)
    {
        var letter = new Letter { Place = PayloadPlace.Remote }.Vec(new byte[8]).Fds(_world.File());
        var sending = letter.Send(_sender, _receiver.Id);
        _receiver.Close();
        if (senderToo) _sender.Close();
        Assert.Equal(1, _world.OpenFiles);
        Assert.Equal(Errno.ECONNRESET, _sender.Commit(sending));
        AssertOpen(0);
    }

    [Fact]
    public void A_command_that_is_not_executed_has_them_closed()
    {
        Assert.Equal(Errno.EBADF, Execute(handle: 999, new KdbusCmdSend()));
        Assert.Equal(Errno.EBADFD, Execute(_world.Open(_world.Bus.DefaultEndpoint), new KdbusCmdSend()));
        Assert.Equal(Errno.EINVAL, Execute(_sender.Handle, new KdbusCmdSend { Flags = 1UL << 40 }));
        Assert.Equal(Errno.OK, Execute(_sender.Handle, new KdbusCmdSend { Flags = Constants.FlagNegotiate }, Frame.Item(ItemType.Negotiate, 0L)));
        Assert.Equal(Errno.EFAULT, Execute(_sender.Handle, new KdbusCmdSend { MsgAddress = 3 }));
        var activator = _world.Connect(flags: HelloFlags.Activator, name: Name);
        Assert.Equal(Errno.EOPNOTSUPP, Execute(activator.Handle, new KdbusCmdSend()));
        Assert.Equal(Errno.OK, _sender.Byebye());
        Assert.Equal(Errno.ECONNRESET, Execute(_sender.Handle, new KdbusCmdSend()));
        AssertOpen(0);
    }

    [Fact]
    public void So_has_one_that_is_dropped_before()
    {
        var call = new Invocation { Handle = _sender.Handle, Request = 1, Ioctl = (uint)Command.Send, Now = _world.Now, Frame = [], Files = [_world.File()], Pidfd = _world.Pidfd() };
        _world.Domain.Abandon(call);
        AssertOpen(0);
    }

    [Fact]
    public void A_pidfd_is_closed_whether_somebody_is_told_of_it_or_not()
    {
        Assert.Equal(Errno.OK, new Letter { Pidfd = _world.Pidfd() }.Send(_sender, _receiver.Id).Result);
        AssertOpen(1);
        Assert.Null(_receiver.Recv(takesDescriptors: true).Handout);
        AssertOpen(0);
        Assert.Equal(Errno.ENXIO, new Letter { Pidfd = _world.Pidfd() }.Send(_sender, 999).Result);
        AssertOpen(0);
    }

    [Fact]
    public void They_move_with_their_message()
    {
        var activator = _world.Connect(flags: HelloFlags.Activator | HelloFlags.AcceptFd, name: Name);
        Assert.Equal(Errno.OK, Three().Item(Frame.Item(ItemType.DstName, Name)).Send(_sender, 0).Result);
        Assert.Equal(Errno.OK, _receiver.Acquire(Name));
        AssertOpen(3);
        Assert.Equal((0, 1), (activator.Connection.Queued, _receiver.Connection.Queued));
        activator.Close();
        AssertOpen(3);
        Assert.Equal(3, Receive(_receiver).Count);
        AssertOpen(0);
    }

    [Fact]
    public void They_are_counted_until_then()
    {
        var world = new TestDomain(new DomainLimits { FilesInFlight = 16 });
        var sender = world.Connect();
        var first = world.Connect(flags: HelloFlags.AcceptFd);
        Assert.Equal(Errno.OK, Many(world, 10).Send(sender, first.Id).Result);
        Assert.Equal(Errno.EMFILE, Many(world, 7).Send(sender, first.Id).Result);
        Assert.Equal(Errno.OK, Many(world, 6).Send(sender, first.Id).Result);
        Assert.Equal(Errno.EMFILE, Many(world, 1).Send(sender, first.Id).Result);
        Assert.Equal(Errno.EMFILE, new Letter { Pidfd = world.Pidfd() }.Send(sender, first.Id).Result);
        Assert.Equal(Errno.OK, new Letter().Send(sender, first.Id).Result);
        Assert.Equal(Errno.OK, Many(world, 16).Send(world.Connect(uid: 0), first.Id).Result);

        // What is being handed out is still there.
        var handout = first.Recv(takesDescriptors: true).Handout!;
        Assert.Equal(Errno.EMFILE, Many(world, 1).Send(sender, first.Id).Result);
        handout.End(done: true);
        Assert.Equal(Errno.OK, Many(world, 10).Send(sender, first.Id).Result);
        Assert.Equal(16, sender.Connection.User.Files);
    }

    [Fact]
    public void A_user_is_not_forgotten_before()
    {
        var other = _world.Connect(uid: 0);
        Assert.Equal(Errno.OK, Three().Send(other, _receiver.Id).Result);
        other.Close();
        var handout = _receiver.Recv(takesDescriptors: true).Handout!;
        Assert.Equal(3, _world.Domain.UserOf(0).Files);
        handout.End(done: true);
        Assert.DoesNotContain(Inside.Users(_world.Domain), user => user.Uid == 0);
    }

    private static Letter Many(TestDomain world, int memfds)
    {
        var letter = new Letter();
        for (var i = 0; i < memfds; i++) letter.Memfd(world.Memfd());
        return letter;
    }

    private static IReadOnlyList<ulong> Receive(TestPeer receiver)
    {
        var handout = receiver.Recv(takesDescriptors: true).Handout!;
        handout.End(done: true);
        return handout.Files;
    }

    private Letter Three() => new Letter().Fds(_world.File(), _world.File()).Memfd(_world.Memfd());

    private void Send() => Assert.Equal(Errno.OK, Three().Send(_sender, _receiver.Id).Result);

    private Errno Execute(ulong handle, KdbusCmdSend command, params ReadOnlySpan<byte[]> items)
    {
        var call = new Invocation
        {
            Handle = handle, Request = _world.NextRequest(), Ioctl = (uint)Command.Send, Now = _world.Now, Frame = Frame.Of(command, items),
            Files = [_world.File(), new SentFile(Errno.EBADF, 0)], Pidfd = _world.Pidfd(),
        };
        return _world.Domain.Execute(ref call).Result;
    }

    private void AssertOpen(int count)
    {
        Assert.Equal(count, _world.OpenFiles);
        Assert.Equal(0, _world.Domain.BusItself.Files);
        Assert.Equal(count, Inside.Users(_world.Domain).Sum(user => user.Files));
    }
}
