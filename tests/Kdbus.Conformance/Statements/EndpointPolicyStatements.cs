namespace Kdbus.Conformance.Statements;

/// <summary>What a custom endpoint lets through: at first nothing, then what its own policy says, if the bus allows it too.</summary>
[AlsoByExchange]
public class EndpointPolicyStatements
{
    private const string Name = "com.x.a";
    private const string OtherName = "com.x.b";
    private const string Door = "0-door";

    private const PolicyAccessLevel See = PolicyAccessLevel.See;
    private const PolicyAccessLevel Talk = PolicyAccessLevel.Talk;
    private const PolicyAccessLevel Own = PolicyAccessLevel.Own;

    [Theory, Worlds]
    public void POL_16_through_an_endpoint_without_policy_not_even_its_owner_owns_or_talks(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Bus.MakeEndpoint(scene.Process, Door);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer inside = scene.ConnectAt(Door);
        Assert.Equal(Errno.EPERM, inside.Acquire(OtherName));
        Assert.Equal(Errno.EPERM, inside.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, inside.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.ESRCH, inside.Send(m => m.ToName(OtherName)));
        // The endpoint restricts who is inside, not who is outside.
        Assert.Equal(Errno.OK, a.Send(m => m.To(inside.Id)));
        inside.Receive();
    }

    [Theory, Worlds]
    public void POL_17_who_may_talk_to_a_name_reaches_its_owner(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer b = scene.Connect();
        Peer inside = scene.ConnectAt(Door);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).User(0, Talk)));
        Assert.Equal(Errno.OK, inside.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.OK, inside.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, inside.Send(m => m.To(b.Id)));
        a.GivesUp(Name);
        Assert.Equal(Errno.EPERM, inside.Send(m => m.To(a.Id)));
    }

    [Theory, Worlds]
    public void POL_18_what_the_bus_denies_the_endpoint_cannot_grant(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).World(Own)));
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer user = scene.ConnectAt(scene.SpawnAs(Scene.User), Door);
        Assert.Equal(Errno.EPERM, user.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Talk)));
        Assert.Equal(Errno.OK, user.Send(m => m.ToName(Name)));
        // And what the endpoint denies the bus cannot.
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).World(See)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.ToName(Name)));
        holder.Close();
    }

    [Theory, Worlds]
    public void POL_19_a_name_is_owned_if_endpoint_and_bus_allow_it(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).User(0, Own)));
        Peer inside = scene.ConnectAt(Door);
        Assert.Equal(Errno.EPERM, inside.Acquire(Name));
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(0, Own)));
        inside.Owns(Name);
        inside.GivesUp(Name);
        holder.Close();
        Assert.Equal(Errno.EPERM, inside.Acquire(Name));
        scene.Connect(Peer.PolicyHolderHello(OtherName, static p => p.World(Own)));
        Assert.Equal(Errno.EPERM, inside.Acquire(OtherName));
    }

    [Theory, Worlds]
    public void POL_20_what_cannot_be_seen_is_as_if_it_were_not_there(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer inside = scene.ConnectAt(Door);
        Assert.Equal(Errno.ESRCH, inside.ConnInfo(Name).Result);
        Assert.Equal(Errno.ENXIO, inside.ConnInfo(a.Id).Result);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).User(0, See)));
        Assert.Equal(a.Id, inside.OwnerOf(Name));
        Assert.Equal(Errno.OK, inside.ConnInfo(a.Id).Result);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(OtherName).User(0, See)));
        Assert.Equal(Errno.ESRCH, inside.ConnInfo(Name).Result);
        Assert.Equal(Errno.ENXIO, inside.ConnInfo(a.Id).Result);
        // Who is outside sees who is inside.
        Assert.Equal(Errno.OK, a.ConnInfo(inside.Id).Result);
    }

    /// <summary>Here the ids of who asks count, with groups.</summary>
    [Theory, Worlds]
    public void POL_20_who_sees_a_name_is_decided_for_who_asks_now(WorldKind world)
    {
        const uint Group = 5000;
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).Group(Group, See)));
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer member = scene.ConnectAt(scene.SpawnAs(Scene.User, Group), Door);
        Peer stranger = scene.ConnectAt(scene.SpawnAs(Scene.User), Door);
        Assert.Equal(a.Id, member.OwnerOf(Name));
        Assert.Equal(Errno.ESRCH, stranger.ConnInfo(Name).Result);
        Assert.Single(member.Listed(ListFlags.Names));
        Assert.Empty(stranger.Listed(ListFlags.Names));
    }

    [Theory, Worlds]
    public void POL_21_a_list_of_names_has_those_that_can_be_seen(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Peer a = scene.Connect();
        a.Owns(Name);
        a.Owns(OtherName);
        Peer inside = scene.ConnectAt(Door);
        Assert.Empty(inside.Listed(ListFlags.Names));
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(OtherName).World(See)));
        Assert.Equal(OtherName, Assert.Single(inside.Listed(ListFlags.Names)).Name);
        Assert.Equal(2, scene.Connect().Listed(ListFlags.Names).Count);
        // Ids are no secret.
        Assert.Contains(inside.Listed(ListFlags.Unique), record => record.Id == a.Id);
    }

    [Theory, Worlds]
    public void POL_21_only_changes_of_names_that_can_be_seen_are_told(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).World(See)));
        Peer inside = scene.ConnectAt(Door);
        inside.MatchesEverything();
        Peer a = scene.Connect();
        a.Owns(OtherName);
        a.Owns(Name);
        a.GivesUp(OtherName);
        a.GivesUp(Name);
        a.Close();
        Assert.Equal([Notification.NameAdd(a.Id, 0, Name), Notification.NameRemove(a.Id, 0, Name)], inside.Notifications());
    }

    [Theory, Worlds]
    public void POL_22_a_name_twice_in_one_update_is_EEXIST_and_the_old_policy_stays(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer inside = scene.ConnectAt(Door);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).World(Talk)));
        Assert.Equal(Errno.EEXIST, door.UpdateEndpoint(static p => p.Name(OtherName).World(Talk).Name(OtherName).World(See)));
        Assert.Equal(Errno.OK, inside.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.EINVAL, door.UpdateEndpoint(static p => p.World(Talk)));
        Assert.Equal(Errno.OK, inside.Send(m => m.ToName(Name)));
        // A wildcard and its stem are two names, and so are names on the bus and here.
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).World(Talk).Name(Name + ".*").World(Talk)));
        scene.Connect(Peer.PolicyHolderHello(Name));
    }

    [Theory, Worlds]
    public void POL_23_an_update_may_speak_of_many_names(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p =>
        {
            for (int i = 0; i < 20; i++)
                p.Name($"com.x.n{i}").World(Talk);
            p.Name("org.*").World(See);
        }));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.Owns("com.x.n0");
        b.Owns("com.x.n19");
        b.Owns("org.x");
        Peer inside = scene.ConnectAt(Door);
        Assert.Equal(Errno.OK, inside.Send(m => m.ToName("com.x.n0")));
        Assert.Equal(Errno.OK, inside.Send(m => m.To(b.Id)));
        Assert.Equal(b.Id, inside.OwnerOf("org.x"));
        Assert.Equal(3, inside.Listed(ListFlags.Names).Count);
    }

    [Theory, Worlds]
    public void POL_27_an_update_without_items_denies_everything_again(WorldKind world)
    {
        using Scene scene = new(world);
        Handle door = scene.Bus.MakeEndpoint(scene.Process, Door);
        Peer a = scene.Connect();
        a.Owns(Name);
        Peer inside = scene.ConnectAt(Door);
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static p => p.Name(Name).World(Talk)));
        Assert.Equal(Errno.OK, inside.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.OK, door.UpdateEndpoint(static _ => { }));
        Assert.Equal(Errno.EPERM, inside.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.ESRCH, inside.ConnInfo(Name).Result);
        Assert.Empty(inside.Listed(ListFlags.Names));
    }

    /// <summary>Who answers needs no permission but the request.</summary>
    [Theory, Worlds]
    public void POL_16_what_is_asked_from_outside_is_answered_from_inside(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Bus.MakeEndpoint(scene.Process, Door);
        Peer a = scene.Connect();
        Peer inside = scene.ConnectAt(scene.SpawnAs(Scene.User), Door);
        Assert.Equal(Errno.OK, a.Send(m => m.To(inside.Id).ExpectReply(1, a.Deadline(600_000))));
        inside.Receive();
        Assert.Equal(Errno.OK, inside.Send(m => m.To(a.Id).Answers(1)));
        Assert.Equal(Errno.EPERM, inside.Send(m => m.To(a.Id).Answers(1)));
        Assert.Equal(1UL, a.Receive().Header.CookieReply);
    }
}
