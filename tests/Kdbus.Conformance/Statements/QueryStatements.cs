namespace Kdbus.Conformance.Statements;

/// <summary>CONN_INFO without metadata, and UPDATE of masks.</summary>
public class QueryStatements
{
    [Theory, Worlds]
    public void MET_14_a_mask_that_lacks_what_the_bus_requires_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(required: (ulong)AttachFlags.Pids);
        Peer a = scene.Connect(Peer.HelloCommand(send: 0x3fff));
        Assert.Equal(Errno.EINVAL, a.Update(send: 0));
        Assert.Equal(Errno.EINVAL, a.Update(send: 0x3ffb));
        Assert.Equal(Errno.EINVAL, a.Update(send: 0x4004));
        Assert.Equal(Errno.EINVAL, a.Update(recv: 0x4000));
        Assert.Equal(Errno.OK, a.Update(send: 0x4));
        Assert.Equal(Errno.OK, a.Update(send: ulong.MaxValue, recv: ulong.MaxValue));
        Assert.Equal(Errno.OK, a.Update());
        WireStruct twice = WireStruct.Of(Command.Update).Item(ItemType.AttachFlagsRecv, 0UL).Item(ItemType.AttachFlagsRecv, 0UL);
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.Update, twice).Result);
    }

    [Theory, Worlds]
    public void POL_16_on_a_custom_endpoint_without_policy_one_may_only_answer(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Peer inside = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.EndpointPath("0-e")));
        Peer outside = scene.Connect();
        Assert.Equal(Errno.EPERM, inside.Send(m => m.To(outside.Id)));
        Assert.Equal(Errno.OK, outside.Send(m => m.To(inside.Id).ExpectReply(1, outside.Deadline(600_000))));
        Assert.Equal(Errno.OK, inside.Send(m => m.To(outside.Id).Answers(1)));
    }

    [Theory, Worlds]
    public void POL_29_an_ordinary_connection_has_no_policy_to_update(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EOPNOTSUPP, a.Update(static p => p.Name("a.b")));
    }

    [Theory, Worlds]
    public void MET_19_conn_info_about_nobody_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.EINVAL, scene.Connect().ConnInfo(0).Result);
    }

    [Theory, Worlds]
    public void MET_20_conn_info_about_who_is_not_there_is_ENXIO_or_ESRCH(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.ENXIO, a.ConnInfo(a.Id + 1000).Result);
        Assert.Equal(Errno.EINVAL, a.ConnInfo(a.Id, 0x4000).Result);
        foreach (string name in (string[])["a.b", "not a name", ".."])
        {
            Assert.Equal(Errno.ESRCH, a.Handle.Run(Command.ConnInfo, WireStruct.Of(Command.ConnInfo).Text(ItemType.Name, name)).Result);
            WireStruct both = WireStruct.Of(new KdbusCmdInfo { Id = a.Id }).Text(ItemType.Name, name);
            Assert.Equal(Errno.ESRCH, a.Handle.Run(Command.ConnInfo, both).Result);
        }
    }

    [Theory, Worlds]
    public void MET_20_conn_info_without_metadata_is_a_bare_record(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        CommandRun run = a.ConnInfo(b.Id);
        KdbusCmdInfo info = run.As<KdbusCmdInfo>();
        Assert.Equal((Errno.OK, 24UL), (run.Result, info.InfoSize));
        Assert.Equal(new ListedConnection(b.Id, HelloFlags.None), Assert.Single(ListedConnection.Records(a.Pool(info.Offset, info.InfoSize))));
        Assert.Equal(Errno.OK, a.Free(info.Offset));
    }

    [Theory, Worlds]
    public void MET_17_conn_info_by_name_is_about_who_owns_it_now(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(new ListedConnection(activator.Id, HelloFlags.Activator | HelloFlags.AcceptFd), Record(a, a.ConnInfo("a.b")));
        Assert.Equal(new ListedConnection(activator.Id, HelloFlags.Activator | HelloFlags.AcceptFd), Record(a, a.ConnInfo("a.b", activator.Id)));
        b.Owns("a.b");
        Assert.Equal(new ListedConnection(b.Id, HelloFlags.AcceptFd), Record(a, a.ConnInfo("a.b")));
    }

    [Theory, Worlds]
    public void MET_18_conn_info_by_name_and_the_id_of_another_is_ESRCH(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Peer a = scene.Connect();
        a.Owns("a.b");
        Assert.Equal(Errno.OK, a.ConnInfo("a.b", a.Id).Result);
        Assert.Equal(Errno.ESRCH, a.ConnInfo("a.b", activator.Id).Result);
        Assert.Equal(Errno.ESRCH, a.ConnInfo("a.b", a.Id + 1000).Result);
    }

    [Theory, Worlds]
    public void MET_32_connections_of_every_kind_ask_and_are_asked_about(WorldKind world)
    {
        using Scene scene = new(world);
        Peer[] peers =
        [
            scene.Connect(),
            scene.Connect(Peer.ActivatorHello("a.b")),
            scene.Connect(Peer.MonitorHello()),
            scene.Connect(Peer.PolicyHolderHello("a.c")),
        ];
        foreach (Peer asking in peers)
        {
            foreach (Peer asked in peers)
                Assert.Equal(asked.Id, Record(asking, asking.ConnInfo(asked.Id)).Id);
            CommandRun creator = asking.Handle.Run(Command.BusCreatorInfo, WireStruct.Of(Command.BusCreatorInfo));
            Assert.Equal(Errno.OK, creator.Result);
        }
    }

    private static ListedConnection Record(Peer asking, CommandRun run)
    {
        Assert.Equal(Errno.OK, run.Result);
        KdbusCmdInfo info = run.As<KdbusCmdInfo>();
        return Assert.Single(ListedConnection.Records(asking.Pool(info.Offset, info.InfoSize)));
    }
}
