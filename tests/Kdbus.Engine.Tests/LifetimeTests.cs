namespace Kdbus.Engine.Tests;

/// <summary>What lives by a handle ends with it, and what was charged on its user is given back; no earlier.</summary>
public sealed class LifetimeTests
{
    private readonly TestDomain _world = new();

    [Fact]
    public void A_handle_gets_one_role()
    {
        var control = _world.OpenControl();
        Assert.Equal(Errno.EBADFD, _world.Domain.Admit(control, (uint)Command.Hello));
        Assert.Equal(Errno.OK, _world.MakeBus(control, "1000-second").Result);
        Assert.Equal(Errno.EBADFD, _world.MakeBus(control, "1000-third").Result);

        var peer = _world.Connect();
        Assert.Equal(Errno.EBADFD, peer.Hello());
        Assert.Equal(Errno.EBADFD, _world.MakeEndpoint(peer.Handle, "1000-door").Result);
    }

    [Fact]
    public void An_unknown_number_is_ENOTTY_and_an_unknown_handle_EBADF()
    {
        Assert.Equal(Errno.ENOTTY, _world.Domain.Admit(_world.BusOwner, 0x40189503));
        Assert.Equal(Errno.EBADF, _world.Domain.Admit(999, (uint)Command.Send));
    }

    [Fact]
    public void With_the_bus_owner_goes_the_bus()
    {
        var peer = _world.Connect();
        var untyped = _world.Open(_world.Bus.DefaultEndpoint);
        _world.Close(_world.BusOwner);
        Assert.False(_world.Bus.Alive);
        Assert.Empty(_world.Bus.Endpoints);
        Assert.False(peer.Connection.Endpoint.Alive);
        Assert.Contains(peer.Handle, _world.Effects.Wakes);
        Assert.Equal(PollState.HungUp, _world.Domain.Poll(peer.Handle));
        Assert.Equal(Errno.ECONNRESET, peer.Byebye());
        Assert.Equal(Errno.ESHUTDOWN, _world.Domain.Admit(untyped, (uint)Command.Hello));
        Assert.Equal(Errno.ESHUTDOWN, _world.Domain.Open(77, _world.Bus.FindEndpoint("bus") ?? peerEndpoint(peer), TestDomain.CallerOf(1000)));
        Assert.Empty(_world.Domain.Buses);
        peer.Close();
        _world.Close(untyped);
        Assert.Equal((0, 0), (_world.Domain.OpenHandles, Inside.KnownUsers(_world.Domain)));

        static Endpoint peerEndpoint(TestPeer peer) => peer.Connection.Endpoint;
    }

    [Fact]
    public void With_the_endpoint_owner_go_the_endpoint_and_its_connections_only()
    {
        var owner = _world.Open(_world.Bus.DefaultEndpoint);
        Assert.Equal(Errno.OK, _world.MakeEndpoint(owner, "1000-door").Result);
        var inside = _world.Connect(endpoint: _world.Bus.FindEndpoint("1000-door"));
        var outside = _world.Connect();
        _world.Close(owner);
        Assert.Equal((false, true), (inside.Connection.Alive, outside.Connection.Alive));
        Assert.Null(_world.Bus.FindEndpoint("1000-door"));
    }

    [Fact]
    public void BYEBYE_needs_an_empty_queue_and_happens_once()
    {
        var peer = _world.Connect();
        peer.Send(peer.Id, 1);
        Assert.Equal(Errno.EBUSY, peer.Byebye());
        peer.Recv(); // received and not freed is received
        Assert.Equal(Errno.OK, peer.Byebye());
        Assert.Equal(Errno.ECONNRESET, peer.Byebye());
        Assert.Equal(1, _world.Domain.UserOf(TestDomain.Uid).Connections);
        peer.Close();
        Assert.Equal(0, _world.Domain.UserOf(TestDomain.Uid).Connections);
    }

    [Fact]
    public void A_bus_that_cannot_be_told_to_its_maker_is_undone()
    {
        var control = _world.OpenControl();
        Assert.True(_world.MakeBus(control, "1000-second") is { Result: Errno.OK, Made: true });
        _world.Domain.Undo(control, _world.Now);
        Assert.Null(_world.Domain.FindBus("1000-second"));
        Assert.Equal(Errno.OK, _world.MakeBus(control, "1000-second").Result);
        Assert.Equal(2, _world.Domain.UserOf(TestDomain.Uid).Buses);
    }

    [Fact]
    public void A_connection_that_cannot_be_told_to_its_maker_is_undone_and_its_handle_may_try_again()
    {
        var other = _world.Connect();
        var peer = _world.Connect();
        var first = peer.Id;
        other.Ask(peer.Id, 7);
        _world.Domain.Undo(peer.Handle, _world.Now);
        Assert.Equal(ItemType.ReplyDead, other.Take().FirstItem);
        Assert.Equal(PollState.HungUp, _world.Domain.Poll(peer.Handle));

        Assert.Equal(Errno.OK, peer.Hello());
        Assert.NotEqual(first, peer.Id);
        Assert.Equal(2, _world.Domain.UserOf(TestDomain.Uid).Connections);
        peer.Close();
        Assert.Equal(1, _world.Domain.UserOf(TestDomain.Uid).Connections);
    }

    [Fact]
    public void Undoing_what_is_closed_does_nothing() => _world.Domain.Undo(4711, _world.Now);

    [Fact]
    public void A_user_has_1024_connections_and_those_that_said_BYEBYE_count_until_they_are_closed()
    {
        var peers = Enumerable.Range(0, Limits.UserMaxConn).Select(_ => _world.Connect(poolSize: 4096)).ToArray();
        var more = new TestPeer(_world, _world.Open(_world.Bus.DefaultEndpoint), TestDomain.Uid, new PoolMemory(4096));
        Assert.Equal(Errno.EMFILE, more.Hello());
        peers[0].Byebye();
        Assert.Equal(Errno.EMFILE, more.Hello());
        peers[0].Close();
        Assert.Equal(Errno.OK, more.Hello());
        var other = new TestPeer(_world, _world.Open(_world.Bus.DefaultEndpoint, uid: 7), 7, new PoolMemory(4096));
        Assert.Equal(Errno.OK, other.Hello());
    }

    [Fact]
    public void A_user_has_16_buses()
    {
        for (var i = 1; i < Limits.UserMaxBuses; i++) Assert.Equal(Errno.OK, _world.MakeBus(_world.OpenControl(), $"1000-{i}").Result);
        var control = _world.OpenControl();
        Assert.Equal(Errno.EMFILE, _world.MakeBus(control, "1000-more").Result);
        _world.Close(_world.BusOwner);
        Assert.Equal(Errno.OK, _world.MakeBus(control, "1000-more").Result);
    }

    [Fact]
    public void What_a_user_has_queued_counts_after_its_connections_are_gone()
    {
        var receiver = _world.Connect(poolSize: 4096);
        var sent = Fill(receiver);
        var again = Fill(receiver);
        Assert.True(sent > 0);
        Assert.Equal(0, again);
        receiver.Take();
        Assert.Equal(1, Fill(receiver));

        int Fill(TestPeer at)
        {
            // Root may talk to a user; it is root's quota that fills.
            var sender = _world.Connect(uid: 0);
            var count = 0;
            while (SendAsRoot(sender, at, ref count)) { }
            sender.Close();
            return count;
        }

        static bool SendAsRoot(TestPeer sender, TestPeer receiver, ref int count)
        {
            var queued = sender.Send(receiver.Id, 1).Result == Errno.OK;
            if (queued) count++;
            return queued;
        }
    }

    [Fact]
    public void A_user_is_forgotten_when_the_last_message_charged_on_it_is_gone()
    {
        var receiver = _world.Connect();
        var sender = _world.Connect(uid: 0);
        Assert.Equal(Errno.OK, sender.Send(receiver.Id, 1).Result);
        sender.Close();
        Assert.Equal(2, Inside.KnownUsers(_world.Domain));
        receiver.Take();
        Assert.Equal(1, Inside.KnownUsers(_world.Domain));
    }

    [Fact]
    public void A_HELLO_that_fails_leaves_no_user_behind()
    {
        var handle = _world.Open(_world.Bus.DefaultEndpoint, uid: 7);
        Assert.Equal(Errno.ENOMEM, new TestPeer(_world, handle, 7, new PoolMemory(4096) { IsExhausted = true }).Hello());
        Assert.Equal(1, Inside.KnownUsers(_world.Domain));
    }
}
