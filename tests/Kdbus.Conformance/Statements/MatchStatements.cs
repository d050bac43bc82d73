namespace Kdbus.Conformance.Statements;

/// <summary>Matches: which signals reach a connection.</summary>
[AlsoByExchange]
public class MatchStatements
{
    private static readonly byte[] s_few = Bloom.Bits(3, 200);
    private static readonly byte[] s_more = Bloom.Bits(3, 100, 200, 511);

    [Theory, Worlds]
    public void BRD_01_without_a_match_no_broadcast_is_received(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Broadcast());
        b.HasNothingAndLost(0);
    }

    [Theory, Worlds]
    public void BRD_02_a_match_without_rules_passes_every_broadcast(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.MatchesEverything();
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Cookie(9).Priority(4).Vec("news"u8), s_few, 3));
        ReceivedMessage message = b.Receive();
        Assert.Equal((a.Id, Constants.DstIdBroadcast, 9UL, 4L, (ulong)MessageFlags.Signal, 0UL), (
            message.Header.SrcId, message.Header.DstId, message.Header.Cookie, message.Header.Priority, message.Header.Flags, message.Header.CookieReply));
        Assert.Equal("news"u8, message.Payload);
        Assert.Equal(ItemType.PayloadOff, Assert.Single(message.Items).Type);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_03_nobody_receives_his_own_broadcast(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        a.MatchesEverything();
        b.MatchesEverything();
        a.ReceiveAll();
        Assert.Equal(Errno.OK, a.Broadcast());
        a.HasNothing();
        b.Receive();
    }

    [Theory, Worlds]
    public void BRD_04_a_filter_without_bits_does_not_pass_a_mask_with_bits(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.False(Passes(scene, static m => m.BloomMask(Bloom.Filled(0x55)), Bloom.Nothing));
    }

    [Theory, Worlds]
    public void BRD_05_a_filter_with_the_bits_of_the_mask_passes(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.True(Passes(scene, static m => m.BloomMask(Bloom.Filled(0x55)), Bloom.Filled(0x55)));
        Assert.True(Passes(scene, static m => m.BloomMask(s_few), s_few));
        Assert.True(Passes(scene, static m => m.BloomMask(s_few), s_more));
    }

    [Theory, Worlds]
    public void BRD_06_a_filter_that_lacks_a_bit_of_the_mask_does_not_pass(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.False(Passes(scene, static m => m.BloomMask(s_more), s_few));
        for (int bit = 0; bit < 512; bit += 73)
            Assert.False(Passes(scene, m => m.BloomMask(Bloom.Bits(bit, 7)), Bloom.Bits(7)));
    }

    [Theory, Worlds]
    public void BRD_07_a_mask_without_bits_passes_every_filter_and_one_of_all_bits_only_a_full_one(WorldKind world)
    {
        using Scene scene = new(world);
        foreach (byte[] filter in (byte[][])[Bloom.Nothing, s_few, Bloom.Everything])
            Assert.True(Passes(scene, static m => m.BloomMask(Bloom.Nothing), filter));
        Assert.False(Passes(scene, static m => m.BloomMask(Bloom.Everything), s_few));
        Assert.False(Passes(scene, static m => m.BloomMask(Bloom.Everything), Bloom.Filled(0xfe)));
        Assert.True(Passes(scene, static m => m.BloomMask(Bloom.Everything), Bloom.Everything));
    }

    [Theory, Worlds]
    public void BRD_08_the_generation_of_the_filter_chooses_the_mask(WorldKind world)
    {
        using Scene scene = new(world);
        static void Rules(MatchRules m) => m.BloomMask(Bloom.Bits(1), Bloom.Bits(2));
        Assert.True(Passes(scene, Rules, Bloom.Bits(1), 0));
        Assert.False(Passes(scene, Rules, Bloom.Bits(2), 0));
        Assert.False(Passes(scene, Rules, Bloom.Bits(1), 1));
        Assert.True(Passes(scene, Rules, Bloom.Bits(2), 1));
    }

    [Theory, Worlds]
    public void BRD_09_a_filter_newer_than_the_masks_meets_the_last_of_them(WorldKind world)
    {
        using Scene scene = new(world);
        static void Two(MatchRules m) => m.BloomMask(Bloom.Bits(1), Bloom.Bits(2));
        Assert.True(Passes(scene, Two, Bloom.Bits(2), 9));
        Assert.False(Passes(scene, Two, Bloom.Bits(1), 9));

        static void Three(MatchRules m) => m.BloomMask(Bloom.Bits(1), Bloom.Bits(2), Bloom.Bits(3));
        for (int generation = 0; generation < 3; generation++)
        {
            for (int bit = 1; bit <= 3; bit++)
                Assert.Equal((generation, bit, bit == generation + 1), (generation, bit, Passes(scene, Three, Bloom.Bits(bit), (ulong)generation)));
        }
        foreach (ulong generation in (ulong[])[3, 7, 1UL << 32, ulong.MaxValue])
        {
            Assert.True(Passes(scene, Three, Bloom.Bits(3), generation));
            Assert.False(Passes(scene, Three, Bloom.Bits(1, 2), generation));
        }
        Assert.True(Passes(scene, static m => m.BloomMask(Bloom.Bits(1)), Bloom.Bits(1), 5));
    }

    [Theory, Worlds]
    public void BRD_10_a_mask_is_as_long_as_the_filters_of_the_bus_or_a_multiple(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (int length in (int[])[0, 1, 8, 56, 63, 65, 72, 96, 127])
            Assert.Equal((length, Errno.EDOM), (length, a.AddMatch(m => m.Item(ItemType.BloomMask, new byte[length]))));
        Assert.Equal(Errno.OK, a.AddMatch(static m => m.Item(ItemType.BloomMask, new byte[64])));
        Assert.Equal(Errno.OK, a.AddMatch(static m => m.Item(ItemType.BloomMask, new byte[256])));
        Assert.Equal(Errno.EDOM, a.AddMatch(static m => m.BloomMask(Bloom.Nothing).Item(ItemType.BloomMask, new byte[8]).Name("no")));
        Assert.Equal(Errno.EINVAL, a.AddMatch(static m => m.Name("no").Item(ItemType.BloomMask, new byte[8])));
    }

    [Theory, Worlds]
    public void BRD_11_an_id_passes_the_signals_of_that_connection_and_all_ones_those_of_any(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(m => m.Id(a.Id), cookie: 1);
        Assert.Equal(Errno.OK, c.Broadcast());
        b.HasNothing();
        Assert.Equal(Errno.OK, a.Broadcast());
        Assert.Equal(a.Id, b.Receive().Header.SrcId);
        b.Matches(static m => m.Id(), cookie: 1, MatchFlags.Replace);
        Assert.Equal(Errno.OK, c.Broadcast());
        Assert.Equal(c.Id, b.Receive().Header.SrcId);
        b.Matches(static m => m.Id(0), cookie: 1, MatchFlags.Replace);
        Assert.Equal(Errno.OK, c.Broadcast());
        b.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_12_a_name_passes_the_signals_of_who_has_it_now(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.Name("a.b"));
        Assert.Equal(Errno.OK, a.Broadcast());
        b.HasNothing();
        a.Owns("a.other");
        a.Owns("a.b");
        Assert.Equal(Errno.OK, a.Broadcast());
        Assert.Equal(Errno.OK, c.Broadcast());
        Assert.Equal(a.Id, b.Receive().Header.SrcId);
        a.GivesUp("a.b");
        c.Owns("a.b");
        Assert.Equal(Errno.OK, a.Broadcast());
        Assert.Equal(Errno.OK, c.Broadcast());
        Assert.Equal(c.Id, b.Receive().Header.SrcId);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_13_to_wait_for_a_name_is_not_to_have_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.Name("a.b"));
        a.Owns("a.b");
        c.WaitsFor("a.b");
        Assert.Equal(Errno.OK, c.Broadcast());
        b.HasNothing();
        a.GivesUp("a.b");
        Assert.Equal(Errno.OK, c.Broadcast());
        b.Receive();
    }

    [Theory, Worlds]
    public void BRD_14_all_rules_of_a_match_are_needed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(m => m.Id(a.Id).BloomMask(s_few).Name("a.b"));
        Assert.Equal(Errno.OK, a.Broadcast(filter: s_more));
        a.Owns("a.b");
        Assert.Equal(Errno.OK, a.Broadcast(filter: Bloom.Nothing));
        Assert.Equal(Errno.OK, c.Broadcast(filter: s_more));
        b.HasNothing();
        Assert.Equal(Errno.OK, a.Broadcast(filter: s_more));
        b.Receive();

        // Several rules of one kind too.
        b.Matches(m => m.Id(a.Id).Id(c.Id), cookie: 0, MatchFlags.Replace);
        Assert.Equal(Errno.OK, a.Broadcast());
        b.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_15_a_signal_that_passes_is_received_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.Id(0));
        b.Matches(static m => m.Id());
        b.Matches(static m => m.Id(), cookie: 2);
        b.MatchesEverything();
        Assert.Equal(Errno.OK, a.Broadcast());
        b.Receive();
        b.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_16_all_matches_with_a_cookie_are_removed_together(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(m => m.Id(a.Id), cookie: 7);
        b.Matches(static m => m.BloomMask(Bloom.Nothing), cookie: 7);
        b.Matches(static m => m.Id(0), cookie: 0);
        Assert.Equal(Errno.EBADSLT, b.RemoveMatch(8));
        Assert.Equal(Errno.EBADSLT, a.RemoveMatch(7));
        Assert.Equal(Errno.OK, b.RemoveMatch(7));
        Assert.Equal(Errno.EBADSLT, b.RemoveMatch(7));
        Assert.Equal(Errno.OK, a.Broadcast());
        b.HasNothing();
        Assert.Equal(Errno.OK, b.RemoveMatch(0));
        Assert.Equal(Errno.EBADSLT, b.RemoveMatch(0));
    }

    [Theory, Worlds]
    public void BRD_17_a_match_may_replace_those_with_its_cookie(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer c = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(m => m.Id(a.Id), cookie: 7);
        b.Matches(static m => m.BloomMask(s_few), cookie: 7);
        b.Matches(m => m.Id(c.Id), cookie: 7, MatchFlags.Replace);
        Assert.Equal(Errno.OK, a.Broadcast(filter: s_few));
        b.HasNothing();
        Assert.Equal(Errno.OK, c.Broadcast());
        b.Receive();

        // A match that cannot be made replaces nothing, and where there is nothing to replace it is made all the same.
        Assert.Equal(Errno.EINVAL, b.AddMatch(static m => m.Name("no"), 7, MatchFlags.Replace));
        Assert.Equal(Errno.EDOM, b.AddMatch(static m => m.BloomMask([]), 7, MatchFlags.Replace));
        Assert.Equal(Errno.OK, c.Broadcast());
        b.Receive();
        Assert.Equal(Errno.OK, b.RemoveMatch(7));
        b.Matches(m => m.Id(a.Id), cookie: 8, MatchFlags.Replace);
        Assert.Equal(Errno.OK, a.Broadcast());
        b.Receive();
        Assert.Equal(Errno.EINVAL, b.AddMatch(static _ => { }, 0, (MatchFlags)2));
    }

    [Theory, Worlds]
    public void BRD_18_a_connection_has_at_most_256_matches(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        for (ulong cookie = 0; cookie < 256; cookie++)
            a.Matches(static m => m.Id(0), cookie / 2);
        Assert.Equal(Errno.EMFILE, a.AddMatch(static m => m.Id(0)));
        Assert.Equal(Errno.EMFILE, a.AddMatch(static m => m.Id(0), 1000, MatchFlags.Replace));
        Assert.Equal(Errno.EINVAL, a.AddMatch(static m => m.Name("no")));
        Assert.Equal(Errno.OK, a.AddMatch(static m => m.Id(0), 5, MatchFlags.Replace));
        Assert.Equal(Errno.OK, a.AddMatch(static m => m.Id(0), 5));
        Assert.Equal(Errno.EMFILE, a.AddMatch(static m => m.Id(0)));
        Assert.Equal(Errno.OK, a.RemoveMatch(5));
        a.Matches(static m => m.Id(0));
        Assert.Equal(Errno.OK, scene.Connect().AddMatch(static m => m.Id(0)));
    }

    [Theory, Worlds]
    public void BRD_28_rules_for_signals_and_for_notifications_in_one_match_pass_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.IdAdd().BloomMask(Bloom.Nothing));
        b.Matches(static m => m.Id().NameAdd());
        b.Matches(static m => m.IdAdd().IdRemove());
        b.Matches(static m => m.NameAdd().NameChange());
        Assert.Equal(Errno.OK, a.Broadcast());
        a.Owns("a.b");
        a.GivesUp("a.b");
        scene.Connect().Close();
        b.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_29_an_id_of_all_ones_passes_every_signal_and_no_notification(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.Id());
        a.Owns("a.b");
        scene.Connect().Close();
        b.HasNothing();
        Assert.Equal(Errno.OK, a.Broadcast(filter: s_more, generation: 12));
        Assert.Equal(a.Id, b.Receive().Header.SrcId);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void BRD_31_the_name_of_a_match_is_checked_where_it_means_the_sender(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (string name in (string[])["", "a", "a.*", "a.9", "a..b"])
        {
            Assert.Equal((name, Errno.EINVAL), (name, a.AddMatch(m => m.Name(name))));
            Assert.Equal((name, Errno.OK), (name, a.AddMatch(m => m.NameAdd(name: name))));
        }
        Assert.Equal(Errno.EINVAL, a.AddMatch(static m => m.Item(ItemType.NameAdd, new byte[31])));
        Assert.Equal(Errno.EINVAL, a.AddMatch(static m => m.Item(ItemType.NameAdd, [.. new byte[32], 0x61])));
        Assert.Equal(Errno.EINVAL, a.AddMatch(static m => m.Item(ItemType.IdAdd, new byte[8])));
        Assert.Equal(Errno.EINVAL, a.AddMatch(static m => m.Item(ItemType.Id, new byte[4])));
        Assert.Equal(Errno.EINVAL, a.AddMatch(static m => m.Item(ItemType.BloomFilter, new byte[72])));
    }

    [Theory, Worlds]
    public void BRD_32_an_item_of_negotiation_makes_no_rule(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.Item(ItemType.Negotiate, BitConverter.GetBytes((ulong)ItemType.Id)));
        Assert.Equal(Errno.OK, a.Broadcast());
        b.Receive();
        Assert.Equal(Errno.OK, b.RemoveMatch(0));
    }

    [Theory, Worlds]
    public void BRD_33_only_an_ordinary_connection_has_matches(WorldKind world)
    {
        using Scene scene = new(world);
        foreach (WireStruct hello in (WireStruct[])[Peer.MonitorHello(), Peer.ActivatorHello("a.b"), Peer.PolicyHolderHello("a.c")])
        {
            Peer special = scene.Connect(hello);
            Assert.Equal(Errno.EOPNOTSUPP, special.AddMatch(static _ => { }));
            Assert.Equal(Errno.EOPNOTSUPP, special.RemoveMatch(0));
        }
    }

    [Theory, Worlds]
    public void BRD_34_the_size_of_filters_is_that_of_the_bus(WorldKind world)
    {
        using Scene scene = new(world);
        Handle owner = scene.OpenControl();
        Assert.Equal(Errno.OK, owner.Run(Command.BusMake, TestBus.Command("0-x", bloomSize: 8)).Result);
        Peer a = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.PathOf("0-x/bus")));
        Peer b = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.PathOf("0-x/bus")));
        Assert.Equal(Errno.EDOM, b.AddMatch(static m => m.BloomMask([1, 2, 3, 4])));
        b.Matches(static m => m.BloomMask([0, 0, 0, 0, 0, 0, 0, 1]));
        Assert.Equal(Errno.EDOM, a.Broadcast());
        Assert.Equal(Errno.OK, a.Broadcast(filter: [1, 0, 0, 0, 0, 0, 0, 0]));
        b.HasNothing();
        Assert.Equal(Errno.OK, a.Broadcast(filter: [0, 0, 0, 0, 0, 0, 0, 3]));
        b.Receive();
    }

    // Does a signal with this filter pass a match of these rules?
    private static bool Passes(Scene scene, Action<MatchRules> rules, byte[] filter, ulong generation = 0)
    {
        Peer receiver = scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 65536));
        receiver.Matches(rules);
        Peer sender = scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 65536));
        Assert.Equal(Errno.OK, sender.Broadcast(filter: filter, generation: generation));
        bool passes = receiver.ReceiveAll().Count == 1;
        receiver.Close();
        sender.Close();
        return passes;
    }
}
