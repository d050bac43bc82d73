using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Statements;

/// <summary>
/// Processes change, and a message tells of who its sender is at that moment and in the words of who its reader is at his: nothing that was found
/// out before is told again.
/// </summary>
public class ChangeStatements
{
    [Theory, Worlds]
    public void CHG_01_users(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        (uint, uint, uint)[] steps = [(0, 40001, 0), (0, 0, 0), (0, 0, 40002), (40003, 40004, 0), (40003, 0, 40003)];
        foreach ((uint real, uint effective, uint saved) in steps)
        {
            Assert.Equal(0, a.Process.SetUsers(real, effective, saved));
            Metadata told = a.Tells(b);
            Assert.Equal((real, effective, saved, effective), (told.Creds.Uid, told.Creds.Euid, told.Creds.Suid, told.Creds.Fsuid));
            told.IsAllAbout(a.Process.Self());
        }
    }

    [Theory, Worlds]
    public void CHG_01_each_id_alone(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        TaskCreds same = ThreadChange.Same;
        TaskCreds[] changes =
        [
            same with { Fsgid = 2001 }, same with { Sgid = 2002, Fsgid = 2001 }, same with { Gid = 2003, Fsgid = 2001 }, same with { Egid = 2004 },
            same with { Fsuid = 1001 }, same with { Suid = 1002, Fsuid = 1001 }, same with { Uid = 1003, Fsuid = 1001 }, same with { Euid = 1004 },
        ];
        TaskCreds last = a.Tells(b).Creds;
        foreach (TaskCreds change in changes)
        {
            Assert.Equal(0, a.Process.ChangeThread(new ThreadChange(change)));
            TaskCreds now = a.Tells(b).Creds;
            Assert.NotEqual(last, now);
            Assert.Equal(a.Process.Self().Creds, now);
            last = now;
        }
    }

    [Theory, Worlds]
    public void CHG_02_groups(WorldKind world)
    {
        using Scene scene = new(world);
        (Peer a, Peer b) = Pair(scene);
        foreach (uint[] groups in (uint[][])[[], [5], [5, 6, 7], [uint.MaxValue - 1], []])
        {
            Assert.Equal(0, a.Process.Become(0, 0, groups));
            Assert.Equal(groups, a.Tells(b).AuxGroups);
        }
    }

    [Theory, Worlds]
    public void CHG_03_another_program(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        Metadata before = a.Tells(b);
        Assert.Equal(0, a.Process.Execute("another-program-of-a-long-name", "not what it is called", out IProcess? execution));
        Peer after = a.After(execution!);
        Metadata told = after.Tells(b);
        Self self = execution!.Self();
        told.IsAllAbout(self);
        Assert.Equal(("another-program", "not what it is called", before.Pids), (told.PidComm, told.Cmdline, told.Pids));
        Assert.Equal("another-program-of-a-long-name", Path.GetFileName(told.Exe));
        Assert.NotEqual(before.Exe, told.Exe, StringComparer.Ordinal);

        // The connection is who it was.
        Assert.Equal(before.Exe, b.Info(a.Id).Metadata.Exe);
        Assert.Equal(0, execution.Execute("third", "", out execution));
        Assert.Equal("", after.After(execution!).Tells(b).Cmdline);
    }

    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void CHG_03_a_program_whose_file_is_gone(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        Assert.Equal(0, a.Process.Execute("gone", "gone", out IProcess? execution));
        string path = execution!.Self().Exe;
        Assert.Equal(path, a.After(execution).Tells(b).Exe);
        File.Delete(path);
        Assert.Equal(path + " (deleted)", a.After(execution).Tells(b).Exe);
    }

    [Theory, Worlds]
    public void CHG_04_names(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        foreach ((string name, string told) in ((string, string)[])[("short", "short"), ("a (very) long name", "a (very) long n"), (") S 1", ") S 1")])
        {
            Assert.Equal(0, a.Process.ChangeThread(ThreadChange.Rename(name)));
            Metadata main = a.Tells(b);
            Assert.Equal((told, told), (main.TidComm, main.PidComm));
            int thread = a.SendInThread(m => m.To(b.Id), ThreadChange.Rename("worker"));
            Metadata worker = b.Told();
            Assert.Equal(("worker", told, (ulong)thread), (worker.TidComm, worker.PidComm, worker.Pids.Tid));
        }
    }

    [Theory, Worlds]
    public void CHG_05_the_control_group(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        using IControlGroup? group = scene.World.MakeControlGroup();
        if (group is null)
            Assert.Skip("There is no control group to write to.");
        string before = a.Tells(b).Cgroup;
        Assert.Equal(a.Process.Self().Cgroup, before);
        Assert.NotEqual(group.Path, before, StringComparer.Ordinal);
        group.Take(a.Process);
        Assert.Equal(group.Path, a.Tells(b).Cgroup);
        Assert.Equal(before, b.Info(a.Id).Metadata.Cgroup);
    }

    [Theory, Worlds]
    public void CHG_06_capabilities(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        CapabilitySets all = a.Tells(b).Caps;
        Assert.Equal(0, a.Process.SetCapabilities(0, all.Permitted, 0));
        CapabilitySets idle = a.Tells(b).Caps;
        Assert.Equal((all.Permitted, 0UL), (idle.Permitted, idle.Effective));
        Assert.Equal(0, a.Process.SetCapabilities(0x3, 0x30, 0x10));
        CapabilitySets few = a.Tells(b).Caps;
        Assert.Equal((0x3UL, 0x30UL, 0x10UL, all.Bounding), (few.Inheritable, few.Permitted, few.Effective, few.Bounding));
        Assert.Equal(a.Process.Self().Caps, few);
    }

    [Theory, Worlds]
    public void CHG_07_the_root_directory(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        using TemporaryDirectory place = new();
        Assert.Equal(a.Process.Self().Exe, a.Tells(b).Exe);
        Assert.Equal(0, a.Process.ChangeRoot(place.Path));
        Metadata told = a.Tells(b);
        Assert.False(told.Kinds.HasFlag(AttachFlags.Exe));
        Assert.Equal(a.Process.Self().Kinds & ~AttachFlags.Exe, told.Kinds & AttachMask.Process & AttachFlags.All);
        Assert.False(b.Tells(a).Kinds.HasFlag(AttachFlags.Exe));
        // What was found out when both had the same root is kept from who has another one now, not from who has that still.
        Assert.True(b.Info(a.Id).Metadata.Kinds.HasFlag(AttachFlags.Exe));
        Assert.False(a.Info(a.Id).Metadata.Kinds.HasFlag(AttachFlags.Exe));
    }

    [Theory, Worlds]
    public void CHG_07_the_root_directory_of_the_reader_between_two_messages(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        using TemporaryDirectory place = new();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.True(b.Told().Kinds.HasFlag(AttachFlags.Exe));
        Assert.Equal(0, b.Process.ChangeRoot(place.Path));
        Assert.False(b.Told().Kinds.HasFlag(AttachFlags.Exe));
    }

    [Theory, Worlds]
    public void CHG_08_the_mounts_of_the_reader(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.True(b.Told().Kinds.HasFlag(AttachFlags.Exe));
        Assert.Equal(0, b.Process.UnshareMounts());
        Metadata told = b.Told();
        Assert.Equal(a.Process.Self().Kinds & ~AttachFlags.Exe, told.Kinds & AttachMask.Process & AttachFlags.All);
        Assert.True(b.Tells(b).Kinds.HasFlag(AttachFlags.Exe));
    }

    [Theory, Worlds]
    public void CHG_09_the_user_namespace_of_the_reader_between_two_messages(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(scene.SpawnAs(Scene.User), Peer.OpenHello());
        Peer b = scene.Connect(scene.SpawnAs(Scene.User), Peer.OpenHello());
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Metadata before = b.Told();
        Assert.Equal((Scene.User, a.Process.Self().Caps), (before.Creds.Uid, before.Caps));
        Assert.Equal(0, b.Process.UnshareUserNamespace(7, Scene.User, 1));
        Metadata after = b.Told();
        Assert.Equal((7U, 7U), (after.Creds.Uid, after.Creds.Gid));
        Assert.False(after.Kinds.HasFlag(AttachFlags.Caps));
        Assert.Equal(before.Pids, after.Pids);
    }

    [Theory, Worlds]
    public void CHG_10_a_sender_that_hides_from_others(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(scene.SpawnAs(Scene.User, 40005), Peer.OpenHello());
        Peer b = scene.ConnectAs(Scene.User, Peer.OpenHello());
        Assert.Equal(0, a.Process.SetDumpable(false));
        Metadata told = a.Tells(b);
        told.IsAllAbout(a.Process.Self());
        Assert.Equal(AttachMask.Extensions, told.Kinds & AttachMask.Extensions);
        Assert.Equal(0, b.Process.SetDumpable(false));
        a.Tells(b).IsAllAbout(a.Process.Self());
    }

    [Theory, Worlds]
    public void CHG_11_threads_that_are_not_the_same(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        (Peer a, Peer b) = Pair(scene);
        Self main = a.Process.Self();
        for (uint i = 0; i < 4; i++)
        {
            TaskCreds creds = new(1000 + i, 2000 + i, 3000 + i, 4000 + i, 5000 + i, 6000 + i, 7000 + i, 8000 + i);
            int thread = a.SendInThread(m => m.To(b.Id), new ThreadChange(creds, $"thread {i}"));
            Metadata told = b.Told();
            Assert.Equal((creds, $"thread {i}", main.Name), (told.Creds, told.TidComm, told.PidComm));
            Assert.Equal(main.Numbers with { Tid = (ulong)thread }, told.Pids);
            Assert.Equal(0UL, told.Caps.Effective);
            a.Tells(b).IsAllAbout(main);
        }
    }

    /// <summary>What is found out of a sender is found out before its call returns.</summary>
    [Theory, Worlds]
    public void CHG_12_a_sender_that_ends_at_once(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer b = scene.Connect(Peer.OpenHello());
        Peer inherited = scene.Connect(Peer.OpenHello().Text(ItemType.ConnDescription, "a"));
        List<Self> senders = [];
        for (uint i = 0; i < 8; i++)
        {
            Assert.True(inherited.Process.Fork(out IProcess? child) > 0);
            Assert.Equal(0, child!.Become(Scene.User + i, Scene.User, i));
            Assert.Equal(0, child.ChangeThread(ThreadChange.Rename($"child {i}")));
            senders.Add(child.Self());
            Assert.Equal(Errno.OK, inherited.In(child).Send(m => m.To(b.Id)));
            Assert.Equal(0, child.Exit());
        }
        foreach (Self sender in senders)
            b.Told().IsAllAbout(sender);
    }

    private static (Peer Sender, Peer Receiver) Pair(Scene scene) => (scene.Connect(Peer.OpenHello()), scene.Connect(Peer.OpenHello()));

    private sealed class TemporaryDirectory : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("kdbusfs-test-").FullName;

        public void Dispose() => Directory.Delete(Path);
    }
}
