namespace Kdbus.Conformance.Statements;

/// <summary>What policy holders and activators grant on a bus to those who are not privileged there.</summary>
[AlsoByExchange]
public class BusPolicyStatements
{
    private const string Name = "com.x.a";
    private const uint Group = 5000;

    private const PolicyAccessLevel See = PolicyAccessLevel.See;
    private const PolicyAccessLevel Talk = PolicyAccessLevel.Talk;
    private const PolicyAccessLevel Own = PolicyAccessLevel.Own;

    [Theory, Worlds]
    public void POL_01_without_policy_a_user_owns_nothing_and_talks_to_nobody(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EPERM, user.Acquire("com.x.b"));
        Assert.Equal(Errno.EPERM, user.Acquire(Name));
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.ESRCH, user.Send(m => m.ToName("com.x.b")));
        Assert.Equal(Errno.EPERM, user.SendInFull(m => m.To(a.Id).ExpectReply(1, user.Deadline(1000)), SendFlags.SyncReply).Result);
        a.HasNothing();
    }

    /// <summary>Among themselves the connections of one user need no policy.</summary>
    [Theory, Worlds]
    public void POL_01_a_user_talks_to_himself(WorldKind world)
    {
        using Scene scene = new(world);
        Peer one = scene.ConnectAs(Scene.User);
        Peer same = scene.ConnectAs(Scene.User);
        Peer other = scene.ConnectAs(Scene.OtherUser);
        Assert.Equal(Errno.OK, one.Send(m => m.To(same.Id)));
        Assert.Equal(Errno.EPERM, one.Send(m => m.To(other.Id)));
        same.Receive();
        other.HasNothing();
    }

    [Theory, Worlds]
    public void POL_02_a_user_who_may_own_a_name_acquires_it_and_others_do_not(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Own)));
        Peer user = scene.ConnectAs(Scene.User);
        Peer other = scene.ConnectAs(Scene.OtherUser);
        Assert.Equal(Errno.EPERM, other.Acquire(Name));
        user.Owns(Name);
        Assert.Equal(Errno.EPERM, user.Acquire("com.x.b"));
        // Who may own it may talk to who does, and see it; nobody else may.
        Assert.Equal(Errno.EPERM, other.Send(m => m.ToName(Name)));
    }

    [Theory, Worlds]
    public void POL_03_a_group_has_its_members_by_their_egid_and_by_their_other_groups(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.Group(Group, Own)));
        Peer stranger = scene.Connect(scene.SpawnAs(Scene.User, 4999, 5001));
        Assert.Equal(Errno.EPERM, stranger.Acquire(Name));
        Peer member = scene.Connect(scene.SpawnAs(Scene.User, 4999, Group, 5001));
        member.Owns(Name);
        member.GivesUp(Name);
        IProcess process = scene.World.Spawn();
        Assert.Equal(0, process.Become(Scene.OtherUser, Group));
        scene.Connect(process).Owns(Name);
    }

    [Theory, Worlds]
    public void POL_03_a_group_of_the_policy_decides_about_talking_as_well(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer member = scene.Connect(scene.SpawnAs(Scene.User, Group));
        Peer stranger = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EPERM, member.Send(m => m.ToName(Name)));
        // The policy comes after both of them.
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.Group(Group, Talk)));
        Assert.Equal(Errno.OK, member.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.OK, member.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, stranger.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.EPERM, member.Acquire(Name));
    }

    [Theory, Worlds]
    public void POL_04_who_may_talk_to_a_name_may_use_the_id_of_its_owner(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(Talk)));
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.OK, user.Send(m => m.To(a.Id).Cookie(1)));
        Assert.Equal(Errno.OK, user.Send(m => m.ToName(Name).Cookie(2)));
        Assert.Equal(1UL, a.Receive().Header.Cookie);
        Assert.Equal(2UL, a.Receive().Header.Cookie);
        Assert.Equal(Errno.EPERM, user.Acquire(Name));
    }

    [Theory, Worlds]
    public void POL_05_the_permission_goes_with_the_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(Talk)));
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.OK, user.Send(m => m.To(a.Id)));
        a.GivesUp(Name);
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
        // What was queued stays.
        a.Receive();
    }

    [Theory, Worlds]
    public void POL_06_one_name_that_may_be_talked_to_opens_all_of_its_owner(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        a.Owns("com.x.b");
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(Talk)));
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.OK, user.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.OK, user.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.OK, user.Send(m => m.ToName("com.x.b")));
    }

    [Theory, Worlds]
    public void POL_07_to_see_a_name_is_not_to_talk_to_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(See)));
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EPERM, user.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
    }

    /// <summary>The highest of all levels that apply counts, whatever their order.</summary>
    [Theory, Worlds]
    public void POL_07_of_several_levels_the_highest_counts(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(See).User(Scene.User, Own).User(Scene.User, See).World(Talk)));
        Peer user = scene.ConnectAs(Scene.User);
        Peer other = scene.ConnectAs(Scene.OtherUser);
        user.Owns(Name);
        Assert.Equal(Errno.EPERM, other.Acquire(Name));
        Assert.Equal(Errno.OK, other.Send(m => m.ToName(Name)));
    }

    [Theory, Worlds]
    public void POL_08_what_a_connection_grants_ends_when_it_is_closed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer user = scene.ConnectAs(Scene.User);
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(Talk)));
        Assert.Equal(Errno.OK, user.Send(m => m.ToName(Name)));
        holder.Close();
        Assert.Equal(Errno.EPERM, user.Send(m => m.ToName(Name)));

        Peer activator = scene.Connect(Peer.ActivatorHello("com.x.b", static p => p.World(Own)));
        Assert.Equal(Errno.OK, user.Send(m => m.ToName("com.x.b")));
        user.Owns("com.x.b");
        user.GivesUp("com.x.b");
        activator.Close();
        Assert.Equal(Errno.EPERM, user.Acquire("com.x.b"));

        // The last copy of the handle counts.
        Peer shared = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(Talk)));
        Assert.True(shared.Process.Fork(out IProcess? child) > 0);
        shared.Close();
        Assert.Equal(Errno.OK, user.Send(m => m.ToName(Name)));
        Assert.Equal(0, child!.Exit());
        Assert.Equal(Errno.EPERM, user.Send(m => m.ToName(Name)));
    }

    [Theory, Worlds]
    public void POL_09_a_name_in_the_policy_of_another_is_EEXIST_and_everything_stays(WorldKind world)
    {
        using Scene scene = new(world);
        Peer one = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Own)));
        Peer two = scene.Connect(Peer.PolicyHolderHello("com.x.b", static p => p.User(Scene.User, Own)));
        Assert.Equal(Errno.EEXIST, two.Update(static p => p.Name(Name).World(Own)));
        Peer user = scene.ConnectAs(Scene.User);
        user.Owns("com.x.b");
        user.Owns(Name);
        user.GivesUp(Name);
        user.GivesUp("com.x.b");
        Assert.Equal(Errno.EPERM, scene.ConnectAs(Scene.OtherUser).Acquire(Name));

        // When the first is gone the name is free for the second, who gives up his own for it.
        one.Close();
        Assert.Equal(Errno.EPERM, user.Acquire(Name));
        Assert.Equal(Errno.OK, two.Update(static p => p.Name(Name).World(Own)));
        user.Owns(Name);
        Assert.Equal(Errno.EPERM, user.Acquire("com.x.b"));
    }

    [Theory, Worlds]
    public void POL_09_an_update_replaces_what_was_granted(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Own)));
        Peer user = scene.ConnectAs(Scene.User);
        user.Owns(Name);
        Assert.Equal(Errno.OK, holder.Update(static p => p.Name(Name).User(Scene.OtherUser, Own)));
        // What is owned stays owned.
        Assert.Equal(Errno.EEXIST, scene.Connect().Acquire(Name));
        user.GivesUp(Name);
        Assert.Equal(Errno.EPERM, user.Acquire(Name));
        Assert.Equal(Errno.OK, holder.Update(static p => p.Name(Name)));
        Assert.Equal(Errno.EPERM, scene.ConnectAs(Scene.OtherUser).Acquire(Name));
    }

    [Theory, Worlds]
    public void POL_10_a_holder_holds_one_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Own)));
        Assert.Equal(Errno.E2BIG, holder.Update(static p => p.Name(Name).World(Own).Name("com.x.b").World(Own)));
        Peer other = scene.ConnectAs(Scene.OtherUser);
        Assert.Equal(Errno.EPERM, other.Acquire(Name));
        Assert.Equal(Errno.EPERM, other.Acquire("com.x.b"));
    }

    [Theory, Worlds]
    public void POL_10_policy_that_makes_no_sense_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Own)));
        Assert.Equal(Errno.EINVAL, holder.Update(static p => p.World(Own)));
        Assert.Equal(Errno.EINVAL, holder.Update(static p => p.World(Own).Name(Name)));
        Assert.Equal(Errno.EINVAL, holder.Update(static p => p.Name("com").World(Own)));
        Assert.Equal(Errno.EINVAL, holder.Update(static p => p.Name(Name).Access((ulong)PolicyAccessType.World, 3, 0)));
        Assert.Equal(Errno.EINVAL, holder.Update(static p => p.Name(Name).Access((ulong)PolicyAccessType.None, (ulong)Own, 0)));
        Assert.Equal(Errno.EINVAL, holder.Update(static p => p.Name(Name).Access(4, (ulong)Own, 0)));
        scene.ConnectAs(Scene.User).Owns(Name);
    }

    [Theory, Worlds]
    public void POL_11_a_wildcard_stands_for_exactly_one_element(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.PolicyHolderHello("a.b.*", static p => p.User(Scene.User, Own)));
        Peer user = scene.ConnectAs(Scene.User);
        user.Owns("a.b.c");
        user.Owns("a.b.x-y_z");
        Assert.Equal(Errno.EPERM, user.Acquire("a.b"));
        Assert.Equal(Errno.EPERM, user.Acquire("a.b.c.d"));
        Assert.Equal(Errno.EPERM, user.Acquire("a.bc"));
        Assert.Equal(Errno.EPERM, user.Acquire("a.c.b"));
        Assert.Equal(Errno.EINVAL, user.Acquire("a.b.*"));
    }

    [Theory, Worlds]
    public void POL_12_an_entry_for_the_very_name_hides_a_wildcard(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.PolicyHolderHello("a.b.*", static p => p.World(Own)));
        Peer exact = scene.Connect(Peer.PolicyHolderHello("a.b.c"));
        Peer user = scene.ConnectAs(Scene.User);
        user.Owns("a.b.d");
        Assert.Equal(Errno.EPERM, user.Acquire("a.b.c"));
        Assert.Equal(Errno.OK, exact.Update(static p => p.Name("a.b.c").World(Talk)));
        Assert.Equal(Errno.EPERM, user.Acquire("a.b.c"));
        exact.Close();
        user.Owns("a.b.c");
    }

    [Theory, Worlds]
    public void POL_13_a_wildcard_is_another_name_than_its_stem(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.PolicyHolderHello(Name));
        Peer b = scene.Connect(Peer.PolicyHolderHello("com.x.b"));
        Assert.Equal(Errno.EEXIST, b.Update(static p => p.Name(Name)));
        Assert.Equal(Errno.OK, b.Update(static p => p.Name(Name + ".*")));
        Assert.Equal(Errno.EEXIST, a.Update(static p => p.Name(Name + ".*")));
        Assert.Equal(Errno.OK, a.Update(static p => p.Name(Name)));
    }

    [Theory, Worlds]
    public void POL_14_a_policy_holder_does_nothing_else(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Recv().Result);
        Assert.Equal(Errno.EOPNOTSUPP, holder.Acquire(Name));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Release(Name));
        Assert.Equal(Errno.EOPNOTSUPP, holder.AddMatch(static _ => { }));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Byebye());
        Assert.Equal(Errno.EOPNOTSUPP, holder.Update(recv: 0));
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(holder.Id)));
        Assert.Equal(Errno.ESRCH, a.Send(m => m.ToName(Name)));
    }

    [Theory, Worlds]
    public void POL_15_the_privileged_need_no_policy(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Own)));
        scene.Connect(Peer.PolicyHolderHello("com.x.b"));
        Peer a = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        user.Owns(Name);
        a.Owns("com.x.b");
        Assert.Equal(Errno.OK, a.Send(m => m.To(user.Id)));
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
    }

    /// <summary>The owner of a bus is privileged on it, whoever he is; root is by his capability.</summary>
    [Theory, Worlds]
    public void POL_15_the_owner_of_a_bus_is_privileged_on_it(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess owner = scene.SpawnAs(Scene.User);
        TestBus bus = TestBus.Make(scene.World, owner, $"{Scene.User}-own");
        Peer mine = Peer.Hello(bus.Open(scene.SpawnAs(Scene.User)));
        mine.Owns(Name);
        Peer other = Peer.Hello(bus.Open(scene.SpawnAs(Scene.OtherUser)));
        Assert.Equal(Errno.EPERM, other.Acquire("com.x.b"));
        Assert.Equal(Errno.EPERM, other.Send(m => m.To(mine.Id)));
        Assert.Equal(Errno.OK, mine.Send(m => m.To(other.Id)));
        Peer root = Peer.Hello(bus.Open(scene.World.Spawn()));
        Assert.Equal(Errno.OK, root.Send(m => m.To(mine.Id)));
        Peer.Hello(bus.Open(scene.SpawnAs(Scene.User)), Peer.MonitorHello());
    }

    [Theory, Worlds]
    public void POL_28_the_id_of_everybody_is_any_number_and_that_of_nobody_is_none(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name));
        Assert.Equal(Errno.OK, holder.Update(static p => p.Name(Name).Access((ulong)PolicyAccessType.World, (ulong)Talk, ulong.MaxValue)));
        Assert.Equal(Errno.EINVAL, holder.Update(static p => p.Name(Name).User(uint.MaxValue, Talk)));
        Assert.Equal(Errno.EINVAL, holder.Update(static p => p.Name(Name).Group(uint.MaxValue, Talk)));
        Assert.Equal(Errno.OK, holder.Update(static p => p.Name(Name).User(uint.MaxValue - 1, Talk)));
        // Of the 64 bits the lower half is the id.
        Assert.Equal(Errno.OK, holder.Update(static p => p.Name(Name).Access((ulong)PolicyAccessType.User, (ulong)Own, 1UL << 40 | Scene.User)));
        scene.ConnectAs(Scene.User).Owns(Name);
    }

    [Theory, Worlds]
    public void POL_29_users_make_no_policy(WorldKind world)
    {
        using Scene scene = new(world);
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EOPNOTSUPP, user.Update(static p => p.Name(Name).World(Own)));
        Handle handle = scene.Bus.Open(user.Process);
        Assert.Equal(Errno.EPERM, handle.Run(Command.Hello, Peer.PolicyHolderHello(Name, static p => p.World(Own))).Result);
        Assert.Equal(Errno.EPERM, user.Acquire(Name));
    }

    [Theory, Worlds]
    public void POL_31_a_broadcast_reaches_who_may_talk_to_its_sender_now(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer user = scene.ConnectAs(Scene.User);
        user.Matches(static m => m.Id());
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Cookie(1)));
        user.HasNothing();
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(Talk)));
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Cookie(2)));
        Assert.Equal(2UL, user.Receive().Header.Cookie);
        a.GivesUp(Name);
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Cookie(3)));
        user.HasNothing();
    }

    /// <summary>A receiver is asked for by the groups it had when it said HELLO.</summary>
    [Theory, Worlds]
    public void POL_31_the_groups_of_a_receiver_count_for_broadcasts(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer member = scene.Connect(scene.SpawnAs(Scene.User, Group));
        Peer stranger = scene.Connect(scene.SpawnAs(Scene.User));
        member.MatchesEverything();
        stranger.MatchesEverything();
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.Group(Group, Talk)));
        member.ReceiveAll();
        stranger.ReceiveAll();
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Cookie(1)));
        Assert.Equal(1UL, member.Receive().Header.Cookie);
        stranger.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_24_a_user_without_policy_gets_no_broadcast_of_the_privileged(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        user.MatchesEverything();
        Assert.Equal(Errno.OK, a.Broadcast());
        user.HasNothingAndLost(0);
    }

    [Theory, Worlds]
    public void BRD_25_the_privileged_get_the_broadcasts_of_users(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.MatchesEverything();
        Peer user = scene.ConnectAs(Scene.User);
        a.ReceiveAll();
        Assert.Equal(Errno.OK, user.Broadcast(static m => m.Cookie(1)));
        ReceivedMessage got = a.Receive();
        Assert.Equal((user.Id, 1UL), (got.Header.SrcId, got.Header.Cookie));
    }

    [Theory, Worlds]
    public void BRD_26_users_get_their_own_broadcasts_and_not_those_of_others(WorldKind world)
    {
        using Scene scene = new(world);
        Peer one = scene.ConnectAs(Scene.User);
        Peer same = scene.ConnectAs(Scene.User);
        Peer other = scene.ConnectAs(Scene.OtherUser);
        same.Matches(static m => m.Id());
        other.Matches(static m => m.Id());
        Assert.Equal(Errno.OK, one.Broadcast(static m => m.Cookie(1)));
        Assert.Equal(1UL, same.Receive().Header.Cookie);
        other.HasNothing();
        // The same holds for a signal to one: its receiver must be allowed to talk to who sends it.
        Assert.Equal(Errno.OK, one.Signal(m => m.To(other.Id)));
        other.HasNothingAndLost(0);
        Assert.Equal(Errno.OK, one.Signal(m => m.To(same.Id).Cookie(2)));
        Assert.Equal(2UL, same.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void BRD_27_a_name_open_to_the_world_broadcasts_to_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(Talk)));
        Peer user = scene.ConnectAs(Scene.User);
        user.Matches(static m => m.Id());
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Cookie(1)));
        Assert.Equal(1UL, user.Receive().Header.Cookie);
    }
}
