using System.Globalization;
using System.Text;

namespace Kdbus.Conformance.Statements;

/// <summary>The mask of a domain: which kinds of metadata it lets through, and the file by which that is changed.</summary>
public class ParameterStatements
{
    private const string File = "parameters/attach_flags_mask";
    private const ulong Asked = (ulong)(AttachFlags.Timestamp | AttachFlags.ConnDescription);

    [Theory, Worlds]
    public void MET_05_the_default_module_mask_is_0x281f(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal("10271\n", Read(scene));
        Assert.Equal(0x281f, int.Parse(Read(scene), CultureInfo.InvariantCulture));
    }

    [Theory, Worlds]
    public void PAR_01_the_directory_is_found_but_not_listed(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal([".", "..", "control"], Names(scene, ""));
        Assert.Equal([".", "..", "attach_flags_mask"], Names(scene, "parameters"));
        AssertNode(scene, "parameters", 0x4000, "555", links: 2);
        AssertNode(scene, File, 0x8000, "644", links: 1);
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.PathOf("parameters/other"), out _));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(Path.Combine(scene.Bus.Path, "parameters"), out _));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.PathOf(".status/parameters"), out _));
    }

    [Theory, Worlds]
    public void PAR_02_everybody_reads_it_and_the_user_of_the_daemon_writes_it(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess user = scene.SpawnAs(Scene.User);
        Write(scene, "7");
        Assert.Equal("7\n", Read(scene, user));
        foreach (int flags in (int[])[OpenFlags.WriteOnly, OpenFlags.ReadWrite, OpenFlags.WriteOnly | OpenFlags.Truncate])
            Assert.Equal(-(int)Errno.EACCES, user.Open(scene.PathOf(File), flags));
        Assert.Equal(-(int)Errno.EACCES, user.Truncate(scene.PathOf(File), 0));
        Assert.Equal("7\n", Read(scene));
    }

    [Theory, Worlds]
    public void PAR_03_any_64_bits_are_a_value_decimal_or_hexadecimal(WorldKind world)
    {
        using Scene scene = new(world);
        (string Written, ulong Value)[] values =
        [
            ("0", 0), ("10271", 0x281f), ("0x281f", 0x281f), ("0X3FfF\n", 0x3fff), (" 5", 5), ("6 ", 6), ("\t 7 \n", 7), ("0x0", 0),
            ("010", 10), ("18446744073709551615", ulong.MaxValue), ("0x8000000000000000", 1UL << 63), ("0x00000000000000000004", 4),
            ("0xffffffffffffffff\n", ulong.MaxValue), ("16384", 0x4000), ("1".PadRight(4096), 1),
        ];
        foreach ((string written, ulong value) in values)
        {
            Write(scene, written);
            Assert.Equal((written, value.ToString(CultureInfo.InvariantCulture) + "\n"), (written, Read(scene)));
        }
    }

    [Theory, Worlds]
    public void PAR_04_anything_else_is_EINVAL_and_changes_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Write(scene, "77");
        string[] wrong =
        [
            " ", "\n", "x", "0x", "0x\n", "-1", "+1", "1 2", "1\n2", "1,2", "1.0", "1e3", "0b1", "ff", "0xfg", "5k", "0x 1", "00x1", "1\0",
            "\0", "0x1\0", "\u0661", "18446744073709551616", "0x10000000000000000", "-0", "1_0",
            "1".PadRight(4097), "1".PadRight(300_000), "1".PadLeft(300_000),
        ];
        Handle file = Handle.Open(scene.Process, scene.PathOf(File));
        foreach (string text in wrong)
        {
            Assert.Equal((text, -(long)Errno.EINVAL), (text, scene.Process.Write(file.Descriptor, Encoding.UTF8.GetBytes(text))));
            Assert.Equal((text, "77\n"), (text, Read(scene)));
        }
    }

    [Theory, Worlds]
    public void PAR_05_each_write_is_a_value_wherever_in_the_file_it_is_made(WorldKind world)
    {
        using Scene scene = new(world);
        int[] ways = [OpenFlags.WriteOnly, OpenFlags.WriteOnly | OpenFlags.Append, OpenFlags.ReadWrite | OpenFlags.Truncate];
        foreach (int flags in ways)
        {
            Handle file = Handle.Open(scene.Process, scene.PathOf(File), flags);
            foreach (string value in (string[])["123", "4", "56789"])
            {
                Assert.Equal(value.Length, scene.Process.Write(file.Descriptor, Encoding.ASCII.GetBytes(value)));
                Assert.Equal(value + "\n", Read(scene));
            }
            file.Close();
        }
    }

    [Theory, Worlds]
    public void PAR_06_emptying_it_succeeds_and_keeps_the_value(WorldKind world)
    {
        using Scene scene = new(world);
        string path = scene.PathOf(File);
        Write(scene, "321");
        Handle file = Handle.Open(scene.Process, path, OpenFlags.WriteOnly | OpenFlags.Truncate);
        Assert.Equal("321\n", Read(scene));
        Assert.Equal(2, scene.Process.Write(file.Descriptor, "12"u8));
        file.Close();
        Assert.Equal(0, scene.Process.Truncate(path, 0));
        Assert.Equal("12\n", Read(scene));
    }

    [Theory, Worlds]
    public void PAR_07_nothing_else_about_it_can_be_changed(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess p = scene.Process;
        string path = scene.PathOf(File);
        Write(scene, "321");
        foreach (string node in (string[])[path, scene.PathOf("parameters")])
        {
            Assert.Equal(-(int)Errno.EPERM, p.ChangeMode(node, Convert.ToInt32("666", 8)));
            Assert.Equal(-(int)Errno.EPERM, p.ChangeOwner(node, Scene.User, Scene.User));
        }
        Assert.Equal(-(int)Errno.EPERM, p.Truncate(path, 1));
        Assert.Equal(-(int)Errno.EPERM, p.Truncate(path, 4096));
        Assert.Equal(-(int)Errno.EPERM, p.Truncate(scene.PathOf("control"), 0));
        Assert.Equal(-(int)Errno.EPERM, p.Unlink(path));
        Assert.Equal(-(int)Errno.EPERM, p.RemoveDirectory(scene.PathOf("parameters")));
        Assert.Equal(-(int)Errno.EPERM, p.Create(scene.PathOf("parameters/new"), Convert.ToInt32("644", 8)));
        AssertNode(scene, "parameters", 0x4000, "555", links: 2);
        AssertNode(scene, File, 0x8000, "644", links: 1);
        Assert.Equal("321\n", Read(scene));
    }

    [Theory, Worlds]
    public void PAR_08_an_open_file_shows_the_value_of_its_opening(WorldKind world)
    {
        using Scene scene = new(world);
        Handle before = Handle.Open(scene.Process, scene.PathOf(File), OpenFlags.ReadOnly);
        Write(scene, "18446744073709551615");
        Handle after = Handle.Open(scene.Process, scene.PathOf(File), OpenFlags.ReadOnly);
        Write(scene, "0");
        Assert.Equal(("10271\n", "18446744073709551615\n"), (StatusFiles.ReadOn(before), StatusFiles.ReadOn(after, pieces: 3)));
    }

    [Theory, Worlds]
    public void PAR_09_a_new_value_holds_at_once_also_for_connections_made_before(WorldKind world)
    {
        using Scene scene = new(world);
        Peer sender = scene.Connect(Peer.HelloCommand(send: Asked).Text(ItemType.ConnDescription, "told"));
        Peer receiver = scene.Connect(Peer.HelloCommand(recv: Asked));
        (AttachFlags Mask, ItemType[] InMessage, ItemType[] InInfo)[] steps =
        [
            ((AttachFlags)Asked, [ItemType.ConnDescription, ItemType.Timestamp], [ItemType.ConnDescription]),
            (AttachFlags.None, [], []),
            (AttachFlags.Timestamp, [ItemType.Timestamp], []),
            (AttachFlags.ConnDescription, [ItemType.ConnDescription], [ItemType.ConnDescription]),
            (~(AttachFlags)Asked, [], []),
            (AttachFlags.Any, [ItemType.ConnDescription, ItemType.Timestamp], [ItemType.ConnDescription]),
        ];
        foreach ((AttachFlags mask, ItemType[] inMessage, ItemType[] inInfo) in steps)
        {
            Write(scene, $"{(ulong)mask}");
            Assert.Equal(Errno.OK, sender.Send(m => m.To(receiver.Id)));
            Assert.Equal(inMessage, receiver.ReceiveAndFree().Items.Select(static item => item.Type));
            Assert.Equal(inInfo, InfoOf(receiver, sender.Id).Select(static item => item.Type));
        }
    }

    [Theory, Worlds]
    public void PAR_10_a_message_keeps_what_was_let_through_when_it_was_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer sender = scene.Connect(Peer.HelloCommand(send: Asked));
        Peer receiver = scene.Connect(Peer.HelloCommand(recv: Asked));
        Assert.Equal(Errno.OK, sender.Send(m => m.To(receiver.Id)));
        Write(scene, "0");
        Assert.Equal(Errno.OK, sender.Send(m => m.To(receiver.Id)));
        Write(scene, "0x281f");
        Assert.Equal(ItemType.Timestamp, Assert.Single(receiver.ReceiveAndFree().Items).Type);
        Assert.Empty(receiver.ReceiveAndFree().Items);
    }

    [Theory, Worlds]
    public void PAR_11_a_domain_can_be_mounted_with_another_value_and_no_other_domain_has_it(WorldKind world)
    {
        const AttachFlags Mask = AttachFlags.Timestamp | (AttachFlags)(1UL << 63);
        using Scene scene = new(world, attachMask: Mask);
        using Scene other = new(world);
        Assert.Equal(((ulong)Mask).ToString(CultureInfo.InvariantCulture) + "\n", Read(scene));
        Peer peer = scene.Connect(Peer.HelloCommand(send: Asked).Text(ItemType.ConnDescription, "untold"));
        Assert.Empty(InfoOf(peer, peer.Id));

        Write(scene, "0");
        Assert.Equal("10271\n", Read(other));
        peer = other.Connect(Peer.HelloCommand(send: Asked).Text(ItemType.ConnDescription, "told"));
        Assert.Equal("told", Assert.Single(InfoOf(peer, peer.Id)).Text);
    }

    [Theory, Worlds]
    public void PAR_12_it_takes_no_commands_and_is_always_ready(WorldKind world)
    {
        using Scene scene = new(world);
        Handle file = Handle.Open(scene.Process, scene.PathOf(File));
        Assert.Equal(5, scene.Process.Write(file.Descriptor, "10271"u8));
        foreach (Command command in (Command[])[Command.Byebye, Command.BusMake, Command.Hello, Command.Recv])
            Assert.Equal(Errno.ENOTTY, file.Run(command, WireStruct.Of(command)).Result);
        Assert.Equal(Errno.ENOTTY, file.Run(0x1234, 0));
        Assert.Equal(PollEvents.In | PollEvents.Out | PollEvents.ReadNormal | PollEvents.WriteNormal, file.Poll());
        AssertNode(scene, File, 0x8000, "644", links: 1);
    }

    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void PAR_13_no_memory_can_be_mapped_of_it_also_when_others_have_written(WorldKind world)
    {
        using Scene scene = new(world);
        Peer peer = scene.ConnectAs(Scene.User);
        int file = peer.Process.Open(scene.PathOf(File), OpenFlags.ReadOnly);
        Assert.True(file >= 0);
        for (int round = 0; round < 2; round++)
        {
            AssertNothingMapped(peer, file);
            Write(scene, "1234567");
        }
    }

    /// <summary>
    /// For who writes it the file is as long as what he wrote, until the kernel asks again for the size. A message whose payload lies in a
    /// mapping of it makes the daemon read its own file, which another reader answers.
    /// </summary>
    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void PAR_13_what_the_writer_maps_holds_up_nobody(WorldKind world)
    {
        using Scene scene = new(world);
        Peer peer = scene.Connect();
        int file = peer.Process.Open(scene.PathOf(File));
        Assert.Equal(7, peer.Process.Write(file, "1234567"u8));
        long mapped = peer.Process.Map(4096, Protection.Read, MapFlags.Private, file, 0);
        Assert.True(mapped >= 0);
        Errno sent = peer.Send(m => m.To(peer.Id).Vec((ulong)mapped, 4096));
        Assert.Contains(sent, (Errno[])[Errno.OK, Errno.EFAULT]);
        if (sent == Errno.OK)
            Assert.StartsWith("10271\n", Encoding.ASCII.GetString(peer.ReceiveAndFree().Payload), StringComparison.Ordinal);
        Assert.Equal(0, peer.Process.Stat(scene.PathOf(File), out _));
        AssertNothingMapped(peer, peer.Process.Open(scene.PathOf(File)));
    }

    [Theory, Worlds(WorldKind.Memory)]
    public void PAR_14_opening_it_counts_as_any_other_open_file_of_the_user(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess user = scene.SpawnAs(Scene.User);
        int opened = 0;
        while (opened < 5000 && user.Open(scene.PathOf(File), OpenFlags.ReadOnly) >= 0)
            opened++;
        Assert.Equal(4096, opened);
        Assert.Equal(-(int)Errno.EMFILE, user.Open(scene.PathOf(File), OpenFlags.ReadOnly));
        Assert.Equal("10271\n", Read(scene));
    }

    private static string Read(Scene scene, IProcess? process = null) => StatusFiles.Read(process ?? scene.Process, scene.PathOf(File));

    private static void Write(Scene scene, string text)
    {
        Handle file = Handle.Open(scene.Process, scene.PathOf(File), OpenFlags.WriteOnly);
        Assert.Equal((text, text.Length), (text, scene.Process.Write(file.Descriptor, Encoding.ASCII.GetBytes(text))));
        file.Close();
    }

    private static void AssertNothingMapped(Peer peer, int file)
    {
        foreach (int flags in (int[])[MapFlags.Shared, MapFlags.Private])
        {
            long address = peer.Process.Map(4096, Protection.Read, flags, file, 0);
            if (address < 0)
                continue;
            Assert.Equal(Errno.EFAULT, peer.Handle.Run(Command.Send, (ulong)address));
            Assert.Equal(Errno.EFAULT, peer.Handle.Run(Command.Recv, (ulong)address));
            Assert.Equal(Errno.EFAULT, peer.Send(m => m.To(peer.Id).Vec((ulong)address, 7)));
        }
    }

    private static IReadOnlyList<ReceivedItem> InfoOf(Peer asking, ulong id)
    {
        CommandRun run = asking.ConnInfo(id, Asked);
        Assert.Equal(Errno.OK, run.Result);
        KdbusCmdInfo info = run.As<KdbusCmdInfo>();
        IReadOnlyList<ReceivedItem> items = ReceivedItem.Chain(asking.Pool(info.Offset, info.InfoSize).AsSpan(24));
        Assert.Equal(Errno.OK, asking.Free(info.Offset));
        return items;
    }

    private static string[] Names(Scene scene, string directory)
    {
        Assert.Equal(0, scene.Process.List(scene.PathOf(directory), out IReadOnlyList<string> names));
        return [.. names];
    }

    private static void AssertNode(Scene scene, string path, uint type, string mode, ulong links)
    {
        Assert.Equal(0, scene.Process.Stat(scene.PathOf(path), out FileStatus status));
        Assert.Equal(
            (type | Convert.ToUInt32(mode, 8), 0U, 0U, links, 0UL), (status.Mode, status.Uid, status.Gid, status.Links, status.Size));
        Assert.NotEqual(0UL, status.Inode);
    }
}
