using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Statements;

/// <summary>LIST of unique ids, CONN_INFO without metadata, and UPDATE of masks.</summary>
public class QueryStatements
{
    [Theory, Worlds]
    public void NAM_22_list_unique_shows_every_connection_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        Peer gone = scene.Connect();
        gone.Close();
        TestBus other = TestBus.Make(scene.World, scene.Process, "0-other");
        Peer.Hello(other.Open(scene.Process));
        Assert.Equal([a.Id, b.Id, user.Id], Ids(user, ListFlags.Unique));
    }

    [Theory, Worlds]
    public void NAM_27_a_list_of_nothing_is_empty_and_can_be_freed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (ListFlags flags in (ListFlags[])[ListFlags.None, ListFlags.Names, ListFlags.Activators, ListFlags.Queued])
        {
            CommandRun run = a.List(flags);
            Assert.Equal((flags, Errno.OK, a.PoolSize, 0UL), (flags, run.Result, run.As<KdbusCmdList>().Offset, run.As<KdbusCmdList>().ListSize));
            Assert.Equal(Errno.OK, a.Free(run.As<KdbusCmdList>().Offset));
        }
    }

    [Theory, Worlds]
    public void NAM_28_records_tell_the_flags_of_hello_and_fill_the_list(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(HelloFlags.AcceptFd));
        Peer b = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        CommandRun run = a.List(ListFlags.Unique);
        KdbusCmdList list = run.As<KdbusCmdList>();
        Assert.Equal((Errno.OK, 0UL), (run.Result, run.ReturnFlags));
        KdbusInfo[] records = Records(a.Pool(list.Offset, list.ListSize));
        Assert.All(records, static r => Assert.Equal(0UL, r.Size % 8));
        Assert.Equal(list.ListSize, (ulong)records.Sum(static r => (long)r.Size));
        Assert.Equal([(a.Id, 1UL), (b.Id, 0UL)], records.Select(static r => (r.Id, r.Flags)).Order().ToArray());
        Assert.Equal(Errno.OK, a.Free(list.Offset));
        Assert.Equal(Errno.ENXIO, a.Free(list.Offset));
    }

    [Theory, Worlds]
    public void MET_14_a_mask_that_lacks_what_the_bus_requires_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(required: (ulong)AttachFlags.Pids);
        Peer a = scene.Connect(Peer.HelloCommand(send: 0x3fff));
        Assert.Equal(Errno.EINVAL, Update(a, (ItemType.AttachFlagsSend, 0UL)));
        Assert.Equal(Errno.EINVAL, Update(a, (ItemType.AttachFlagsSend, 0x3ffbUL)));
        Assert.Equal(Errno.EINVAL, Update(a, (ItemType.AttachFlagsSend, 0x4004UL)));
        Assert.Equal(Errno.EINVAL, Update(a, (ItemType.AttachFlagsRecv, 0x4000UL)));
        Assert.Equal(Errno.OK, Update(a, (ItemType.AttachFlagsSend, 0x4UL)));
        Assert.Equal(Errno.OK, Update(a, (ItemType.AttachFlagsSend, ulong.MaxValue), (ItemType.AttachFlagsRecv, ulong.MaxValue)));
        Assert.Equal(Errno.OK, Update(a));
        Assert.Equal(Errno.EINVAL, Update(a, (ItemType.AttachFlagsRecv, 0UL), (ItemType.AttachFlagsRecv, 0UL)));
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
        WireStruct update = WireStruct.Of(Command.Update).Text(ItemType.Name, "a.b");
        Assert.Equal(Errno.EOPNOTSUPP, a.Handle.Run(Command.Update, update).Result);
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
        KdbusInfo record = Assert.Single(Records(a.Pool(info.Offset, info.InfoSize)));
        Assert.Equal((24UL, b.Id, 0UL), (record.Size, record.Id, record.Flags));
        Assert.Equal(Errno.OK, a.Free(info.Offset));
    }

    private static Errno Update(Peer peer, params ReadOnlySpan<(ItemType Type, ulong Mask)> masks)
    {
        WireStruct command = WireStruct.Of(Command.Update);
        foreach ((ItemType type, ulong mask) in masks)
            command.Item(type, mask);
        return peer.Handle.Run(Command.Update, command).Result;
    }

    private static ulong[] Ids(Peer asker, ListFlags flags)
    {
        KdbusCmdList list = asker.List(flags).As<KdbusCmdList>();
        return [.. Records(asker.Pool(list.Offset, list.ListSize)).Select(static r => r.Id).Order()];
    }

    private static KdbusInfo[] Records(ReadOnlySpan<byte> list)
    {
        List<KdbusInfo> records = [];
        while (!list.IsEmpty)
        {
            KdbusInfo record = MemoryMarshal.Read<KdbusInfo>(list);
            Assert.InRange(record.Size, 24UL, (ulong)list.Length);
            ReceivedItem.Chain(list[24..(int)record.Size]);
            records.Add(record);
            list = list[(int)record.Size..];
        }
        return [.. records];
    }
}
