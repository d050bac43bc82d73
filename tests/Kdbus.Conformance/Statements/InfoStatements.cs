namespace Kdbus.Conformance.Statements;

/// <summary>CONN_INFO and BUS_CREATOR_INFO: what is told about a connection, and about who made the bus.</summary>
public class InfoStatements
{
    [Theory, Worlds]
    public void MET_16_a_connection_is_who_it_was_at_hello(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect();
        Self before = a.Process.Self();
        Assert.Equal(0, a.Process.Become(Scene.User, Scene.User, 40005));
        Assert.Equal(0, a.Process.ChangeThread(ThreadChange.Rename("other")));
        Assert.NotEqual(before.Creds, a.Process.Self().Creds);
        b.Info(a.Id).Metadata.IsAllAbout(before);
    }

    [Theory, Worlds]
    public void MET_17_who_is_asked_for_by_name_is_told_of_in_full(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello());
        a.Owns("a.b");
        Info info = scene.Connect().Info("a.b");
        Assert.Equal((a.Id, a.Greeting.Flags), (info.Id, info.Flags));
        info.Metadata.IsAllAbout(a.Process.Self());
        Assert.Equal("a.b", Assert.Single(info.Metadata.OwnedNames).Name);
    }

    [Theory, Worlds]
    public void MET_21_there_is_no_timestamp_without_a_message(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello());
        Info info = a.Info(a.Id, AttachFlags.Timestamp);
        Assert.Equal(24UL, info.Size);
        Assert.False(a.Info(a.Id).Metadata.Kinds.HasFlag(AttachFlags.Timestamp));
        Assert.False(a.CreatorInfo().Metadata.Kinds.HasFlag(AttachFlags.Timestamp));
    }

    [Theory, Worlds]
    public void MET_22_only_what_a_connection_allows_is_told(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Creds));
        Peer b = scene.Connect(Peer.OpenHello());
        a.Owns("a.b");
        Assert.Equal(AttachFlags.Creds, b.Info(a.Id).Metadata.Kinds);
        Assert.Equal(AttachFlags.None, b.Info(a.Id, AttachFlags.All & ~AttachFlags.Creds).Metadata.Kinds);

        // Data of all kinds was taken at HELLO, so that more may be allowed later.
        Assert.Equal(Errno.OK, a.Update(send: ulong.MaxValue));
        b.Info(a.Id).Metadata.IsAllAbout(a.Process.Self());
    }

    [Theory, Worlds]
    public void MET_23_the_creator_info_names_the_bus(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(MakeFlags.AccessWorld | MakeFlags.AccessGroup);
        TestBus other = TestBus.Make(scene.World, scene.Process, "0-other");
        Peer a = scene.Connect();
        Peer elsewhere = Peer.Hello(other.Open(scene.Process));
        Info info = a.CreatorInfo();
        Assert.Equal((Path.GetFileName(scene.Bus.Path), (ulong)(MakeFlags.AccessWorld | MakeFlags.AccessGroup)), (info.BusName, info.Flags));
        Assert.NotEqual(0UL, info.Id);
        Assert.Equal("0-other", elsewhere.CreatorInfo().BusName);
        Assert.NotEqual(info.Id, elsewhere.CreatorInfo().Id);
    }

    [Theory, Worlds]
    public void MET_24_only_what_the_creator_allows_is_told(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        scene.MakeBus(allowed: (ulong)AttachFlags.Pids);
        Info info = scene.Connect().CreatorInfo();
        Assert.Equal((Path.GetFileName(scene.Bus.Path), AttachFlags.Pids), (info.BusName, info.Metadata.Kinds));
        Assert.Equal(scene.Process.Self().Numbers, info.Metadata.Pids);
    }

    [Theory, Worlds]
    public void MET_25_a_creator_that_allows_nothing_is_not_told_of(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        foreach (ulong? allowed in (ulong?[])[0, null])
        {
            TestBus bus = TestBus.Make(scene.World, scene.Process, $"0-{allowed}x", allowed: allowed);
            Info info = Peer.Hello(bus.Open(scene.World.Spawn())).CreatorInfo();
            Assert.Equal(Path.GetFileName(bus.Path), info.BusName);
            Assert.Empty(info.Metadata.Items);
        }
    }

    [Theory, Worlds]
    public void MET_33_what_is_asked_again_lies_where_it_lay(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello());
        ulong first = a.Info(a.Id, AttachFlags.Creds).Offset;
        Assert.Equal(first, a.Info(a.Id).Offset);
        Assert.Equal(first, a.CreatorInfo().Offset);
        Assert.Equal(first, a.Info(a.Id, AttachFlags.None).Offset);
    }

    [Theory, Worlds]
    public void MET_35_a_new_mask_of_the_domain_holds_for_the_next_question(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(allowed: ulong.MaxValue);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        Peer b = scene.Connect();
        Self self = a.Process.Self();
        Assert.Equal(Domain & self.Kinds, b.Info(a.Id).Metadata.Kinds);
        scene.LetThrough(AttachFlags.Any);
        b.Info(a.Id).Metadata.IsAllAbout(self);
        b.CreatorInfo().Metadata.IsAllAbout(scene.Process.Self());
        scene.LetThrough(AttachFlags.None);
        Assert.Equal(24UL, b.Info(a.Id).Size);
        Info creator = b.CreatorInfo();
        Assert.Equal(Path.GetFileName(scene.Bus.Path), creator.BusName);
        Assert.Empty(creator.Metadata.Items);
        scene.LetThrough(AttachFlags.Exe);
        Assert.Equal(AttachFlags.Exe, b.Info(a.Id).Metadata.Kinds);
    }

    [Theory, Worlds]
    public void MET_36_all_that_can_be_told_of_a_connection_is(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue).Text(ItemType.ConnDescription, "what-I-am"));
        Metadata told = scene.Connect().Info(a.Id).Metadata;
        Assert.Equal(a.Process.Self().Kinds | AttachFlags.ConnDescription, told.Kinds);
        told.IsAllAbout(a.Process.Self());
        Assert.Equal("what-I-am", told.Description);
    }

    [Theory, Worlds]
    public void MET_37_all_that_can_be_told_of_a_creator_is(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        scene.MakeBus(allowed: ulong.MaxValue);
        Self self = scene.Process.Self();
        Peer described = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue).Text(ItemType.ConnDescription, "what-I-am"));
        described.Owns("a.b");
        Info info = described.CreatorInfo();
        Assert.Equal(Path.GetFileName(scene.Bus.Path), info.BusName);
        Assert.Equal(self.Kinds, info.Metadata.Kinds);
        info.Metadata.IsAllAbout(self);

        // It stays who it was.
        Assert.Equal(0, scene.Process.Become(Scene.User, Scene.User));
        described.CreatorInfo().Metadata.IsAllAbout(self);
    }

    [Theory, Worlds]
    public void MET_38_where_there_is_nothing_to_tell_the_record_is_bare(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello());
        Assert.Equal(24UL, a.Info(a.Id, AttachFlags.Names).Size);
        Assert.Equal(24UL, a.Info(a.Id, AttachFlags.ConnDescription).Size);
        a.Owns("a.b");
        Assert.Equal(AttachFlags.Names, a.Info(a.Id, AttachFlags.Names).Metadata.Kinds);
    }

    /// <summary>That a record fills what the command says it fills is asserted with every one that is read.</summary>
    [Theory, Worlds]
    public void MET_39_every_kind_alone_fills_its_record(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        scene.MakeBus(allowed: Peer.Everything);
        Peer a = scene.Connect(Peer.OpenHello().Text(ItemType.ConnDescription, "odd"));
        a.Owns("a.b");
        a.Owns("a.name.of.another.length");
        AttachFlags all = a.Info(a.Id).Metadata.Kinds;
        for (int bit = 0; bit < 14; bit++)
        {
            AttachFlags kind = (AttachFlags)(1UL << bit);
            Assert.Equal(kind & all, a.Info(a.Id, kind).Metadata.Kinds);
            Assert.Equal(all & ~kind, a.Info(a.Id, AttachFlags.All & ~kind).Metadata.Kinds);
            Assert.Equal(kind & scene.Process.Self().Kinds, a.CreatorInfo(kind).Metadata.Kinds);
        }
    }

    [Theory, Worlds]
    public void MET_40_a_name_without_its_end_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns("a.b");
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.ConnInfo, WireStruct.Of(Command.ConnInfo).Item(ItemType.Name, "a.b"u8)).Result);
        Assert.Equal(Errno.OK, a.Handle.Run(Command.ConnInfo, WireStruct.Of(Command.ConnInfo).Item(ItemType.Name, "a.b\0"u8)).Result);
    }

    [Theory, Worlds]
    public void MET_41_an_inherited_handle_is_still_its_makers(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer parent = scene.Connect(Peer.OpenHello());
        Self self = parent.Process.Self();
        Assert.True(parent.Process.Fork(out IProcess? child) > 0);
        Assert.Equal(0, child!.Become(Scene.User, Scene.User, 40005));
        parent.In(child).Info(parent.Id).Metadata.IsAllAbout(self);

        // A message is from who sends it.
        Peer b = scene.Connect(Peer.OpenHello());
        parent.In(child).Tells(b).IsAllAbout(child.Self());
    }

    private const AttachFlags Domain = Kdbus.Engine.Domain.DefaultAttachMask;
}
