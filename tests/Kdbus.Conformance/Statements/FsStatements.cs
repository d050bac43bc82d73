namespace Kdbus.Conformance.Statements;

/// <summary>The file system: what the tree shows, how buses come and go, and who may do what to a node.</summary>
public class FsStatements
{
    private const long FuseMagic = 0x65735546;

    [Theory, Worlds]
    public void FS_01_a_fresh_domain_contains_exactly_the_control_file(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(["control"], NamesIn(scene.Process, scene.World.Root));
    }

    [Theory, Worlds]
    public void FS_02_the_root_is_a_directory_of_mode_0555_owned_by_root(WorldKind world)
    {
        using Scene scene = new(world);
        FileStatus root = Stat(scene.Process, scene.World.Root);
        Assert.True(root.IsDirectory);
        Assert.Equal((Convert.ToInt32("555", 8), 0U, 0U), (root.Permissions, root.Uid, root.Gid));
        Assert.NotEqual(0UL, root.Inode);
    }

    [Theory, Worlds]
    public void FS_03_control_is_a_regular_file_of_mode_0666_owned_by_root(WorldKind world)
    {
        using Scene scene = new(world);
        FileStatus control = Stat(scene.Process, scene.PathOf("control"));
        Assert.True(control.IsRegular);
        Assert.Equal((Convert.ToInt32("666", 8), 0U, 0U, 0UL), (control.Permissions, control.Uid, control.Gid, control.Size));
        Assert.NotEqual(0UL, control.Inode);
    }

    [Theory, Worlds]
    public void FS_04_a_second_mount_is_another_domain(WorldKind world)
    {
        using Scene first = new(world);
        using Scene second = new(world);
        _ = first.Bus;
        Assert.Equal(["0-test", "control"], NamesIn(first.Process, first.World.Root));
        Assert.Equal(["control"], NamesIn(second.Process, second.World.Root));
        Assert.Equal("0-test", Path.GetFileName(second.Bus.Path));
    }

    /// <summary>The kernel answers f_type itself for a FUSE mount; what tells a domain apart is the type in the mount table.</summary>
    [Theory, Worlds(WorldKind.Mount)]
    public void FS_04_statfs_shows_the_magic_of_FUSE_and_the_mount_table_the_type(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(FuseMagic, scene.Process.FileSystemType(scene.World.Root));
        string line = Assert.Single(File.ReadLines("/proc/self/mountinfo"), l => l.Contains($" {scene.World.Root} ", StringComparison.Ordinal));
        Assert.StartsWith("fuse.kdbusfs ", line[(line.IndexOf(" - ", StringComparison.Ordinal) + 3)..], StringComparison.Ordinal);
    }

    [Theory, Worlds]
    public void FS_05_bus_make_creates_a_directory_of_mode_0500(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.OK, MakeBus(scene.OpenControl(), "0-x"));
        Assert.Equal(["0-x", "control"], NamesIn(scene.Process, scene.World.Root));
        Assert.Equal(["bus"], NamesIn(scene.Process, scene.PathOf("0-x")));
        FileStatus bus = Stat(scene.Process, scene.PathOf("0-x"));
        Assert.True(bus.IsDirectory);
        Assert.Equal(Convert.ToInt32("500", 8), bus.Permissions);
    }

    [Theory, Worlds]
    public void FS_06_the_default_endpoint_has_mode_0600_and_belongs_to_the_effective_ids_of_its_maker(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess maker = scene.World.Spawn();
        Assert.Equal(0, maker.BecomeEffectively(Scene.User, Scene.OtherUser));
        Assert.Equal(Errno.OK, MakeBus(TestBus.OpenControl(scene.World, maker), $"{Scene.User}-x"));
        FileStatus endpoint = Stat(scene.Process, scene.PathOf($"{Scene.User}-x/bus"));
        Assert.True(endpoint.IsRegular);
        Assert.Equal((Convert.ToInt32("600", 8), Scene.User, Scene.OtherUser, 0UL), (endpoint.Permissions, endpoint.Uid, endpoint.Gid, endpoint.Size));
        FileStatus directory = Stat(scene.Process, scene.PathOf($"{Scene.User}-x"));
        Assert.Equal((Scene.User, Scene.OtherUser), (directory.Uid, directory.Gid));
    }

    [Theory, Worlds]
    public void FS_07_access_group_opens_directory_and_endpoint_to_the_group(WorldKind world) =>
        AssertModes(world, MakeFlags.AccessGroup, "550", "660");

    [Theory, Worlds]
    public void FS_08_access_world_opens_directory_and_endpoint_to_everybody(WorldKind world)
    {
        AssertModes(world, MakeFlags.AccessWorld, "555", "666");
        AssertModes(world, MakeFlags.AccessWorld | MakeFlags.AccessGroup, "555", "666");
    }

    [Theory, Worlds]
    public void FS_09_a_name_in_use_is_refused_with_EEXIST(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.OK, MakeBus(scene.OpenControl(), "0-x"));
        Assert.Equal(Errno.EEXIST, MakeBus(scene.OpenControl(), "0-x"));
        Assert.Equal(["0-x", "control"], NamesIn(scene.Process, scene.World.Root));
    }

    [Theory, Worlds]
    public void FS_10_a_bus_owner_cannot_make_another_bus(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.OK, MakeBus(control, "0-x"));
        Assert.Equal(Errno.EBADFD, MakeBus(control, "0-y"));
        Assert.Equal(["0-x", "control"], NamesIn(scene.Process, scene.World.Root));
    }

    [Theory, Worlds]
    public void FS_11_a_handle_that_failed_to_make_a_bus_may_try_again(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.OK, MakeBus(scene.OpenControl(), "0-x"));
        Handle second = scene.OpenControl();
        Assert.Equal(Errno.EEXIST, MakeBus(second, "0-x"));
        Assert.Equal(Errno.OK, MakeBus(second, "0-y"));
    }

    [Theory, Worlds]
    public void FS_12_a_name_without_the_effective_uid_of_the_caller_in_front_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        foreach (string name in (string[])["foo", "1-foo", "00-foo", "0foo", "foo-0"])
            Assert.Equal((name, Errno.EINVAL), (name, MakeBus(control, name)));

        IProcess user = scene.World.Spawn();
        Assert.Equal(0, user.BecomeEffectively(Scene.User, Scene.User));
        Handle other = TestBus.OpenControl(scene.World, user);
        Assert.Equal(Errno.EINVAL, MakeBus(other, "0-foo"));
        Assert.Equal(Errno.OK, MakeBus(other, $"{Scene.User}-foo"));
    }

    [Theory, Worlds]
    public void FS_13_a_character_outside_the_set_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        foreach (string name in (string[])["0-a@b", "0-a/b", "0-a b", "0-ä", "0-a\nb"])
            Assert.Equal((name, Errno.EINVAL), (name, MakeBus(control, name)));
    }

    [Theory, Worlds]
    public void FS_14_a_name_that_ends_in_a_dash_or_a_dot_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        foreach (string name in (string[])["0-a-", "0-a.", "0-"])
            Assert.Equal((name, Errno.EINVAL), (name, MakeBus(control, name)));
    }

    [Theory, Worlds]
    public void FS_15_a_name_has_at_most_63_characters(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.ENAMETOOLONG, MakeBus(control, "0-".PadRight(64, 'x')));
        Assert.Equal(Errno.OK, MakeBus(control, "0-".PadRight(63, 'x')));
        Assert.True(Stat(scene.Process, scene.PathOf("0-".PadRight(63, 'x'))).IsDirectory);
    }

    [Theory, Worlds]
    public void FS_16_dots_dashes_and_underscores_may_stand_inside_a_name(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.OK, MakeBus(scene.OpenControl(), "0-a.b_c-1"));
        Assert.True(Stat(scene.Process, scene.PathOf("0-a.b_c-1")).IsDirectory);
    }

    [Theory, Worlds]
    public void FS_17_bus_make_without_a_name_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        WireStruct command = WireStruct.Of(Command.BusMake).Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = 64, NHash = 1 });
        Assert.Equal(Errno.EINVAL, scene.OpenControl().Run(Command.BusMake, command).Result);
    }

    [Theory, Worlds]
    public void FS_18_bus_make_without_bloom_parameters_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        WireStruct command = WireStruct.Of(Command.BusMake).Text(ItemType.MakeName, "0-x");
        Assert.Equal(Errno.EINVAL, scene.OpenControl().Run(Command.BusMake, command).Result);
    }

    [Theory, Worlds]
    public void FS_19_the_bloom_size_is_a_multiple_of_8_up_to_4096_and_there_is_a_hash_function(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        foreach (ulong size in (ulong[])[0, 4, 12, 4104])
            Assert.Equal((size, Errno.EINVAL), (size, MakeBus(control, TestBus.Command("0-x", bloomSize: size))));
        Assert.Equal(Errno.EINVAL, MakeBus(control, TestBus.Command("0-x", hashes: 0)));
        Assert.Equal(Errno.OK, MakeBus(control, TestBus.Command("0-x", bloomSize: 8)));
        Assert.Equal(Errno.OK, MakeBus(scene.OpenControl(), TestBus.Command("0-y", bloomSize: 4096)));
    }

    [Theory, Worlds]
    public void FS_20_an_unknown_bit_in_the_required_or_in_the_creators_mask_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.EINVAL, MakeBus(control, TestBus.Command("0-x").Item(ItemType.AttachFlagsRecv, 0x4000UL)));
        Assert.Equal(Errno.EINVAL, MakeBus(control, TestBus.Command("0-x").Item(ItemType.AttachFlagsSend, 0x4000UL)));
        Assert.Equal(Errno.OK, MakeBus(control, TestBus.Command("0-x").Item(ItemType.AttachFlagsSend, 0x3fffUL)));
    }

    [Theory, Worlds]
    public void FS_21_a_required_mask_of_all_ones_means_all_kinds(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(required: ulong.MaxValue);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.ECONNREFUSED, endpoint.Run(Command.Hello, Peer.HelloCommand(send: 0x1fff)).Result);
        Assert.Equal(Errno.OK, endpoint.Run(Command.Hello, Peer.HelloCommand(send: 0x3fff)).Result);
    }

    [Theory, Worlds]
    public void FS_22_a_user_has_at_most_16_buses(WorldKind world)
    {
        using Scene scene = new(world);
        Handle[] owners = [.. Enumerable.Range(0, 16).Select(i => TestBus.Make(scene.World, scene.Process, $"0-bus{i}").Owner)];
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.EMFILE, MakeBus(control, "0-more"));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.PathOf("0-more"), out _));

        // Another user has a number of his own; the real uid counts.
        Handle other = TestBus.OpenControl(scene.World, scene.SpawnAs(Scene.User));
        Assert.Equal(Errno.OK, MakeBus(other, $"{Scene.User}-x"));
        owners[7].Close();
        Assert.Equal(Errno.OK, MakeBus(control, "0-more"));
    }

    [Theory, Worlds]
    public void FS_23_a_bus_ends_with_its_owner_and_its_name_is_free_at_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer sameProcess = scene.Connect(scene.Process);
        scene.Bus.Owner.Close();
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.Bus.Path, out _));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.Bus.Endpoint, out _));
        foreach (Peer peer in (Peer[])[a, sameProcess])
        {
            Assert.Equal(Errno.ECONNRESET, peer.Recv().Result);
            Assert.Equal(PollEvents.Err | PollEvents.Hup, peer.Handle.Poll());
        }
        scene.MakeBus();
        Assert.Equal(["bus"], NamesIn(scene.Process, scene.Bus.Path));
        Assert.NotEqual(a.Id, scene.Connect().Id);
        Assert.Equal(Errno.ECONNRESET, a.Recv().Result);
    }

    [Theory, Worlds]
    public void FS_24_a_bus_ends_with_the_last_descriptor_of_its_owner(WorldKind world)
    {
        using Scene scene = new(world);
        Handle second = scene.Bus.Owner.Duplicate();
        scene.Bus.Owner.Close();
        Assert.Equal(0, scene.Process.Stat(scene.Bus.Endpoint, out _));
        second.Close();
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.Bus.Path, out _));
    }

    [Theory, Worlds]
    public void FS_25_a_bus_owner_is_no_connection(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.EBADFD, scene.Bus.Owner.Run(Command.Hello, Peer.HelloCommand()).Result);
        AssertEach(Errno.EBADFD, scene.Bus.Owner, Command.Recv, Command.Free, Command.Send, Command.List);
    }

    [Theory, Worlds]
    public void FS_26_setup_commands_belong_to_their_kind_of_file(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.EBADFD, control.Run(Command.Hello, Peer.HelloCommand()).Result);
        Assert.Equal(Errno.EBADFD, control.Run(Command.EndpointMake, TestBus.EndpointCommand("0-e")).Result);
        Assert.Equal(Errno.EBADFD, MakeBus(scene.Bus.Open(scene.Process), "0-x"));
    }

    [Theory, Worlds]
    public void FS_27_an_untyped_endpoint_handle_takes_no_connection_commands(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        AssertEach(
            Errno.EBADFD, endpoint,
            Command.Send, Command.Recv, Command.List, Command.Update, Command.Free, Command.Byebye, Command.ConnInfo, Command.BusCreatorInfo,
            Command.EndpointUpdate);
        AssertEach(Errno.EBADFD, scene.OpenControl(), Command.Send, Command.Recv, Command.EndpointUpdate);
    }

    [Theory, Worlds]
    public void FS_28_an_unknown_number_is_ENOTTY_on_any_handle(WorldKind world)
    {
        using Scene scene = new(world);
        Handle[] handles = [scene.OpenControl(), scene.Bus.Owner, scene.Bus.Open(scene.Process), scene.Connect().Handle, scene.Bus.MakeEndpoint(scene.Process, "0-e")];
        // A number nobody has, HELLO of another size, RECV of another direction, another magic.
        uint[] numbers = [0x40189520, 0xc0589580, 0x40409591, 0x5401, 0x9580];
        foreach (Handle handle in handles)
        {
            ulong room = handle.Process.Scratch.Allocate(128);
            foreach (uint number in numbers)
                Assert.Equal((number, Errno.ENOTTY), (number, handle.Run(number, room)));
        }
    }

    [Theory, Worlds]
    public void FS_29_a_connection_cannot_be_set_up_again(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EBADFD, a.Handle.Run(Command.Hello, Peer.HelloCommand()).Result);
        Assert.Equal(Errno.EBADFD, a.Handle.Run(Command.EndpointMake, TestBus.EndpointCommand("0-e")).Result);
        AssertEach(Errno.EBADFD, a.Handle, Command.EndpointUpdate);
        Assert.Equal(Errno.EAGAIN, a.Recv().Result);
    }

    [Theory, Worlds]
    public void FS_30_an_endpoint_owner_is_no_connection(WorldKind world)
    {
        using Scene scene = new(world);
        Handle owner = scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Assert.Equal(Errno.EBADFD, owner.Run(Command.Hello, Peer.HelloCommand()).Result);
        Assert.Equal(Errno.EBADFD, owner.Run(Command.EndpointMake, TestBus.EndpointCommand("0-f")).Result);
        AssertEach(Errno.EBADFD, owner, Command.Recv, Command.Send, Command.List);
    }

    [Theory, Worlds]
    public void FS_31_endpoint_make_creates_a_file_of_the_mode_asked_for(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Bus.MakeEndpoint(scene.Process, "0-own", MakeFlags.None);
        scene.Bus.MakeEndpoint(scene.Process, "0-group", MakeFlags.AccessGroup);
        scene.Bus.MakeEndpoint(scene.Process, "0-world", MakeFlags.AccessWorld);
        Assert.Equal(["0-group", "0-own", "0-world", "bus"], NamesIn(scene.Process, scene.Bus.Path));
        foreach ((string name, string mode) in ((string, string)[])[("0-own", "600"), ("0-group", "660"), ("0-world", "666")])
        {
            FileStatus file = Stat(scene.Process, scene.Bus.EndpointPath(name));
            Assert.True(file.IsRegular);
            Assert.Equal((name, Convert.ToInt32(mode, 8), 0U, 0U), (name, file.Permissions, file.Uid, file.Gid));
        }
    }

    /// <summary>The kernel copies the command in before the bus sees it, so only memory that is there gets as far as the question who asks.</summary>
    [Theory, Worlds]
    public void FS_32_an_unprivileged_user_cannot_make_an_endpoint_whatever_he_passes(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.SpawnAs(Scene.User));
        Assert.Equal(Errno.EPERM, endpoint.Run(Command.EndpointMake, TestBus.EndpointCommand($"{Scene.User}-e")).Result);
        Assert.Equal(Errno.EPERM, endpoint.Run(Command.EndpointMake, WireStruct.Of(Command.EndpointMake).Claim(3)).Result);
        Assert.Equal(Errno.EPERM, endpoint.Run(Command.EndpointMake, endpoint.Process.Scratch.Allocate(64) + 4));
        Assert.Equal(["bus"], NamesIn(scene.Process, scene.Bus.Path));
    }

    [Theory, Worlds]
    public void FS_33_nobody_is_privileged_on_a_custom_endpoint(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Handle custom = Handle.Open(scene.Process, scene.Bus.EndpointPath("0-e"));
        Assert.Equal(Errno.EPERM, custom.Run(Command.EndpointMake, TestBus.EndpointCommand("0-f")).Result);
    }

    [Theory, Worlds]
    public void FS_34_the_name_of_an_endpoint_obeys_the_rules_of_bus_names(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EINVAL, MakeEndpoint(endpoint, "1-e"));
        Assert.Equal(Errno.EINVAL, MakeEndpoint(endpoint, "e"));
        Assert.Equal(Errno.EINVAL, MakeEndpoint(endpoint, "bus"));
        Assert.Equal(Errno.EINVAL, MakeEndpoint(endpoint, "0-e."));
        Assert.Equal(Errno.EINVAL, endpoint.Run(Command.EndpointMake, WireStruct.Of(Command.EndpointMake)).Result);
        Assert.Equal(Errno.ENAMETOOLONG, MakeEndpoint(endpoint, "0-".PadRight(64, 'e')));
        scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Assert.Equal(Errno.EEXIST, MakeEndpoint(endpoint, "0-e"));
        Assert.Equal(Errno.OK, MakeEndpoint(endpoint, "0-".PadRight(63, 'e')));
    }

    [Theory, Worlds]
    public void FS_35_endpoint_make_takes_no_policy(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        WireStruct named = TestBus.EndpointCommand("0-e").Text(ItemType.Name, "a.b");
        Assert.Equal(Errno.EINVAL, endpoint.Run(Command.EndpointMake, named).Result);
        WireStruct granted = TestBus.EndpointCommand("0-e").Item(ItemType.PolicyAccess, new KdbusPolicyAccess { Type = (ulong)PolicyAccessType.World });
        Assert.Equal(Errno.EINVAL, endpoint.Run(Command.EndpointMake, granted).Result);
        Assert.Equal(["bus"], NamesIn(scene.Process, scene.Bus.Path));
    }

    [Theory, Worlds]
    public void FS_36_a_custom_endpoint_ends_with_its_owner_and_takes_its_connections_along(WorldKind world)
    {
        using Scene scene = new(world);
        Handle owner = scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Peer inside = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.EndpointPath("0-e")));
        Peer outside = scene.Connect();
        Assert.Equal(Errno.EAGAIN, inside.Recv().Result);
        owner.Close();
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.Bus.EndpointPath("0-e"), out _));
        Assert.Equal(["bus"], NamesIn(scene.Process, scene.Bus.Path));
        Assert.Equal(Errno.ECONNRESET, inside.Recv().Result);
        Assert.Equal(PollEvents.Err | PollEvents.Hup, inside.Handle.Poll());
        Assert.Equal(Errno.EAGAIN, outside.Recv().Result);
        Assert.Equal(Errno.ENXIO, outside.Send(m => m.To(inside.Id)));
        scene.Bus.MakeEndpoint(scene.Process, "0-e");
    }

    [Theory, Worlds]
    public void FS_37_an_endpoint_owner_whose_bus_is_gone_gets_ESHUTDOWN(WorldKind world)
    {
        using Scene scene = new(world);
        Handle owner = scene.Bus.MakeEndpoint(scene.Process, "0-e");
        Assert.Equal(Errno.OK, owner.Run(Command.EndpointUpdate, WireStruct.Of(Command.EndpointUpdate)).Result);
        scene.Bus.Owner.Close();
        Assert.Equal(Errno.ESHUTDOWN, owner.Run(Command.EndpointUpdate, WireStruct.Of(Command.EndpointUpdate)).Result);
    }

    [Theory, Worlds]
    public void FS_38_an_untyped_handle_whose_bus_is_gone_gets_ESHUTDOWN(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        scene.Bus.Owner.Close();
        Assert.Equal(Errno.ESHUTDOWN, endpoint.Run(Command.Hello, Peer.HelloCommand()).Result);
        Assert.Equal(Errno.ESHUTDOWN, MakeEndpoint(endpoint, "0-e"));
    }

    [Theory, Worlds]
    public void FS_39_a_private_bus_cannot_be_entered_by_another_user(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(MakeFlags.None);
        IProcess user = scene.SpawnAs(Scene.User);
        Assert.Equal(-(int)Errno.EACCES, user.Open(scene.Bus.Endpoint));
        Assert.True(scene.Process.Open(scene.Bus.Endpoint) >= 0);

        TestBus shared = TestBus.Make(scene.World, scene.Process, "0-group", MakeFlags.AccessGroup);
        Assert.Equal(-(int)Errno.EACCES, user.Open(shared.Endpoint));
        Assert.True(scene.SpawnAs(Scene.OtherUser, 0).Open(shared.Endpoint) >= 0);
    }

    [Theory, Worlds]
    public void FS_40_the_tree_cannot_be_changed_through_the_file_system(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Bus.MakeEndpoint(scene.Process, "0-e");
        string[] before = Tree(scene);
        IProcess p = scene.Process;
        string control = scene.PathOf("control");
        string bus = scene.Bus.Path;
        (string What, int Result)[] attempts =
        [
            ("unlink control", p.Unlink(control)),
            ("unlink bus", p.Unlink(scene.Bus.Endpoint)),
            ("unlink endpoint", p.Unlink(scene.Bus.EndpointPath("0-e"))),
            ("rmdir", p.RemoveDirectory(bus)),
            ("mkdir in the root", p.MakeDirectory(scene.PathOf("0-new"), Convert.ToInt32("755", 8))),
            ("mkdir in a bus", p.MakeDirectory(Path.Combine(bus, "new"), Convert.ToInt32("755", 8))),
            ("create in the root", p.Create(scene.PathOf("new"), Convert.ToInt32("644", 8))),
            ("create in a bus", p.Create(Path.Combine(bus, "0-new"), Convert.ToInt32("644", 8))),
            ("rename control", p.Rename(control, scene.PathOf("other"))),
            ("rename a bus", p.Rename(bus, scene.PathOf("0-other"))),
            ("rename an endpoint", p.Rename(scene.Bus.Endpoint, Path.Combine(bus, "other"))),
            ("link", p.Link(control, scene.PathOf("other"))),
            ("symlink", p.Symlink("control", scene.PathOf("other"))),
            ("chmod", p.ChangeMode(control, Convert.ToInt32("600", 8))),
            ("chown", p.ChangeOwner(bus, Scene.User, Scene.User)),
            ("truncate", p.Truncate(scene.Bus.Endpoint, 4096)),
        ];
        foreach ((string what, int result) in attempts)
            Assert.True(result is -(int)Errno.EPERM or -(int)Errno.EACCES, $"{what} gave {(Errno)(-result)}");
        Assert.Equal(before, Tree(scene));
    }

    /// <summary>With passthrough the kernel reads the pool by itself: the reader sees its own pool, and takes nothing out of its queue.</summary>
    [Theory, Worlds]
    public void FS_41_reading_an_endpoint_file_shows_at_most_the_own_pool_and_consumes_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Handle untyped = scene.Bus.Open(scene.Process);
        byte[] page = new byte[4096];
        bool fromPageCache = world == WorldKind.PageCache;
        Assert.Equal(fromPageCache ? 0 : -(long)Errno.EINVAL, scene.Process.Read(untyped.Descriptor, page));

        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec("read me by RECV"u8)));
        long count = b.Process.Read(b.Handle.Descriptor, page);
        Assert.Equal(fromPageCache ? 4096 : -(long)Errno.EINVAL, count);
        if (fromPageCache)
            Assert.Equal(page, b.Pool(0, 4096));
        Assert.Equal("read me by RECV"u8, b.Receive().Payload);
    }

    /// <summary>With passthrough the kernel also writes by itself: into the writer's own pool, as a writable mapping does, and no further.</summary>
    [Theory, Worlds]
    public void FS_41_an_endpoint_file_cannot_be_written(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec("for b"u8)));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(1).Vec("for a"u8)));
        Handle untyped = scene.Bus.Open(scene.Process);
        foreach (int descriptor in (int[])[a.Handle.Descriptor, untyped.Descriptor])
            Assert.Equal(-(long)Errno.EINVAL, scene.Process.Write(descriptor, new byte[4096]));
        Assert.Equal("for b"u8, b.Receive().Payload);
        Received received = a.Recv();
        Assert.Equal((Errno.OK, 0UL, 104UL), (received.Result, received.Command.Msg.Offset, received.Command.Msg.MsgSize));
        Assert.Equal(-(long)Errno.EINVAL, scene.Process.Write(scene.OpenControl().Descriptor, new byte[1]));
    }

    [Theory, Worlds]
    public void FS_42_a_handle_that_is_no_connection_polls_as_an_error(WorldKind world)
    {
        using Scene scene = new(world);
        Handle[] handles = [scene.Bus.Open(scene.Process), scene.OpenControl(), scene.Bus.Owner, scene.Bus.MakeEndpoint(scene.Process, "0-e")];
        foreach (Handle handle in handles)
            Assert.Equal(PollEvents.Err | PollEvents.Hup, handle.Poll());
    }

    [Theory, Worlds]
    public void FS_43_a_connection_ends_with_its_last_descriptor_in_any_process(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer closed = scene.Connect();
        closed.Process.Fork(out IProcess? child);
        closed.Close();
        Assert.Equal(Errno.OK, a.Send(m => m.To(closed.Id)));
        Assert.Equal(Errno.OK, closed.Handle.In(child!).Run(Command.Recv, WireStruct.Of(Command.Recv)).Result);
        closed.In(child!).Close();
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(closed.Id)));

        Peer exited = scene.Connect();
        exited.Process.Fork(out IProcess? second);
        exited.Close();
        Assert.Equal(Errno.OK, a.Send(m => m.To(exited.Id)));
        Assert.Equal(0, second!.Exit());
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(exited.Id)));
    }

    [Theory, Worlds(WorldKind.Memory, WorldKind.Mount)]
    public void FS_44_a_mapping_does_not_keep_a_connection(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Vec("still here"u8)));
        ReceivedMessage message = b.Receive();
        b.Handle.Close();
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(b.Id)));
        Assert.Equal("still here"u8, b.Message(new KdbusMsgInfo { Offset = message.Offset, MsgSize = (ulong)message.SliceSize }).Payload);
    }

    /// <summary>There the kernel counts a mapping as a use of the open file and reports the end of both.</summary>
    [Theory, Worlds(WorldKind.PageCache)]
    public void FS_44_with_its_pool_in_the_page_cache_a_connection_ends_when_it_is_closed_and_unmapped(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Handle.Close();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
        Assert.Equal(0, b.Process.Unmap(b.PoolAddress, b.PoolSize));
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(b.Id)));

        Peer exited = scene.Connect();
        Assert.Equal(0, exited.Process.Exit());
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(exited.Id)));
    }

    [Theory, Worlds]
    public void FS_45_everybody_may_write_to_control(WorldKind world)
    {
        using Scene scene = new(world);
        foreach (IProcess process in (IProcess[])[scene.Process, scene.SpawnAs(Scene.User)])
        {
            Assert.Equal(0, process.Access(scene.PathOf("control"), AccessMode.Write));
            Assert.Equal(0, process.Access(scene.PathOf("control"), AccessMode.Read));
        }
        Assert.Equal(-(int)Errno.EACCES, scene.SpawnAs(Scene.User).Access(scene.PathOf("control"), AccessMode.Execute));
    }

    private static void AssertModes(WorldKind world, MakeFlags flags, string directory, string endpoint)
    {
        using Scene scene = new(world);
        TestBus bus = scene.MakeBus(flags);
        Assert.Equal(Convert.ToInt32(directory, 8), Stat(scene.Process, bus.Path).Permissions);
        Assert.Equal(Convert.ToInt32(endpoint, 8), Stat(scene.Process, bus.Endpoint).Permissions);
    }

    /// <summary>Whatever a command says, the role of the handle is looked at before.</summary>
    private static void AssertEach(Errno expected, Handle handle, params ReadOnlySpan<Command> commands)
    {
        foreach (Command command in commands)
        {
            Assert.Equal((command, expected), (command, handle.Run(command, WireStruct.Of(command)).Result));
            Assert.Equal((command, expected), (command, handle.Run(command, WireStruct.Of(command).Claim(1)).Result));
        }
    }

    private static Errno MakeBus(Handle control, string name) => MakeBus(control, TestBus.Command(name));

    private static Errno MakeBus(Handle control, WireStruct command) => control.Run(Command.BusMake, command).Result;

    private static Errno MakeEndpoint(Handle endpoint, string name) =>
        endpoint.Run(Command.EndpointMake, TestBus.EndpointCommand(name)).Result;

    private static FileStatus Stat(IProcess process, string path)
    {
        Assert.Equal(0, process.Stat(path, out FileStatus status));
        return status;
    }

    private static string[] NamesIn(IProcess process, string path)
    {
        Assert.Equal(0, process.List(path, out IReadOnlyList<string> names));
        Assert.Equal((".", ".."), (names[0], names[1]));
        return [.. names.Skip(2).Order(StringComparer.Ordinal)];
    }

    private static string[] Tree(Scene scene) =>
    [
        .. NamesIn(scene.Process, scene.World.Root).Select(name => $"{name}: {Stat(scene.Process, scene.PathOf(name))}"),
        .. NamesIn(scene.Process, scene.Bus.Path).Select(name => $"{name}: {Stat(scene.Process, scene.Bus.EndpointPath(name))}"),
    ];
}
