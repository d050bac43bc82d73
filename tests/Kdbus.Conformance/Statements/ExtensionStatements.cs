namespace Kdbus.Conformance.Statements;

/// <summary>The kinds of metadata beyond the fourteen: who a process is, told so that no other one can be taken for it.</summary>
public class ExtensionStatements
{
    private const AttachFlags Extensions = AttachMask.Extensions;

    [Theory, Worlds]
    public void EXT_01_they_come_behind_all_others(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello().Text(ItemType.ConnDescription, "a"));
        Peer b = scene.Connect(Peer.OpenHello());
        ItemType[] types = [.. a.Tells(b).Items.Select(static item => item.Type)];
        Assert.Equal([ItemType.ConnDescription, ItemType.Timestamp, ItemType.PidfsId, ItemType.StartTime, ItemType.Pidfd], types[^5..]);
        Assert.Equal([24, 24, 20], a.Tells(b).Items.TakeLast(3).Select(static item => 16 + item.Payload.Length));
    }

    [Theory, Worlds]
    public void EXT_02_both_sides_must_name_them(WorldKind world)
    {
        using Scene scene = new(world);
        foreach (AttachFlags kind in (AttachFlags[])[AttachFlags.PidfsId, AttachFlags.StartTime, AttachFlags.Pidfd])
        {
            Peer allows = scene.Connect(Peer.HelloCommand(send: (ulong)kind));
            Peer wants = scene.Connect(Peer.HelloCommand(recv: (ulong)kind));
            Assert.Equal(kind, allows.Tells(wants).Kinds);
            Assert.Empty(scene.Connect().Tells(wants).Items);
            Assert.Empty(allows.Tells(scene.Connect()).Items);
            Assert.Equal(kind, scene.Connect().Info(allows.Id, (AttachFlags)Peer.Everything).Metadata.Kinds);
        }
    }

    [Theory, Worlds]
    public void EXT_03_all_ones_are_the_fourteen(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer any = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue, recv: ulong.MaxValue));
        Peer all = scene.Connect(Peer.OpenHello());
        Assert.Equal(AttachFlags.None, any.Tells(all).Kinds & Extensions);
        Assert.Equal(AttachFlags.None, all.Tells(any).Kinds & Extensions);
        Assert.Equal(Extensions, all.Tells(all).Kinds & Extensions);
        Assert.Equal(AttachFlags.None, all.Info(all.Id).Metadata.Kinds & Extensions);
        Assert.Equal(Extensions, all.Info(all.Id, (AttachFlags)Peer.Everything).Metadata.Kinds & Extensions);
        Assert.Equal(Errno.OK, all.Update(recv: ulong.MaxValue));
        Assert.Equal(AttachFlags.None, all.Tells(all).Kinds & Extensions);
    }

    [Theory, Worlds]
    public void EXT_04_the_domain_lets_them_through_with_process_numbers(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(allowed: Peer.Everything);
        Peer a = scene.Connect(Peer.OpenHello());
        foreach ((AttachFlags mask, AttachFlags told) in ((AttachFlags, AttachFlags)[])
            [(AttachFlags.Pids, Extensions), (AttachFlags.All, Extensions), (AttachFlags.Any & ~AttachFlags.Pids, 0), (Extensions, 0), (0, 0)])
        {
            scene.LetThrough(mask);
            Assert.Equal((mask, told), (mask, a.Tells(a).Kinds & Extensions));
            Assert.Equal((mask, told), (mask, a.Info(a.Id, (AttachFlags)Peer.Everything).Metadata.Kinds & Extensions));
            Assert.Equal((mask, told), (mask, a.CreatorInfo((AttachFlags)Peer.Everything).Metadata.Kinds & Extensions));
        }
    }

    [Theory, Worlds]
    public void EXT_05_the_number_of_a_process_is_its_own_for_its_life(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect(Peer.OpenHello());
        Metadata first = a.Tells(b);
        Assert.NotEqual(0UL, first.PidfsId);
        Assert.NotEqual(first.PidfsId, b.Tells(b).PidfsId);
        a.SendInThread(m => m.To(b.Id), ThreadChange.Rename("other"));
        Metadata thread = b.Told();
        Assert.Equal((first.PidfsId, first.StartTime), (thread.PidfsId, thread.StartTime));
        Assert.Equal(first.PidfsId, b.Info(a.Id, (AttachFlags)Peer.Everything).Metadata.PidfsId);

        Assert.True(a.Process.Fork(out IProcess? child) > 0);
        Assert.NotEqual(first.PidfsId, a.In(child!).Tells(b).PidfsId);
        Assert.Equal(0, a.Process.Execute("renamed", "renamed", out IProcess? execution));
        Metadata after = a.After(execution!).Tells(b);
        Assert.Equal((first.PidfsId, first.StartTime, first.Pids), (after.PidfsId, after.StartTime, after.Pids));
    }

    [Theory, Worlds]
    public void EXT_06_who_starts_later_has_not_started_earlier(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer b = scene.Connect(Peer.OpenHello());
        ulong first = a.Tells(b).StartTime;
        Assert.NotEqual(0UL, first);
        Assert.True(b.Tells(b).StartTime >= first);
        Assert.Equal(first, a.Tells(b).StartTime);
    }

    /// <summary>No descriptor can be put into another process, and whoever would have taken one is told. On a socket it comes: FDS_10.</summary>
    [Theory, Worlds]
    public void EXT_07_without_a_way_to_him_there_is_no_pidfd_and_who_takes_descriptors_is_told(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.Pidfd));
        Peer takes = scene.Connect(Peer.HelloCommand(recv: (ulong)AttachFlags.Pidfd));
        Peer refuses = scene.Connect(Peer.HelloCommand(HelloFlags.None, recv: (ulong)AttachFlags.Pidfd));
        Peer indifferent = scene.Connect();
        foreach (Peer peer in (Peer[])[takes, refuses, indifferent])
            Assert.Equal(Errno.OK, a.Send(m => m.To(peer.Id)));
        KdbusMsgInfo peeked = takes.Recv(RecvFlags.Peek).Command.Msg;
        Assert.Equal((0UL, -1), (peeked.ReturnFlags, takes.Message(peeked).Metadata.Pidfd));
        KdbusMsgInfo taken = takes.Recv().Command.Msg;
        Assert.Equal(((ulong)RecvReturnFlags.IncompleteFds, -1), (taken.ReturnFlags, takes.Message(taken).Metadata.Pidfd));
        KdbusMsgInfo refused = refuses.Recv().Command.Msg;
        Assert.Equal((0UL, -1), (refused.ReturnFlags, refuses.Message(refused).Metadata.Pidfd));
        Assert.Equal(0UL, indifferent.Recv().Command.Msg.ReturnFlags);
    }

    [Theory, Worlds]
    public void EXT_08_bits_around_them_are_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.OpenHello());
        Handle endpoint = scene.Bus.Open(scene.Process);
        Handle control = scene.OpenControl();
        foreach (int bit in (int[])[14, 31, 35, 63])
        {
            foreach (ulong mask in (ulong[])[1UL << bit, 1UL << bit | Peer.Everything])
            {
                Assert.Equal(Errno.EINVAL, endpoint.Run(Command.Hello, Peer.HelloCommand(send: mask)).Result);
                Assert.Equal(Errno.EINVAL, endpoint.Run(Command.Hello, Peer.HelloCommand(recv: mask)).Result);
                Assert.Equal(Errno.EINVAL, a.Update(send: mask));
                Assert.Equal(Errno.EINVAL, a.Update(recv: mask));
                Assert.Equal(Errno.EINVAL, a.ConnInfo(a.Id, mask).Result);
                Assert.Equal(Errno.EINVAL, a.BusCreatorInfo(mask).Result);
                foreach (ItemType item in (ItemType[])[ItemType.AttachFlagsSend, ItemType.AttachFlagsRecv])
                    Assert.Equal(Errno.EINVAL, control.Run(Command.BusMake, TestBus.Command("0-x").Item(item, mask)).Result);
            }
        }
    }
}
