using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Statements;

/// <summary>What a receiver is told about a sender with a message.</summary>
[AlsoByExchange]
public class MetadataStatements
{
    [Theory, Worlds]
    public void MET_01_who_wants_all_of_who_allows_all_has_all_in_order(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        Peer b = scene.Connect(Peer.HelloCommand(recv: ulong.MaxValue));
        Metadata told = a.Tells(b);
        Self self = a.Process.Self();
        Assert.Equal(self.Kinds | AttachFlags.Timestamp, told.Kinds);
        told.IsAllAbout(self);
    }

    [Theory, Worlds]
    public void MET_01_also_where_the_sender_is_a_user_and_the_payload_is_large(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        IProcess process = scene.SpawnAs(Scene.User, 40005, 40006);
        Peer a = scene.Connect(process, Peer.HelloCommand(send: ulong.MaxValue).Text(ItemType.ConnDescription, "a"));
        Peer b = scene.ConnectAs(Scene.User, Peer.HelloCommand(recv: ulong.MaxValue));
        foreach (int size in (int[])[1, 500_000])
        {
            byte[] payload = Payload.Random(size, size);
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec(payload)));
            ReceivedMessage message = b.ReceiveAndFree();
            Assert.Equal(payload, message.Payload);
            message.Metadata.IsAllAbout(process.Self());
            Assert.Equal([40005, 40006], message.Metadata.AuxGroups);
            Assert.Equal("a", message.Metadata.Description);
        }
    }

    [Theory, Worlds]
    public void MET_02_without_the_will_of_both_nothing_is_told(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer open = scene.Connect(Peer.OpenHello());
        Peer closed = scene.Connect();
        open.Owns("a.b");
        Assert.Empty(open.Tells(closed).Items);
        Assert.Empty(closed.Tells(open).Items);
    }

    [Theory, Worlds]
    public void MET_03_what_is_told_is_what_both_have_named(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Creds));
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)(AttachFlags.Creds | AttachFlags.Pids)));
        Assert.Equal(AttachFlags.Creds, a.Tells(b).Kinds);
    }

    [Theory, Worlds]
    public void MET_03_each_kind_can_be_had_alone(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect(Peer.OpenHello());
        Self self = a.Process.Self();
        for (int bit = 0; bit < 14; bit++)
        {
            AttachFlags kind = (AttachFlags)(1UL << bit);
            AttachFlags expected = kind & (self.Kinds | AttachFlags.Timestamp);
            Assert.Equal(Errno.OK, b.Update(recv: (ulong)kind));
            Metadata wanted = a.Tells(b);
            Assert.Equal((kind, expected), (kind, wanted.Kinds));
            wanted.IsAbout(self);
            Assert.Equal(Errno.OK, b.Update(recv: Peer.Everything));
            Assert.Equal(Errno.OK, a.Update(send: (ulong)kind));
            Assert.Equal((kind, expected), (kind, a.Tells(b).Kinds));
            Assert.Equal(Errno.OK, a.Update(send: Peer.Everything));
        }
    }

    [Theory, Worlds]
    public void MET_04_the_domain_lets_nothing_through_or_all(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        Peer b = scene.Connect(Peer.HelloCommand(recv: ulong.MaxValue));
        scene.LetThrough(AttachFlags.None);
        Assert.Empty(a.Tells(b).Items);
        scene.LetThrough(AttachFlags.Any);
        a.Tells(b).IsAllAbout(a.Process.Self());
        scene.LetThrough(AttachFlags.Exe | AttachFlags.Timestamp);
        Assert.Equal(AttachFlags.Exe | AttachFlags.Timestamp, a.Tells(b).Kinds);
    }

    [Theory, Worlds]
    public void MET_06_credentials_are_those_of_the_calling_thread(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Creds));
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)AttachFlags.Creds));
        TaskCreds different = new(1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008);
        Assert.Equal(0, a.Process.ChangeThread(new ThreadChange(different)));
        Assert.Equal(different, a.Process.Self().Creds);
        Metadata told = a.Tells(b);
        Assert.Equal(different, told.Creds);
        Assert.Equal(80, 16 + Assert.Single(told.Items).Payload.Length);
    }

    [Theory, Worlds]
    public void MET_07_numbers_are_those_of_the_process_the_calling_thread_and_the_parent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer parent = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Pids));
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)AttachFlags.Pids));
        Assert.True(parent.Process.Fork(out IProcess? child) > 0);
        Peer a = parent.In(child!);
        Assert.Equal(new TaskNumbers((ulong)child!.Id, (ulong)child.Id, (ulong)parent.Process.Id), child.Self().Numbers);
        Assert.Equal(child.Self().Numbers, a.Tells(b).Pids);
        ulong thread = (ulong)a.SendInThread(m => m.To(b.Id), new ThreadChange(ThreadChange.Same));
        Assert.NotEqual((ulong)child.Id, thread);
        Assert.Equal(child.Self().Numbers with { Tid = thread }, b.Told().Pids);
    }

    /// <summary>Whose parent has ended has another one.</summary>
    [Theory, Worlds]
    public void MET_07_the_parent_is_the_one_of_the_moment(WorldKind world)
    {
        using Scene scene = new(world);
        Peer parent = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Pids));
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)AttachFlags.Pids));
        Assert.True(parent.Process.Fork(out IProcess? child) > 0);
        Peer a = parent.In(child!);
        Assert.Equal((ulong)parent.Process.Id, a.Tells(b).Pids.Ppid);
        parent.Process.Exit();
        Assert.NotEqual((ulong)parent.Process.Id, child!.Self().Numbers.Ppid);
        Assert.Equal(child.Self().Numbers, a.Tells(b).Pids);
    }

    [Theory, Worlds]
    public void MET_08_a_group_takes_8_bytes_and_there_may_be_none(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess process = scene.World.Spawn();
        Peer a = scene.Connect(process, Peer.HelloCommand(send: (ulong)AttachFlags.AuxGroups));
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)AttachFlags.AuxGroups));
        Assert.Equal(0, process.Become(0, 0));
        Assert.Empty(Assert.Single(a.Tells(b).Items).Payload);
        Assert.Equal(0, process.Become(0, 0, 50001, 7, 60000));
        Metadata told = a.Tells(b);
        Assert.Equal(3 * 8, Assert.Single(told.Items).Payload.Length);
        Assert.Equal(process.Self().Groups, told.AuxGroups);
        Assert.Equal([7U, 50001U, 60000U], told.AuxGroups.Order());
    }

    [Theory, Worlds]
    public void MET_09_names_are_told_in_the_order_of_acquisition(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Names));
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)AttachFlags.Names));
        a.Owns("z.first");
        a.Owns("a.second", NameFlags.AllowReplacement);
        Assert.Equal([("z.first", NameFlags.None), ("a.second", NameFlags.AllowReplacement)], a.Tells(b).OwnedNames);
        a.GivesUp("z.first");
        a.Owns("z.first");
        Assert.Equal("a.second z.first", Names(a.Tells(b)));
        b.Owns("a.second", NameFlags.ReplaceExisting);
        Assert.Equal("z.first", Names(a.Tells(b)));
    }

    [Theory, Worlds]
    public void MET_10_a_description_is_told_if_one_was_given(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello().Text(ItemType.ConnDescription, "what-I-am"));
        Peer b = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue, recv: (ulong)AttachFlags.ConnDescription));
        Assert.Equal("what-I-am", a.Tells(b).Description);
        Assert.False(b.Tells(a).Kinds.HasFlag(AttachFlags.ConnDescription));
    }

    [Theory, Worlds]
    public void MET_11_sequence_numbers_grow_and_are_the_same_for_all_who_get_a_message(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer[] all =
        [
            scene.Connect(Peer.OpenHello()), scene.Connect(Peer.OpenHello()), scene.Connect(Peer.MonitorHello(recv: (ulong)AttachFlags.Timestamp)),
        ];
        all[0].MatchesEverything();
        all[1].MatchesEverything();
        KdbusTimestamp last = default;
        for (int i = 0; i < 5; i++)
        {
            long before = a.Process.Now();
            Assert.Equal(Errno.OK, a.Broadcast());
            long after = a.Process.Now();
            KdbusTimestamp[] told = [.. all.Select(static peer => peer.Told().Timestamp)];
            Assert.Single(told.Select(static t => (t.SeqNum, t.MonotonicNs, t.RealtimeNs)).Distinct());
            Assert.True(told[0].SeqNum > last.SeqNum);
            Assert.InRange((long)told[0].MonotonicNs, before, after);
            Assert.NotEqual(0UL, told[0].RealtimeNs);
            last = told[0];
        }
    }

    [Theory, Worlds]
    public void MET_12_who_wants_no_timestamp_any_more_gets_none(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect(Peer.OpenHello());
        Assert.True(a.Tells(b).Kinds.HasFlag(AttachFlags.Timestamp));
        Assert.Equal(Errno.OK, b.Update(recv: (ulong)(AttachFlags.All & ~AttachFlags.Timestamp)));
        Metadata told = a.Tells(b);
        Assert.False(told.Kinds.HasFlag(AttachFlags.Timestamp));
        Assert.True(told.Kinds.HasFlag(AttachFlags.Creds));
    }

    [Theory, Worlds]
    public void MET_13_a_queued_message_tells_what_was_agreed_when_it_was_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)(AttachFlags.Creds | AttachFlags.Timestamp)));
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)(AttachFlags.Creds | AttachFlags.Pids)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, b.Update(recv: (ulong)AttachFlags.Timestamp));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, a.Update(send: 0));
        scene.LetThrough(AttachFlags.None);
        Assert.Equal(AttachFlags.Creds, b.Told().Kinds);
        Assert.Equal(AttachFlags.Timestamp, b.Told().Kinds);
    }

    [Theory, Worlds]
    public void MET_13_and_who_the_sender_was_then(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue).Text(ItemType.ConnDescription, "a"));
        Peer b = scene.Connect(Peer.HelloCommand(recv: ulong.MaxValue));
        a.Owns("a.b");
        Self before = a.Process.Self();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        a.GivesUp("a.b");
        Assert.Equal(0, a.Process.Become(Scene.User, Scene.User, 40005));
        Metadata told = b.Told();
        told.IsAllAbout(before);
        Assert.Equal("a.b", Assert.Single(told.OwnedNames).Name);
    }

    [Theory, Worlds]
    public void MET_15_a_monitor_is_told_what_it_wants_whatever_the_receiver_is_told(WorldKind world)
    {
        const AttachFlags Wanted = AttachFlags.Creds | AttachFlags.Timestamp;
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        Peer all = scene.Connect(Peer.HelloCommand(recv: ulong.MaxValue));
        Peer none = scene.Connect();
        Peer monitor = scene.Connect(Peer.MonitorHello(recv: (ulong)Wanted));
        a.Tells(all).IsAllAbout(a.Process.Self());
        Assert.Empty(a.Tells(none).Items);
        Assert.Equal(Errno.OK, a.Broadcast());
        for (int i = 0; i < 3; i++)
        {
            Metadata told = monitor.Told();
            Assert.Equal(Wanted, told.Kinds);
            told.IsAbout(a.Process.Self());
        }
        Assert.Equal(Errno.OK, a.Update(send: 0));
        Assert.Equal(Errno.OK, a.Broadcast());
        Assert.Empty(monitor.Told().Items);
    }

    /// <summary>Each receiver of a signal is told what it wants of what was found out once.</summary>
    [Theory, Worlds]
    public void MET_15_listeners_that_want_different_things_are_told_different_things(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        AttachFlags[] wanted = [AttachFlags.None, AttachFlags.Exe, AttachFlags.Creds | AttachFlags.TidComm, AttachFlags.Caps | AttachFlags.Timestamp];
        Peer[] listeners = [.. wanted.Select(kinds => scene.Connect(Peer.HelloCommand(recv: (ulong)kinds)))];
        foreach (Peer listener in listeners)
            listener.MatchesEverything();
        Assert.Equal(Errno.OK, a.Broadcast());
        foreach ((AttachFlags kinds, Peer listener) in wanted.Zip(listeners))
        {
            Metadata told = listener.Told();
            Assert.Equal(kinds, told.Kinds);
            told.IsAbout(a.Process.Self());
        }
    }

    [Theory, Worlds]
    public void MET_31_capabilities_are_four_sets_of_two_words(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Caps));
        Peer b = scene.Connect(Peer.HelloCommand(recv: (ulong)AttachFlags.Caps));
        const ulong Inheritable = 1UL << 1, Permitted = 0xff, Effective = 0xf;
        Assert.Equal(0, a.Process.DropFromBoundingSet(3));
        Assert.Equal(0, a.Process.SetCapabilities(Inheritable, Permitted, Effective));
        Metadata told = a.Tells(b);
        Assert.Equal(52, 16 + Assert.Single(told.Items).Payload.Length);
        CapabilitySets self = a.Process.Self().Caps;
        Assert.Equal((Inheritable, Permitted, Effective), (told.Caps.Inheritable, told.Caps.Permitted, told.Caps.Effective));
        Assert.Equal(self, told.Caps);
        Assert.Equal(0UL, told.Caps.Bounding & 1UL << 3);
        Assert.Equal(0UL, told.Caps.Bounding >> (int)told.Caps.LastCap + 1);
    }

    [Theory, Worlds]
    public void MET_34_a_sender_that_has_ended_is_who_it_was(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        Peer b = scene.Connect(Peer.HelloCommand(recv: ulong.MaxValue));
        Peer monitor = scene.Connect(Peer.MonitorHello(recv: ulong.MaxValue));
        Self self = a.Process.Self();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(0, a.Process.Exit());
        foreach (Peer reader in (Peer[])[b, monitor])
        {
            Metadata told = reader.Told();
            told.IsAllAbout(self);
            Assert.NotEqual(0UL, told.Pids.Pid);
        }
    }

    /// <summary>The waiting caller is told with the answer who has answered.</summary>
    [Theory, Worlds]
    public void MET_01_an_answer_to_a_synchronous_call_tells_of_who_answered(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect(Peer.OpenHello());
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)));
        b.AwaitReadable();
        b.Told();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(Errno.OK, call.Result());
        call.Reply.Metadata.IsAllAbout(b.Process.Self());
    }

    [Theory, Worlds]
    public void MET_01_a_message_that_moves_with_a_name_tells_the_same(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        scene.Connect(Peer.ActivatorHello("a.b", recv: ulong.MaxValue));
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(static m => m.ToName("a.b").Vec("hello"u8)));
        b.Owns("a.b");
        ReceivedMessage message = b.ReceiveAndFree();
        Assert.Equal("hello"u8, message.Payload);
        message.Metadata.IsAllAbout(a.Process.Self());
    }

    private static string Names(Metadata told) => string.Join(' ', told.OwnedNames.Select(static n => n.Name));
}
