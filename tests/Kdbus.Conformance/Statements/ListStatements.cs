namespace Kdbus.Conformance.Statements;

/// <summary>LIST: who is on the bus, who has which name, who waits for it.</summary>
public class ListStatements
{
    private const ListFlags Everything = ListFlags.Unique | ListFlags.Names | ListFlags.Activators | ListFlags.Queued;

    [Theory, Worlds]
    public void NAM_22_list_unique_shows_every_ordinary_connection_and_policy_holder_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Peer user = scene.ConnectAs(Scene.User);
        Peer holder = scene.Connect(Peer.PolicyHolderHello("a.b"));
        Peer monitor = scene.Connect(Peer.MonitorHello());
        scene.Connect(Peer.ActivatorHello("a.c"));
        scene.Connect().Close();
        TestBus other = TestBus.Make(scene.World, scene.Process, "0-other");
        Peer.Hello(other.Open(scene.Process));
        ListedConnection[] expected = [Record(a), Record(b), Record(user), Record(holder)];
        foreach (Peer asker in (Peer[])[a, user, monitor])
            Assert.Equal(expected, asker.Listed(ListFlags.Unique));
    }

    [Theory, Worlds]
    public void NAM_22_a_name_does_not_matter_to_list_unique(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.Owns("a.b");
        a.Owns("a.c");
        b.WaitsFor("a.b");
        Assert.Equal([Record(a), Record(b)], a.Listed(ListFlags.Unique));
    }

    [Theory, Worlds]
    public void NAM_23_list_unique_and_names_shows_who_has_a_name_by_his_names_only(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        b.Owns("a.b");
        b.Owns("a.c");
        c.WaitsFor("a.b");
        Assert.Equal([Record(a), Record(b, "a.b"), Record(b, "a.c"), Record(c)], a.Listed(ListFlags.Unique | ListFlags.Names));
        Assert.Equal([Record(a), Record(b), Record(c, "a.b")], a.Listed(ListFlags.Unique | ListFlags.Queued));
    }

    [Theory, Worlds]
    public void NAM_24_list_queued_shows_who_waits_with_the_flags_of_the_owner(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        a.Owns("z.a", NameFlags.AllowReplacement);
        a.Owns("a.a");
        b.WaitsFor("z.a", NameFlags.Queue);
        b.WaitsFor("a.a", NameFlags.Queue | NameFlags.AllowReplacement);
        c.WaitsFor("z.a");
        Assert.Equal(
            [Record(b, "z.a", NameFlags.AllowReplacement), Record(b, "a.a"), Record(c, "z.a", NameFlags.AllowReplacement)],
            a.Listed(ListFlags.Queued));
        Assert.Equal(5, a.Listed(ListFlags.Queued | ListFlags.Names).Count);
    }

    [Theory, Worlds]
    public void NAM_25_list_activators_shows_activators_also_when_somebody_else_has_the_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        a.Owns("a.c");
        Assert.Equal([Record(activator, "a.b", NameFlags.Activator)], a.Listed(ListFlags.Activators));
        a.Owns("a.b", NameFlags.AllowReplacement);
        Assert.Equal([Record(activator, "a.b", NameFlags.AllowReplacement)], a.Listed(ListFlags.Activators));
        a.GivesUp("a.b");
        Assert.Equal([Record(activator, "a.b", NameFlags.Activator)], a.Listed(ListFlags.Activators));
        activator.Close();
        Assert.Empty(a.Listed(ListFlags.Activators));
    }

    [Theory, Worlds]
    public void NAM_26_list_names_does_not_show_a_name_that_its_activator_holds(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        a.Owns("a.c");
        Assert.Equal([Record(a, "a.c")], a.Listed(ListFlags.Names));
        a.Owns("a.b");
        Assert.Equal([Record(a, "a.c"), Record(a, "a.b")], a.Listed(ListFlags.Names));
    }

    [Theory, Worlds]
    public void NAM_27_a_list_of_nothing_is_empty_and_can_be_freed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        a.Owns("a.c");
        Assert.Empty(a.Listed(ListFlags.None));
        Assert.Empty(a.Listed(ListFlags.Queued));
        a.GivesUp("a.c");
        Assert.Empty(a.Listed(ListFlags.Names));
        activator.Close();
        Assert.Empty(a.Listed(ListFlags.Activators));
    }

    [Theory, Worlds]
    public void NAM_28_a_list_lies_in_the_pool_until_it_is_freed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns("a.b");
        KdbusCmdList list = a.List(ListFlags.Names).As<KdbusCmdList>();
        Assert.Equal(56UL, list.ListSize);
        Assert.Equal(Record(a, "a.b"), Assert.Single(ListedConnection.Records(a.Pool(list.Offset, list.ListSize))));
        Assert.Equal(Errno.OK, a.Free(list.Offset));
        Assert.Equal(Errno.ENXIO, a.Free(list.Offset));
    }

    [Theory, Worlds]
    public void NAM_29_who_has_two_names_has_two_records(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns("z.z");
        a.Owns("a.a");
        a.Owns("m.m");
        Assert.Equal([Record(a, "z.z"), Record(a, "a.a"), Record(a, "m.m")], a.Listed(ListFlags.Names));
    }

    [Theory, Worlds]
    public void NAM_31_a_record_of_a_name_tells_the_flags_it_was_acquired_with(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        for (int flags = 0; flags < 8; flags++)
        {
            a.Owns("a.b", (NameFlags)flags);
            Assert.Equal([Record(a, "a.b", (NameFlags)flags)], a.Listed(ListFlags.Names));
            a.GivesUp("a.b");
            Assert.Empty(a.Listed(ListFlags.Names));
        }
    }

    [Theory, Worlds]
    public void ACT_23_an_activator_that_holds_its_name_is_one_record_of_the_whole_list(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        Assert.Equal([Record(activator, "a.b", NameFlags.Activator), Record(a)], a.Listed(Everything));
        Assert.Equal([Record(activator, "a.b", NameFlags.Activator), Record(a)], a.Listed(ListFlags.Unique | ListFlags.Activators));
        Assert.Equal([Record(a)], a.Listed(ListFlags.Unique | ListFlags.Names | ListFlags.Queued));
    }

    /// <summary>The owner of an activatable name stands in the list by his name; its activator stands there for the name and for itself.</summary>
    [Theory, Worlds]
    public void ACT_23_an_activator_whose_name_is_taken_is_listed_for_the_name_and_for_itself(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        a.Owns("a.b", NameFlags.Queue);
        Assert.Equal(
            [Record(activator), Record(activator, "a.b", NameFlags.Queue), Record(a, "a.b", NameFlags.Queue)],
            a.Listed(Everything).OrderBy(static r => r.Id).ThenBy(static r => r.Name, StringComparer.Ordinal));
        Assert.Equal(
            [Record(activator), Record(activator, "a.b", NameFlags.Queue)],
            a.Listed(ListFlags.Unique | ListFlags.Activators).OrderBy(static r => r.Name, StringComparer.Ordinal));
        Assert.Equal([Record(a, "a.b", NameFlags.Queue)], a.Listed(ListFlags.Names));
    }

    [Theory, Worlds]
    public void NAM_39_a_list_of_many_names_is_whole(WorldKind world)
    {
        using Scene scene = new(world);
        Peer[] owners = [.. Enumerable.Range(0, 4).Select(_ => scene.Connect())];
        List<ListedConnection> expected = [];
        foreach (Peer owner in owners)
        {
            for (int i = 0; i < 200; i++)
            {
                string name = $"n{owner.Id}.{new string('x', 1 + i)}";
                owner.Owns(name);
                expected.Add(Record(owner, name));
            }
        }
        Assert.Equal(expected, scene.Connect().Listed(ListFlags.Names));

        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Assert.Equal(Errno.EXFULL, small.List(ListFlags.Names).Result);
    }

    private static ListedConnection Record(Peer peer, string? name = null, NameFlags flags = NameFlags.None) =>
        new(peer.Id, (HelloFlags)peer.Greeting.Flags, name, flags);
}
