using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Statements;

/// <summary>A privileged process that says at HELLO who somebody else is, as a proxy does.</summary>
[AlsoByExchange]
public class FakedStatements
{
    private static readonly TaskCreds s_somebody = new(1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008);

    [Theory, Worlds]
    public void HEL_27_ids_without_a_name_in_the_user_namespace_are_EINVAL(WorldKind world)
    {
        const uint Inside = 7;
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        IProcess parent = scene.World.Spawn();
        Handle first = scene.Bus.Open(parent);
        Assert.True(parent.ForkIntoUserNamespace(Inside, Scene.User, 2, out IProcess? child) > 0);
        Handle endpoint = first.In(child!);
        TaskCreds named = new(Inside, Inside + 1, Inside, Inside, Inside, Inside, Inside, Inside + 1);
        uint[] unnamed = [Inside - 1, Inside + 2, Scene.User, 0];
        foreach (uint id in unnamed)
        {
            TaskCreds[] wrong =
            [
                named with { Uid = id }, named with { Euid = id }, named with { Suid = id }, named with { Fsuid = id },
                named with { Gid = id }, named with { Egid = id }, named with { Sgid = id }, named with { Fsgid = id },
            ];
            Assert.All(wrong, creds => Assert.Equal(Errno.EINVAL, endpoint.Run(Command.Hello, Peer.FakedHello(creds)).Result));
        }
        Peer faked = Peer.Hello(endpoint, Peer.FakedHello(named with { Suid = uint.MaxValue }));

        // He knows them by their names, and the domain by its own.
        Assert.Equal(named with { Suid = uint.MaxValue }, faked.Info(faked.Id).Metadata.Creds);
        const uint One = Scene.User, Two = Scene.User + 1;
        Assert.Equal(new TaskCreds(One, Two, uint.MaxValue, One, One, One, One, Two), scene.Connect().Info(faked.Id).Metadata.Creds);
    }

    [Theory, Worlds]
    public void HEL_28_a_number_of_no_process_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess gone = scene.World.Spawn();
        ulong number = (ulong)gone.Id;
        gone.Exit();
        Handle endpoint = scene.Bus.Open(scene.Process);
        ulong own = (ulong)scene.Process.Id;
        TaskNumbers[] wrong =
        [
            new(number, own, own), new(own, number, own), new(own, own, number), new(0, 0, number), new(0x7fffffff, 0, 0),
            new(ulong.MaxValue, 0, 0),
        ];
        Assert.All(wrong, pids => Assert.Equal(Errno.EINVAL, endpoint.Run(Command.Hello, Peer.FakedHello(pids: pids)).Result));
        Assert.Equal(Errno.OK, endpoint.Run(Command.Hello, Peer.FakedHello(pids: new TaskNumbers(own, 0, own))).Result);
    }

    [Theory, Worlds]
    public void MET_26_what_is_given_is_told_and_nothing_else(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        IProcess somebody = scene.World.Spawn();
        TaskNumbers pids = new((ulong)somebody.Id, (ulong)scene.Process.Id, 0);
        Peer faked = scene.Connect(Peer.FakedHello(s_somebody, pids));
        Peer b = scene.Connect();
        Metadata told = b.Info(faked.Id, (AttachFlags)Peer.Everything).Metadata;
        Assert.Equal(AttachFlags.Creds | AttachFlags.Pids, told.Kinds);
        Assert.Equal((s_somebody, pids), (told.Creds, told.Pids));

        Metadata labelled = b.Info(scene.Connect(Peer.FakedHello(label: "some label")).Id).Metadata;
        Assert.Equal((AttachFlags.Seclabel, "some label"), (labelled.Kinds, labelled.Seclabel));
        Peer three = scene.Connect(Peer.FakedHello(s_somebody, pids, "label").Text(ItemType.ConnDescription, "d"));
        three.Owns("a.b");
        Assert.Equal(
            AttachFlags.Creds | AttachFlags.Pids | AttachFlags.Seclabel | AttachFlags.Names | AttachFlags.ConnDescription,
            b.Info(three.Id).Metadata.Kinds);

        // What it does not allow is not told all the same.
        Assert.Equal(Errno.OK, faked.Update(send: (ulong)AttachFlags.Pids));
        Assert.Equal(AttachFlags.Pids, b.Info(faked.Id).Metadata.Kinds);
    }

    [Theory, Worlds]
    public void MET_27_a_message_of_a_faked_connection_tells_of_no_process(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer faked = scene.Connect(Peer.FakedHello(s_somebody).Text(ItemType.ConnDescription, "proxy"));
        Peer b = scene.Connect(Peer.OpenHello());
        Peer monitor = scene.Connect(Peer.MonitorHello(recv: Peer.Everything));
        faked.Owns("a.b");
        Metadata told = faked.Tells(b);
        Assert.Equal(AttachFlags.Timestamp | AttachFlags.Names | AttachFlags.ConnDescription, told.Kinds);
        Assert.Equal(told.Kinds, monitor.ReceiveAll()[^1].Metadata.Kinds);
    }

    [Theory, Worlds]
    public void MET_28_an_id_that_is_left_open_is_told_as_it_is(WorldKind world)
    {
        const uint None = uint.MaxValue;
        using Scene scene = new(world);
        TaskCreds open = new(None, 0, None, 5, None, 0, 6, None);
        Peer faked = scene.Connect(Peer.FakedHello(open));
        Peer b = scene.Connect();
        Assert.Equal(open, b.Info(faked.Id).Metadata.Creds);
        Assert.True(b.Process.ForkIntoUserNamespace(0, 0, 100, out IProcess? child) > 0);
        Assert.Equal(open, b.In(child!).Info(faked.Id).Metadata.Creds);
    }

    /// <summary>What it says of itself buys nothing: policy and privilege are those of the process.</summary>
    [Theory, Worlds]
    public void MET_27_a_faked_connection_may_what_its_process_may(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.ConnectAs(Scene.OtherUser);
        Peer faked = scene.Connect(Peer.FakedHello(FakeOf(Scene.User)));
        Assert.Equal(Errno.OK, faked.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, scene.ConnectAs(Scene.User).Send(m => m.To(faked.Id)));
        faked.Owns("a.b");
    }

    [Theory, Worlds]
    public void EXT_09_who_asks_is_told_that_the_process_was_not_looked_at(WorldKind world)
    {
        using Scene scene = new(world);
        Peer faked = scene.Connect(Peer.FakedHello(s_somebody));
        Peer honest = scene.Connect(Peer.OpenHello());
        Assert.Equal(InfoReturnFlags.Faked, honest.Info(faked.Id).ReturnFlags);
        Assert.Equal(InfoReturnFlags.Faked, honest.Info(faked.Id, AttachFlags.None).ReturnFlags);
        Assert.Equal(InfoReturnFlags.Faked, faked.Info(faked.Id).ReturnFlags);
        faked.Owns("a.b");
        Assert.Equal(InfoReturnFlags.Faked, honest.Info("a.b").ReturnFlags);
        Assert.Equal(InfoReturnFlags.None, faked.Info(honest.Id).ReturnFlags);
        Assert.Equal(InfoReturnFlags.None, faked.CreatorInfo().ReturnFlags);
    }

    private static TaskCreds FakeOf(uint id) => new(id, id, id, id, id, id, id, id);
}
