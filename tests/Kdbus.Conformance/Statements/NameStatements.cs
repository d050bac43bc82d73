namespace Kdbus.Conformance.Statements;

/// <summary>NAME_ACQUIRE and NAME_RELEASE: who has a name, who waits for it, who gets it next.</summary>
public class NameStatements
{
    private const NameFlags Replace = NameFlags.ReplaceExisting;
    private const NameFlags Allow = NameFlags.AllowReplacement;
    private const NameFlags Queue = NameFlags.Queue;

    [Theory, Worlds]
    public void NAM_01_a_name_has_two_or_more_elements_of_letters_digits_underscores_and_hyphens(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (string name in (string[])["a.b", "a-b.c_d", "_a.-b", "A.B9", "-.-", "_._", "a.b.c.d.e.f", "com.example.Service1"])
            a.Owns(name);
    }

    [Theory, Worlds]
    public void NAM_02_anything_else_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        string[] names =
        [
            "", "a", ".", "..", ".a.b", "a..b", "a.b.", "a.9b", "9a.b", "a.b c", "a.*", "*", "*.a", "a.b/c", "a.b\n", "a.b:c", ":1.2", "a.b*",
        ];
        foreach (string name in names)
            Assert.Equal((name, Errno.EINVAL), (name, a.Acquire(name)));
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.NameAcquire, WireStruct.Of(Command.NameAcquire).Item(ItemType.Name, "a.\xe4\0"u8)).Result);
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.NameAcquire, WireStruct.Of(Command.NameAcquire).Item(ItemType.Name, [0x61, 0x2e, 0xe4, 0])).Result);
        Assert.Empty(a.Listed(ListFlags.Names));
    }

    [Theory, Worlds]
    public void NAM_03_a_name_has_at_most_255_characters(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        string longest = "a." + new string('b', 253);
        a.Owns(longest);
        Assert.Equal(Errno.EINVAL, a.Acquire(longest + 'b'));
        Assert.Equal(longest, Assert.Single(a.Listed(ListFlags.Names)).Name);
    }

    [Theory, Worlds]
    public void NAM_04_who_acquires_a_free_name_has_it_with_the_flags_given(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        NameFlags[] given = [NameFlags.None, Replace, Allow, Queue, Replace | Allow | Queue];
        for (int i = 0; i < given.Length; i++)
            a.Owns($"a.n{i}", given[i]);
        ListedConnection[] expected = [.. given.Select((flags, i) => new ListedConnection(a.Id, HelloFlags.AcceptFd, $"a.n{i}", flags))];
        Assert.Equal(expected, scene.Connect().Listed(ListFlags.Names));
    }

    [Theory, Worlds]
    public void NAM_05_a_name_one_has_is_EALREADY_and_keeps_its_flags(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns("a.b");
        foreach (NameFlags flags in (NameFlags[])[NameFlags.None, Allow, Queue, Replace | Allow | Queue])
            Assert.Equal((Errno.EALREADY, 0UL), (a.AcquireInFull("a.b", flags).Result, a.AcquireInFull("a.b", flags).ReturnFlags));
        Assert.Equal([Record(a, "a.b")], a.Listed(ListFlags.Names));
        a.GivesUp("a.b");
        Assert.Equal(Errno.ESRCH, a.Release("a.b"));
    }

    [Theory, Worlds]
    public void NAM_06_a_name_somebody_else_has_is_EEXIST(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.Owns("a.b");
        CommandRun run = b.AcquireInFull("a.b");
        Assert.Equal((Errno.EEXIST, 0UL), (run.Result, run.ReturnFlags));
        Assert.Equal(a.Id, b.OwnerOf("a.b"));
    }

    [Theory, Worlds]
    public void NAM_07_one_may_wait_for_a_name_somebody_else_has(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.Owns("a.b");
        b.MatchesEverything();
        b.WaitsFor("a.b");
        Assert.Equal(a.Id, b.OwnerOf("a.b"));
        b.HasNothing();

        // To be in the queue is no reason to be refused a second time.
        b.WaitsFor("a.b");
        Assert.Equal(Errno.EEXIST, b.Acquire("a.b"));
    }

    [Theory, Worlds]
    public void NAM_08_an_owner_who_allows_it_is_replaced_by_who_wants_to(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer watcher = scene.ConnectWatcher();
        a.Owns("a.b", Allow);
        Assert.Equal(Notification.NameAdd(a.Id, Allow, "a.b"), watcher.ReceiveNotification());
        b.Owns("a.b", Replace);
        Assert.Equal(Notification.NameChange(a.Id, Allow, b.Id, Replace, "a.b"), watcher.ReceiveNotification());
        Assert.Equal([Record(b, "a.b", Replace)], watcher.Listed(ListFlags.Names));
        Assert.Equal(Errno.EADDRINUSE, a.Release("a.b"));
        watcher.HasNothing();
    }

    [Theory, Worlds]
    public void NAM_09_a_replacement_takes_two_who_agree(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.Owns("a.b", Replace | Queue);
        Assert.Equal(Errno.EEXIST, b.Acquire("a.b", Replace));
        a.Owns("a.c", Allow);
        Assert.Equal(Errno.EEXIST, b.Acquire("a.c"));
        Assert.Equal(Errno.EEXIST, b.Acquire("a.c", Allow));
        b.WaitsFor("a.c", Allow | Queue);
        b.WaitsFor("a.b", Replace | Queue);
        Assert.Equal((a.Id, a.Id), (b.OwnerOf("a.b"), b.OwnerOf("a.c")));
    }

    /// <summary>Messages in the hands of who is replaced stay there.</summary>
    [Theory, Worlds]
    public void NAM_08_who_is_replaced_keeps_the_messages_in_his_queue(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.Owns("a.b", Allow);
        Assert.Equal(Errno.OK, b.Send(m => m.ToName("a.b").Cookie(1)));
        b.Owns("a.b", Replace);
        Assert.Equal(Errno.OK, a.Send(m => m.ToName("a.b").Cookie(2)));
        Assert.Equal(1UL, a.Receive().Header.Cookie);
        Assert.Equal(2UL, b.Receive().Header.Cookie);
        a.HasNothing();
        b.HasNothing();
    }

    [Theory, Worlds]
    public void NAM_10_who_was_replaced_and_queues_gets_the_name_back(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer watcher = scene.ConnectWatcher();
        a.Owns("a.b", Allow | Queue);
        b.Owns("a.b", Replace);
        Assert.Equal([Record(a, "a.b", Replace)], watcher.Listed(ListFlags.Queued));
        b.GivesUp("a.b");
        Assert.Equal(
            [
                Notification.NameAdd(a.Id, Allow | Queue, "a.b"),
                Notification.NameChange(a.Id, Allow | Queue, b.Id, Replace, "a.b"),
                Notification.NameChange(b.Id, Replace, a.Id, Allow | Queue, "a.b"),
            ],
            watcher.Notifications());
        Assert.Equal([Record(a, "a.b", Allow | Queue)], watcher.Listed(ListFlags.Names));
    }

    /// <summary>Who was replaced stands behind those who waited before.</summary>
    [Theory, Worlds]
    public void NAM_10_who_was_replaced_queues_at_the_end(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer waiter = scene.Connect();
        a.Owns("a.b", Allow | Queue);
        waiter.WaitsFor("a.b");
        b.Owns("a.b", Replace);
        b.GivesUp("a.b");
        Assert.Equal(waiter.Id, a.OwnerOf("a.b"));
        waiter.GivesUp("a.b");
        Assert.Equal(a.Id, a.OwnerOf("a.b"));
    }

    [Theory, Worlds]
    public void NAM_11_who_was_replaced_and_does_not_queue_has_lost_the_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer watcher = scene.ConnectWatcher();
        a.Owns("a.b", Allow);
        b.Owns("a.b", Replace);
        b.GivesUp("a.b");
        Assert.Equal(Notification.NameRemove(b.Id, Replace, "a.b"), watcher.Notifications()[^1]);
        Assert.Equal(Errno.ESRCH, a.Release("a.b"));
        Assert.Empty(watcher.Listed(ListFlags.Names | ListFlags.Queued));
    }

    [Theory, Worlds]
    public void NAM_12_who_waits_first_gets_the_name_first(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer[] waiters = [scene.Connect(), scene.Connect(), scene.Connect()];
        a.Owns("a.b");
        foreach (Peer waiter in waiters)
            waiter.WaitsFor("a.b");
        a.GivesUp("a.b");
        foreach (Peer waiter in waiters)
        {
            Assert.Equal(waiter.Id, a.OwnerOf("a.b"));
            waiter.GivesUp("a.b");
        }
        Assert.Equal(Errno.ESRCH, a.ConnInfo("a.b").Result);
    }

    [Theory, Worlds]
    public void NAM_13_a_released_name_goes_to_who_waits_with_the_flags_he_gave(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer watcher = scene.ConnectWatcher();
        a.Owns("a.b", Allow);
        b.WaitsFor("a.b", Queue | Allow);
        watcher.ReceiveNotification();
        watcher.HasNothing();
        a.GivesUp("a.b");
        Assert.Equal(Notification.NameChange(a.Id, Allow, b.Id, Queue | Allow, "a.b"), watcher.ReceiveNotification());
        watcher.HasNothing();
        b.HasNothing();
        Assert.Equal(Errno.EALREADY, b.Acquire("a.b"));
        Assert.Equal([Record(b, "a.b", Queue | Allow)], watcher.Listed(ListFlags.Names));
        Assert.Empty(watcher.Listed(ListFlags.Queued));
    }

    [Theory, Worlds]
    public void NAM_14_release_of_a_name_nobody_has_is_ESRCH_also_if_it_is_no_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns("a.b");
        foreach (string name in (string[])["a.c", "a.b.c", "A.b", "", "a", "a.*", "not a name", "..", new string('a', 1000)])
            Assert.Equal((name, Errno.ESRCH), (name, a.Release(name)));
        Assert.Equal(a.Id, a.OwnerOf("a.b"));
    }

    [Theory, Worlds]
    public void NAM_15_release_of_the_name_of_another_is_EADDRINUSE(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.Owns("a.b");
        Assert.Equal(Errno.EADDRINUSE, b.Release("a.b"));
        Assert.Equal(a.Id, b.OwnerOf("a.b"));
    }

    [Theory, Worlds]
    public void NAM_16_who_waits_may_stop_waiting(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        Peer watcher = scene.ConnectWatcher();
        a.Owns("a.b");
        b.WaitsFor("a.b");
        c.WaitsFor("a.b");
        watcher.ReceiveNotification();
        b.GivesUp("a.b");
        watcher.HasNothing();
        Assert.Equal([Record(c, "a.b")], watcher.Listed(ListFlags.Queued));
        Assert.Equal(Errno.EADDRINUSE, b.Release("a.b"));
        Assert.Equal(a.Id, b.OwnerOf("a.b"));
        a.GivesUp("a.b");
        Assert.Equal(c.Id, b.OwnerOf("a.b"));
    }

    [Theory, Worlds]
    public void NAM_17_the_name_of_who_ends_goes_to_who_waits(WorldKind world)
    {
        using Scene scene = new(world);
        Peer watcher = scene.ConnectWatcher();
        Peer closed = scene.Connect();
        Peer left = scene.Connect();
        Peer exited = scene.Connect();
        Peer last = scene.Connect();
        closed.Owns("a.b");
        foreach (Peer waiter in (Peer[])[left, exited, last])
            waiter.WaitsFor("a.b");
        closed.Close();
        Assert.Equal(left.Id, last.OwnerOf("a.b"));
        Assert.Equal(Errno.OK, left.Byebye());
        Assert.Equal(exited.Id, last.OwnerOf("a.b"));
        Assert.Equal(0, exited.Process.Exit());
        Assert.Equal(last.Id, last.OwnerOf("a.b"));
        Assert.Equal(
            [
                Notification.NameAdd(closed.Id, NameFlags.None, "a.b"),
                Notification.NameChange(closed.Id, NameFlags.None, left.Id, Queue, "a.b"),
                Notification.NameChange(left.Id, Queue, exited.Id, Queue, "a.b"),
                Notification.NameChange(exited.Id, Queue, last.Id, Queue, "a.b"),
            ],
            watcher.Notifications());
    }

    [Theory, Worlds]
    public void NAM_18_a_connection_acquires_at_most_256_names(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        for (int i = 0; i < 256; i++)
            a.Owns($"a.n{i}");
        Assert.Equal(Errno.E2BIG, a.Acquire("a.n256"));
        Assert.Equal(Errno.EINVAL, a.Acquire("a.*"));
        a.GivesUp("a.n17");
        a.Owns("a.n256");
        Assert.Equal(256, a.Listed(ListFlags.Names).Count);
    }

    [Theory, Worlds]
    public void NAM_18_names_one_waits_for_do_not_count_until_one_has_them(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (int i = 0; i < 255; i++)
            a.Owns($"a.n{i}");
        foreach (string name in (string[])["b.x", "b.y", "b.z"])
        {
            b.Owns(name);
            a.WaitsFor(name);
        }
        b.GivesUp("b.x");
        b.GivesUp("b.y");
        Assert.Equal(257, a.Listed(ListFlags.Names).Count(r => r.Id == a.Id));
        Assert.Equal(Errno.E2BIG, a.Acquire("a.more", Queue));
        a.GivesUp("b.x");
        Assert.Equal(Errno.E2BIG, a.Acquire("a.more"));
        a.GivesUp("b.y");
        a.Owns("a.more");
    }

    [Theory, Worlds]
    public void NAM_19_only_an_ordinary_connection_has_names_to_acquire_and_release(WorldKind world)
    {
        using Scene scene = new(world);
        foreach (WireStruct hello in (WireStruct[])[Peer.MonitorHello(), Peer.ActivatorHello("a.b"), Peer.PolicyHolderHello("a.c")])
        {
            Peer special = scene.Connect(hello);
            foreach (Command command in (Command[])[Command.NameAcquire, Command.NameRelease])
            {
                Assert.Equal(Errno.EOPNOTSUPP, special.Handle.Run(command, WireStruct.Of(command).Text(ItemType.Name, "a.b")).Result);
                Assert.Equal(Errno.EOPNOTSUPP, special.Handle.Run(command, WireStruct.Of(command)).Result);
                Assert.Equal(Errno.EOPNOTSUPP, special.Handle.RunOnGarbage(command));
            }
        }
    }

    [Theory, Worlds]
    public void NAM_20_a_user_needs_policy_for_a_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EPERM, user.Acquire("a.b"));
        scene.Connect().Owns("a.b", Allow);
        Assert.Equal(Errno.EPERM, user.Acquire("a.b", Replace | Queue));
        Assert.Equal(Errno.EINVAL, user.Acquire("a.*"));
        Assert.Equal(Errno.EADDRINUSE, user.Release("a.b"));
        Assert.Equal(Errno.ESRCH, user.Release("a.c"));
        Assert.Empty(user.Listed(ListFlags.Queued));
    }

    [Theory, Worlds]
    public void NAM_21_flags_that_are_only_told_are_EINVAL_when_given(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (NameFlags flags in (NameFlags[])[NameFlags.InQueue, NameFlags.Activator, (NameFlags)0x20, (NameFlags)0x40])
            Assert.Equal((flags, Errno.EINVAL), (flags, a.Acquire("a.b", flags)));
        Assert.Equal(Errno.ESRCH, a.Release("a.b"));
    }

    [Theory, Worlds]
    public void NAM_30_who_has_ended_does_not_wait_any_more(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer closed = scene.Connect();
        Peer exited = scene.Connect();
        Peer left = scene.Connect();
        Peer watcher = scene.ConnectWatcher();
        a.Owns("a.b");
        foreach (Peer waiter in (Peer[])[closed, exited, left])
            waiter.WaitsFor("a.b");
        closed.Close();
        Assert.Equal(0, exited.Process.Exit());
        Assert.Equal(Errno.OK, left.Byebye());
        Assert.Empty(watcher.Listed(ListFlags.Queued));
        a.GivesUp("a.b");
        Assert.Equal([Notification.NameAdd(a.Id, 0, "a.b"), Notification.NameRemove(a.Id, 0, "a.b")], watcher.Notifications());
    }

    [Theory, Worlds]
    public void NAM_32_the_number_of_names_is_looked_at_first(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        for (int i = 0; i < 256; i++)
            a.Owns($"a.n{i}");
        scene.Connect().Owns("b.taken");
        Assert.Equal(Errno.E2BIG, a.Acquire("a.n0"));
        Assert.Equal(Errno.E2BIG, a.Acquire("b.taken", Queue));
    }

    [Theory, Worlds]
    public void NAM_33_who_waits_may_still_replace(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer watcher = scene.ConnectWatcher();
        a.Owns("a.b", Allow);
        b.WaitsFor("a.b");
        b.Owns("a.b", Replace);
        Assert.Equal(Notification.NameChange(a.Id, Allow, b.Id, Replace, "a.b"), watcher.Notifications()[^1]);
        Assert.Equal(b.Id, a.OwnerOf("a.b"));

        // That he waited once does not give him the name back.
        b.GivesUp("a.b");
        Assert.Equal([Notification.NameRemove(b.Id, Replace, "a.b")], watcher.Notifications());
        Assert.Equal(Errno.ESRCH, b.Release("a.b"));
    }

    [Theory, Worlds]
    public void NAM_34_who_releases_a_name_does_not_get_it_back_by_having_waited_twice(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        a.Owns("a.b");
        b.WaitsFor("a.b");
        b.WaitsFor("a.b");
        c.WaitsFor("a.b");
        a.GivesUp("a.b");
        Assert.Equal(b.Id, c.OwnerOf("a.b"));
        b.GivesUp("a.b");
        Assert.Equal(c.Id, c.OwnerOf("a.b"));
        c.GivesUp("a.b");
        Assert.Equal(Errno.ESRCH, c.ConnInfo("a.b").Result);
    }

    [Theory, Worlds]
    public void NAM_35_the_names_of_who_ends_are_released_in_the_order_he_got_them(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Owns("z.queued");
        a.Owns("m.first");
        a.WaitsFor("z.queued");
        a.Owns("a.second");
        b.GivesUp("z.queued");
        a.Owns("b.last");
        Assert.Equal("m.first a.second z.queued b.last", string.Join(' ', a.Listed(ListFlags.Names).Select(static r => r.Name)));
        Peer watcher = scene.ConnectWatcher();
        a.Close();
        Assert.Equal("m.first a.second z.queued b.last", string.Join(' ', watcher.Notifications().Select(static n => n.Name)));
    }

    [Theory, Worlds]
    public void NAM_36_what_was_released_or_left_by_its_owner_is_free_at_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer next = scene.Connect();
        for (int round = 0; round < 10; round++)
        {
            Peer owner = scene.Connect();
            owner.Owns("a.b");
            if (round % 2 == 0)
                owner.Close();
            else
                Assert.Equal(0, owner.Process.Exit());
            next.Owns("a.b");
            next.GivesUp("a.b");
        }
    }

    [Theory, Worlds]
    public void NAM_37_who_waits_is_not_woken_by_getting_the_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.Owns("a.b");
        Assert.Equal(Errno.OK, b.Send(m => m.ToName("a.b").Cookie(1)));
        b.WaitsFor("a.b");
        a.GivesUp("a.b");
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, b.Handle.Poll());
        b.HasNothing();

        // No message goes with the name.
        Assert.Equal(1UL, a.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void NAM_38_the_names_of_a_bus_are_its_own(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        TestBus other = TestBus.Make(scene.World, scene.Process, "0-other");
        Peer elsewhere = Peer.Hello(other.Open(scene.Process));
        a.Owns("a.b");
        elsewhere.Owns("a.b");
        Assert.Equal([Record(elsewhere, "a.b")], elsewhere.Listed(ListFlags.Names));
        Assert.Equal([Record(a, "a.b")], a.Listed(ListFlags.Names));
    }

    private static ListedConnection Record(Peer peer, string name, NameFlags flags = NameFlags.None) =>
        new(peer.Id, (HelloFlags)peer.Greeting.Flags, name, flags);
}
