namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    /// <summary>NAME_ACQUIRE.</summary>
    public Errno Acquire(string name, NameFlags flags = NameFlags.None) => AcquireInFull(name, flags).Result;

    /// <summary>NAME_ACQUIRE, with all it returns.</summary>
    public CommandRun AcquireInFull(string name, NameFlags flags = NameFlags.None) =>
        Handle.Run(Command.NameAcquire, WireStruct.Of(new KdbusCmd { Flags = (ulong)flags, ReturnFlags = Untouched }).Text(ItemType.Name, name));

    /// <summary>NAME_ACQUIRE that must succeed at once.</summary>
    public void Owns(string name, NameFlags flags = NameFlags.None)
    {
        CommandRun run = AcquireInFull(name, flags);
        Assert.Equal((name, Errno.OK, 0UL), (name, run.Result, run.ReturnFlags));
    }

    /// <summary>NAME_ACQUIRE that must leave the caller waiting.</summary>
    public void WaitsFor(string name, NameFlags flags = NameFlags.Queue)
    {
        CommandRun run = AcquireInFull(name, flags);
        Assert.Equal((name, Errno.OK, NameFlags.InQueue), (name, run.Result, (NameFlags)run.ReturnFlags));
    }

    /// <summary>NAME_RELEASE.</summary>
    public Errno Release(string name) => Handle.Run(Command.NameRelease, WireStruct.Of(Command.NameRelease).Text(ItemType.Name, name)).Result;

    /// <summary>NAME_RELEASE that must succeed.</summary>
    public void GivesUp(string name) => Assert.Equal((name, Errno.OK), (name, Release(name)));

    /// <summary>LIST that must succeed: its records by id, those of one connection in the order they were listed in. The list is freed.</summary>
    public IReadOnlyList<ListedConnection> Listed(ListFlags flags)
    {
        CommandRun run = List(flags);
        Assert.Equal((Errno.OK, 0UL), (run.Result, run.ReturnFlags));
        KdbusCmdList list = run.As<KdbusCmdList>();
        IReadOnlyList<ListedConnection> records = list.ListSize == 0 ? [] : ListedConnection.Records(Pool(list.Offset, list.ListSize));
        Assert.Equal(list.ListSize == 0, list.Offset == PoolSize);
        Assert.Equal(Errno.OK, Free(list.Offset));
        return [.. records.OrderBy(static r => r.Id)];
    }

    /// <summary>CONN_INFO by name.</summary>
    public CommandRun ConnInfo(string name, ulong id = 0, ulong attach = 0) =>
        Handle.Run(Command.ConnInfo, WireStruct.Of(new KdbusCmdInfo { Id = id, AttachFlags = attach, ReturnFlags = Untouched }).Text(ItemType.Name, name));

    /// <summary>Who has a name: the id that CONN_INFO tells, which must tell one.</summary>
    public ulong OwnerOf(string name)
    {
        CommandRun run = ConnInfo(name);
        Assert.Equal((name, Errno.OK), (name, run.Result));
        KdbusCmdInfo info = run.As<KdbusCmdInfo>();
        ulong id = BitConverter.ToUInt64(Pool(info.Offset, info.InfoSize).AsSpan(8));
        Assert.Equal(Errno.OK, Free(info.Offset));
        return id;
    }
}
