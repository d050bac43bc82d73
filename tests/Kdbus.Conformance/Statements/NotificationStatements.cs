namespace Kdbus.Conformance.Statements;

/// <summary>What the bus tells about names and connections, and whom.</summary>
[AlsoByExchange]
public class NotificationStatements
{
    private const NameFlags Allow = NameFlags.AllowReplacement;
    private const ulong Timestamp = (ulong)AttachFlags.Timestamp;

    [Theory, Worlds]
    public void NTF_01_a_new_connection_is_told(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect();
        b.Matches(static m => m.IdAdd());
        Peer bare = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        ReceivedMessage message = b.Receive();
        Assert.Equal(Notification.IdAdd(bare.Id, HelloFlags.None), message.Notification);
        Assert.Equal((96UL, 96), (message.Header.Size, message.SliceSize));
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Notification.IdAdd(user.Id), b.ReceiveNotification());
        Peer holder = scene.Connect(Peer.PolicyHolderHello("a.b"));
        Assert.Equal(Notification.IdAdd(holder.Id, HelloFlags.PolicyHolder), b.ReceiveNotification());
        user.Close();
        b.HasNothing();
    }

    [Theory, Worlds]
    public void NTF_02_a_rule_for_one_id_passes_the_events_of_that_id(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        Peer d = scene.Connect();
        b.Matches(m => m.IdRemove(c.Id));
        b.Matches(m => m.IdAdd(c.Id));
        d.Close();
        scene.Connect().Close();
        b.HasNothing();
        c.Close();
        Assert.Equal([Notification.IdRemove(c.Id)], b.Notifications());

        // An id that is still to come can be matched as well.
        for (ulong i = 1; i <= 200; i++)
            b.Matches(m => m.IdAdd(b.Id + i), cookie: i);
        Peer next = scene.Connect();
        Assert.InRange(next.Id, b.Id + 1, b.Id + 200);
        Assert.Equal([Notification.IdAdd(next.Id)], b.Notifications());
    }

    [Theory, Worlds]
    public void NTF_03_nobody_is_told_of_a_monitor(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect();
        b.MatchesEverything();
        Peer other = scene.Connect(Peer.MonitorHello());
        Peer monitor = scene.Connect(Peer.MonitorHello());
        monitor.Close();
        Assert.Equal(0, other.Process.Exit());
        b.HasNothing();
    }

    [Theory, Worlds]
    public void NTF_04_a_name_that_gets_its_first_owner_is_told(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.NameAdd());
        a.Owns("a.b", Allow | NameFlags.Queue);
        Assert.Equal([Notification.NameAdd(a.Id, Allow | NameFlags.Queue, "a.b")], b.Notifications());
        Assert.Equal(Errno.EALREADY, a.Acquire("a.b"));
        Assert.Equal(Errno.EEXIST, b.Acquire("a.b"));
        a.GivesUp("a.b");
        b.HasNothing();
    }

    [Theory, Worlds]
    public void NTF_05_a_name_that_loses_its_last_owner_is_told(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.NameRemove());
        a.Owns("a.b", Allow);
        b.HasNothing();
        a.GivesUp("a.b");
        Assert.Equal([Notification.NameRemove(a.Id, Allow, "a.b")], b.Notifications());
    }

    [Theory, Worlds]
    public void NTF_06_a_name_that_changes_its_owner_is_told(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.NameChange());
        a.Owns("a.b");
        c.WaitsFor("a.b", NameFlags.Queue | Allow);
        b.HasNothing();
        a.GivesUp("a.b");
        Assert.Equal([Notification.NameChange(a.Id, 0, c.Id, NameFlags.Queue | Allow, "a.b")], b.Notifications());
        c.GivesUp("a.b");
        b.HasNothing();
    }

    [Theory, Worlds]
    public void NTF_07_a_rule_without_a_name_passes_every_name_and_one_with_a_name_only_that(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer any = scene.Connect();
        Peer one = scene.Connect();
        any.Matches(static m => m.NameAdd());
        one.Matches(static m => m.NameAdd(name: "a.c"));
        one.Matches(static m => m.NameAdd(name: ""));
        foreach (string name in (string[])["a.b", "a.c", "a.cc", "a.c.c", "A.c"])
            a.Owns(name);
        Assert.Equal(5, any.Notifications().Length);
        Assert.Equal([Notification.NameAdd(a.Id, 0, "a.c")], one.Notifications());
    }

    [Theory, Worlds]
    public void NTF_07_a_rule_may_say_who_had_the_name_and_who_gets_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();

        // Of a name that is new nobody was the owner, of one that is gone nobody is.
        Assert.Equal((1, 0, 0), Heard(scene, a, c, m => m.NameAdd(0, a.Id, "a.b")));
        Assert.Equal((1, 0, 0), Heard(scene, a, c, m => m.NameAdd(0)));
        Assert.Equal((1, 0, 0), Heard(scene, a, c, m => m.NameAdd(newId: a.Id)));
        Assert.Equal((0, 0, 0), Heard(scene, a, c, m => m.NameAdd(a.Id)));
        Assert.Equal((0, 0, 0), Heard(scene, a, c, m => m.NameAdd(newId: c.Id)));
        Assert.Equal((0, 0, 0), Heard(scene, a, c, m => m.NameAdd(newId: 0)));
        Assert.Equal((0, 1, 0), Heard(scene, a, c, m => m.NameChange(a.Id, c.Id, "a.b")));
        Assert.Equal((0, 1, 0), Heard(scene, a, c, m => m.NameChange(a.Id)));
        Assert.Equal((0, 1, 0), Heard(scene, a, c, m => m.NameChange(newId: c.Id)));
        Assert.Equal((0, 0, 0), Heard(scene, a, c, m => m.NameChange(c.Id, a.Id)));
        Assert.Equal((0, 0, 0), Heard(scene, a, c, m => m.NameChange(a.Id, c.Id, "a.bb")));
        Assert.Equal((0, 0, 1), Heard(scene, a, c, m => m.NameRemove(c.Id, 0, "a.b")));
        Assert.Equal((0, 0, 1), Heard(scene, a, c, m => m.NameRemove(newId: 0)));
        Assert.Equal((0, 0, 0), Heard(scene, a, c, m => m.NameRemove(a.Id)));
        Assert.Equal((0, 0, 0), Heard(scene, a, c, m => m.NameRemove(c.Id, c.Id)));
        Assert.Equal((0, 0, 0), Heard(scene, a, c, m => m.NameRemove(name: "")));
        b.HasNothing();
    }

    [Theory, Worlds]
    public void NTF_08_who_acquires_a_name_may_hear_of_it_himself(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.MatchesEverything();
        a.Owns("a.b");
        a.GivesUp("a.b");
        Assert.Equal([Notification.NameAdd(a.Id, 0, "a.b"), Notification.NameRemove(a.Id, 0, "a.b")], a.Notifications());
    }

    [Theory, Worlds]
    public void BRD_30_the_first_thing_in_the_notification_of_a_name_is_its_item(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue, recv: ulong.MaxValue));
        a.Matches(static m => m.NameAdd(name: "a.b"));
        a.Owns("a.b");
        ReceivedMessage message = a.Receive();
        Assert.Equal(ItemType.NameAdd, message.Items[0].Type);
        Assert.Equal(Notification.NameAdd(a.Id, 0, "a.b"), message.Notification);
    }

    [Theory, Worlds]
    public void NTF_09_a_match_without_rules_passes_every_notification(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.MatchesEverything();
        Peer c = scene.Connect();
        a.Owns("a.b");
        c.WaitsFor("a.b");
        a.GivesUp("a.b");
        c.Close();
        Assert.Equal(
            [
                Notification.IdAdd(c.Id),
                Notification.NameAdd(a.Id, 0, "a.b"),
                Notification.NameChange(a.Id, 0, c.Id, NameFlags.Queue, "a.b"),
                Notification.NameRemove(c.Id, NameFlags.Queue, "a.b"),
                Notification.IdRemove(c.Id),
            ],
            b.Notifications());
    }

    [Theory, Worlds]
    public void NTF_10_who_wants_timestamps_gets_one_with_each_notification(WorldKind world)
    {
        using Scene scene = new(world);
        Peer bare = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        Peer stamped = scene.Connect(Peer.HelloCommand(send: 0, recv: ulong.MaxValue));
        Peer a = scene.Connect(Peer.HelloCommand(send: 0));
        foreach (Peer peer in (Peer[])[bare, stamped])
            peer.MatchesEverything();
        bare.ReceiveAll();
        ulong before = (ulong)a.Process.Now();
        a.Owns("a.b");
        ulong after = (ulong)a.Process.Now();
        ReceivedMessage without = bare.Receive();
        Assert.Single(without.Items);
        Assert.Equal((64UL + 56, 120), (without.Header.Size, without.SliceSize));
        ReceivedMessage with = stamped.Receive();
        Assert.Equal(64UL + 56 + 40, with.Header.Size);
        Assert.Equal([ItemType.NameAdd, ItemType.Timestamp], with.Items.Select(static i => i.Type).ToArray());
        KdbusTimestamp stamp = with.Items[1].As<KdbusTimestamp>();
        Assert.NotEqual(0UL, stamp.SeqNum);
        Assert.InRange(stamp.MonotonicNs, before, after);
    }

    [Theory, Worlds]
    public void NTF_11_who_ends_first_loses_his_names_then_leaves_questions_open_then_is_gone(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect();
        Peer closed = scene.Connect();
        Peer left = scene.Connect();
        b.MatchesEverything();
        foreach (Peer peer in (Peer[])[closed, left])
        {
            peer.Owns("a.b", Allow);
            Assert.Equal(Errno.OK, b.Send(m => m.To(peer.Id).ExpectReply(7, b.Deadline(600_000))));
            peer.ReceiveAndFree();
            b.ReceiveNotification();
            if (peer == left)
                Assert.Equal(Errno.OK, left.Byebye());
            else
                closed.Close();
            Assert.Equal(
                [Notification.NameRemove(peer.Id, Allow, "a.b"), Notification.ReplyDead, Notification.IdRemove(peer.Id)],
                b.Notifications());
        }
        left.Close();
        b.HasNothing();
    }

    [Theory, Worlds]
    public void NTF_12_the_item_of_a_name_has_whole_words_and_its_name_ends_with_NUL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.NameAdd());
        for (int length = 3; length <= 20; length++)
        {
            string name = "a." + new string('n', length - 2);
            a.Owns(name);
            ReceivedMessage message = b.ReceiveAndFree();
            int item = 16 + message.Items[0].Payload.Length;
            Assert.Equal((length, (49 + length + 7) / 8 * 8), (length, item));
            Assert.Equal(64UL + (ulong)item, message.Header.Size);
            Assert.Equal(Notification.NameAdd(a.Id, 0, name), message.Notification);
        }
    }

    [Theory, Worlds]
    public void NTF_13_an_activator_is_told_as_a_connection_and_then_as_an_owner(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect();
        b.MatchesEverything();
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Assert.Equal(
            [Notification.IdAdd(activator.Id, HelloFlags.Activator | HelloFlags.AcceptFd), Notification.NameAdd(activator.Id, NameFlags.Activator, "a.b")],
            b.Notifications());
        activator.Close();
        Assert.Equal(
            [
                Notification.NameRemove(activator.Id, NameFlags.Activator, "a.b"),
                Notification.IdRemove(activator.Id, HelloFlags.Activator | HelloFlags.AcceptFd),
            ],
            b.Notifications());
    }

    [Theory, Worlds]
    public void NTF_14_on_a_custom_endpoint_nobody_hears_of_connections(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Peer inside = scene.ConnectAt("0-e");
        inside.MatchesEverything();
        inside.Matches(static m => m.IdAdd());
        inside.Matches(static m => m.IdRemove());
        Peer outside = scene.Connect();
        outside.MatchesEverything();
        Peer other = scene.ConnectAt("0-e");
        other.Close();
        scene.Connect().Close();
        inside.HasNothingAndLost(0);

        // On the default endpoint one hears of those on the others.
        Assert.Equal([Notification.IdAdd(other.Id), Notification.IdRemove(other.Id)], outside.Notifications()[..2]);
    }

    [Theory, Worlds]
    public void NTF_15_on_a_custom_endpoint_one_hears_of_the_names_one_may_see(WorldKind world)
    {
        using Scene scene = new(world);
        Handle owner = scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Peer inside = scene.ConnectAt("0-e");
        Peer a = scene.Connect();
        inside.MatchesEverything();
        a.Owns("a.b");
        a.GivesUp("a.b");
        inside.HasNothingAndLost(0);
        Assert.Equal(Errno.OK, owner.UpdateEndpoint(static p => p.Name("a.b").World(PolicyAccessLevel.See)));
        a.Owns("a.b");
        a.Owns("a.c");
        a.GivesUp("a.b");
        Assert.Equal([Notification.NameAdd(a.Id, 0, "a.b"), Notification.NameRemove(a.Id, 0, "a.b")], inside.Notifications());
        Assert.Equal(Errno.OK, owner.UpdateEndpoint(static _ => { }));
        a.Owns("a.b");
        inside.HasNothing();
    }

    [Theory, Worlds]
    public void NTF_16_on_a_custom_endpoint_what_is_not_seen_is_not_told_later(WorldKind world)
    {
        using Scene scene = new(world);
        Handle owner = scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Peer inside = scene.ConnectAt("0-e");
        inside.Matches(static m => m.IdAdd());
        inside.Matches(static m => m.IdRemove());
        inside.Matches(static m => m.NameAdd(name: "a.b"));
        scene.ConnectAt("0-e").Close();
        Peer a = scene.Connect();
        a.Owns("a.b");
        inside.HasNothing();
        a.GivesUp("a.b");
        Assert.Equal(Errno.OK, owner.UpdateEndpoint(static p => p.Name("a.b").World(PolicyAccessLevel.See)));
        a.Owns("a.b");
        Assert.Equal([Notification.NameAdd(a.Id, 0, "a.b")], inside.Notifications());
        inside.HasNothingAndLost(0);
    }

    [Theory, Worlds]
    public void NTF_17_messages_and_notifications_are_numbered_in_the_order_they_were_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: Timestamp));
        Peer b = scene.Connect(Peer.HelloCommand(recv: Timestamp));
        b.MatchesEverything();
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
            a.Owns("a.b");
            Assert.Equal(Errno.OK, a.Broadcast());
            a.GivesUp("a.b");
        }
        KdbusTimestamp last = default;
        IReadOnlyList<ReceivedMessage> all = b.ReceiveAll();
        Assert.Equal(20, all.Count);
        foreach (ReceivedMessage message in all)
        {
            KdbusTimestamp stamp = message.Items[^1].As<KdbusTimestamp>();
            Assert.True(stamp.SeqNum > last.SeqNum);
            Assert.True(stamp.MonotonicNs >= last.MonotonicNs);
            last = stamp;
        }
    }

    [Theory, Worlds]
    public void NTF_18_what_an_event_is_about_is_told_before_its_command_returns(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect();
        b.MatchesEverything();
        for (int round = 0; round < 20; round++)
        {
            Peer c = scene.Connect();
            Assert.Equal(Notification.IdAdd(c.Id), b.ReceiveNotification());
            c.Owns("a.b");
            Assert.Equal(Notification.NameAdd(c.Id, 0, "a.b"), b.ReceiveNotification());
            if (round % 3 == 0)
                c.Close();
            else if (round % 3 == 1)
                Assert.Equal(0, c.Process.Exit());
            else
                Assert.Equal(Errno.OK, c.Byebye());
            Assert.Equal(Notification.NameRemove(c.Id, 0, "a.b"), b.ReceiveNotification());
            Assert.Equal(Notification.IdRemove(c.Id), b.ReceiveNotification());
        }
    }

    [Theory, Worlds]
    public void NTF_19_a_notification_for_which_there_is_no_room_is_counted(WorldKind world)
    {
        using Scene scene = new(world);
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Peer a = scene.Connect();
        b.Matches(static m => m.NameAdd());
        const int Room = 4096 / 2 / 3;
        const int Slice = 64 + 56;
        for (int i = 0; i < Room / Slice + 3; i++)
            a.Owns($"a.{(char)('a' + i)}");
        Received first = b.Recv();
        Assert.Equal((Errno.OK, 3UL), (first.Result, first.Command.DroppedMsgs));
        Assert.Equal(Room / Slice - 1, b.Notifications().Length);
        b.HasNothingAndLost(0);
    }

    // How many additions, changes and removals of `a.b` pass the rule while it goes from nobody to a, to c and to nobody again.
    private static (int Added, int Changed, int Removed) Heard(Scene scene, Peer a, Peer c, Action<MatchRules> rule)
    {
        Peer listener = scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 65536));
        listener.Matches(rule);
        a.Owns("a.b");
        c.WaitsFor("a.b");
        a.GivesUp("a.b");
        c.GivesUp("a.b");
        Notification[] all = listener.Notifications();
        listener.Close();
        return (Count(ItemType.NameAdd), Count(ItemType.NameChange), Count(ItemType.NameRemove));

        int Count(ItemType type) => all.Count(n => n.Type == type);
    }
}
