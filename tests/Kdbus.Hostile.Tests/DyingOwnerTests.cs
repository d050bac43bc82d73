namespace Kdbus.Hostile.Tests;

/// <summary>Those who hold something of the bus are killed: what they held is free at once, and who should know of it is told.</summary>
public sealed class DyingOwnerTests
{
    private const string Name = "com.example.Kept";
    private const string Other = "com.example.Lost";
    private const uint Stranger = 40003;
    private const int Large = 100_000;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_names_of_a_killed_owner_go_to_who_waits_or_are_free(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer watcher = scene.ConnectWatcher();
        Peer victim = scene.Connect();
        Peer heir = scene.Connect();
        victim.Owns(Name);
        victim.Owns(Other);
        heir.WaitsFor(Name);
        watcher.Notifications();

        Death.Of(victim.Process);
        Moment.Await(() => scene.Process.Poll(watcher.Handle.Descriptor, PollEvents.In, 0) != 0 || watcher.Handle.Poll() != 0, "news");
        List<Notification> news = [];
        Moment.Await(
            () =>
            {
                news.AddRange(watcher.Notifications());
                return news.Count >= 2;
            },
            "news of both names");
        Assert.Equal(
            [
                Notification.NameChange(victim.Id, NameFlags.None, heir.Id, NameFlags.Queue, Name),
                Notification.NameRemove(victim.Id, NameFlags.None, Other),
            ],
            news);
        Assert.Equal(heir.Id, watcher.OwnerOf(Name));
        Assert.Equal(Errno.ESRCH, watcher.ConnInfo(Other).Result);
        watcher.Owns(Other);
        Assert.DoesNotContain(watcher.Listed(ListFlags.Unique | ListFlags.Names | ListFlags.Queued), record => record.Id == victim.Id);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_killed_activator_takes_its_name_its_policy_and_what_has_waited_with_it(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer watcher = scene.ConnectWatcher();
        Peer user = scene.ConnectAs(Scene.User);
        Peer victim = scene.Connect(Peer.ActivatorHello(Name, static p => p.World(PolicyAccessLevel.Own)));
        Assert.Equal(Errno.OK, user.Send(static m => m.ToName(Name).ExpectReply(3, long.MaxValue - 1).Vec(new byte[5000])));
        SynchronousCall call = user.Call(m => m.ToName(Name).ExpectReply(4, user.Deadline(60_000)));
        victim.AwaitReadable();
        Assert.True(call.StaysBlocked());
        watcher.Notifications();

        Death.Of(victim.Process);
        Assert.Equal(Errno.EPIPE, call.Result());
        Assert.Equal(Notification.ReplyDead, user.AwaitMessage().Notification);
        Assert.Equal([Notification.NameRemove(victim.Id, NameFlags.Activator, Name)], watcher.Notifications());
        Assert.Equal(Errno.ESRCH, user.Send(static m => m.ToName(Name)));
        Assert.Equal(Errno.EPERM, user.Acquire(Name));
        Peer next = scene.Connect(Peer.ActivatorHello(Name, static p => p.World(PolicyAccessLevel.Own)));
        next.HasNothing();
        user.Owns(Name);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_killed_policy_holder_takes_its_policy_with_it(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer user = scene.ConnectAs(Scene.User);
        Peer victim = scene.Connect(Peer.PolicyHolderHello("com.example.*", static p => p.World(PolicyAccessLevel.Own)));
        user.Owns(Name);
        user.GivesUp(Name);
        Death.Of(victim.Process);
        Moment.Await(
            () =>
            {
                Errno acquired = user.Acquire(Name);
                if (acquired == Errno.OK)
                    user.GivesUp(Name);
                return acquired == Errno.EPERM;
            },
            "the end of the policy");
        scene.Connect(Peer.PolicyHolderHello("com.example.*", static p => p.World(PolicyAccessLevel.Own)));
        user.Owns(Name);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_name_does_not_go_to_a_waiter_that_was_killed(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer owner = scene.Connect();
        Peer victim = scene.Connect();
        Peer second = scene.Connect();
        owner.Owns(Name);
        victim.WaitsFor(Name);
        second.WaitsFor(Name);
        Death.Of(victim.Process);
        Moment.Await(() => owner.ConnInfo(victim.Id).Result == Errno.ENXIO, "the end of the waiter");
        owner.GivesUp(Name);
        Assert.Equal(second.Id, owner.OwnerOf(Name));
        second.GivesUp(Name);
        owner.Owns(Name);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_large_signal_whose_sender_was_killed_while_it_was_read_reaches_nobody_and_takes_no_room(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        Peer witness = scene.ConnectAs(Scene.User);
        List<Peer> listeners = [];
        for (int i = 0; i < 3; i++)
        {
            listeners.Add(scene.ConnectAs(Scene.User, Peer.HelloCommand(poolSize: 1 << 20)));
            listeners[i].Matches(static m => m.BloomMask(Bloom.Nothing));
        }
        Peer victim = scene.ConnectAs(Scene.User);
        listeners.Add(scene.Connect(Peer.MonitorHello(poolSize: 1 << 20)));
        ulong payload = slow.MapHeld(victim.Process, 0, new byte[Large]);
        ulong command = victim.Process.Scratch.Place(victim.SendCommand(
            m => m.Flags(MessageFlags.Signal).To(Constants.DstIdBroadcast).BloomFilter(Bloom.Everything).Vec(payload, Large)).ToArray());
        _ = victim.Process.IoctlInThread(victim.Handle.Descriptor, (uint)Command.Send, command);
        slow.AwaitHeld(0);
        Death.Of(victim.Process);
        slow.Answer(0);
        Moment.Await(() => witness.ConnInfo(victim.Id).Result == Errno.ENXIO, "the end of the sender");

        // All of the share that one user may have of a pool is free again, and nothing lies in it.
        foreach (Peer listener in listeners)
        {
            foreach (ReceivedMessage message in listener.ReceiveAll())
                Assert.Equal(Constants.SrcIdKernel, message.Header.SrcId);
        }
        Assert.Equal(Errno.OK, witness.Broadcast(static m => m.Cookie(9).Vec(new byte[170_000]), Bloom.Everything));
        foreach (Peer listener in listeners)
        {
            ReceivedMessage message = listener.ReceiveAndFree();
            Assert.Equal((9UL, 170_000), (message.Header.Cookie, message.Payload.Length));
            listener.HasNothingAndLost(0);
        }
    }
}
