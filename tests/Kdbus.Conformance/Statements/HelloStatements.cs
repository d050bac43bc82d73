namespace Kdbus.Conformance.Statements;

/// <summary>HELLO: becoming a connection, and being refused.</summary>
public class HelloStatements
{
    [Theory, Worlds]
    public void HEL_01_a_pool_has_a_size_in_whole_pages(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        foreach (ulong size in (ulong[])[0, 1, 4095, 4097])
            Assert.Equal((size, Errno.EINVAL), (size, Hello(endpoint, Peer.HelloCommand(poolSize: size))));
    }

    [Theory, Worlds]
    public void HEL_02_a_pool_of_one_page_will_do(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(4096UL, scene.Connect(Peer.HelloCommand(poolSize: 4096)).PoolSize);
    }

    [Theory, Worlds]
    public void HEL_03_success_tells_who_one_is_and_which_bus_this_is(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(MakeFlags.AccessWorld | MakeFlags.AccessGroup);
        WireStruct hello = Peer.HelloCommand(send: 0x3fff, recv: 0x1).Set(16, 0x55).Set(40, 0x55).Set(48, 0x55).Set(64, 0x55).Set(72, 0x55);
        Peer a = Peer.HelloKeepingSlice(scene.Bus.Open(scene.Process), hello);
        Peer b = scene.Connect();
        Assert.NotEqual(0UL, a.Id);
        Assert.NotEqual(ulong.MaxValue, a.Id);
        Assert.Equal((0UL, 3UL, 0x3fffUL, 0x1UL, Peer.DefaultPoolSize, 1UL), (
            a.Greeting.ReturnFlags, a.Greeting.BusFlags, a.Greeting.AttachFlagsSend, a.Greeting.AttachFlagsRecv, a.Greeting.PoolSize, a.Greeting.Flags));
        Assert.Equal(Bytes(a.Greeting.Id128), Bytes(b.Greeting.Id128));

        TestBus other = TestBus.Make(scene.World, scene.Process, "0-other");
        Peer elsewhere = Peer.Hello(other.Open(scene.Process));
        Assert.NotEqual(Bytes(a.Greeting.Id128), Bytes(elsewhere.Greeting.Id128));
        Assert.Equal(2UL, elsewhere.Greeting.BusFlags);
    }

    [Theory, Worlds]
    public void HEL_04_the_bloom_parameters_lie_at_the_start_of_the_pool(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.OK, control.Run(Command.BusMake, TestBus.Command("0-x", bloomSize: 128, hashes: 7)).Result);
        Peer a = Peer.HelloKeepingSlice(Handle.Open(scene.Process, scene.PathOf("0-x/bus")));
        Assert.Equal((0UL, 32UL), (a.Greeting.Offset, a.Greeting.ItemsSize));
        ReceivedItem item = Assert.Single(ReceivedItem.Chain(a.Pool(0, 32)));
        Assert.Equal(ItemType.BloomParameter, item.Type);
        Assert.Equal((128UL, 7UL), (item.As<KdbusBloomParameter>().Size, item.As<KdbusBloomParameter>().NHash));
    }

    [Theory, Worlds]
    public void HEL_05_what_hello_left_in_the_pool_is_freed_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = Peer.HelloKeepingSlice(scene.Bus.Open(scene.Process));
        Assert.Equal(Errno.OK, a.Free(a.Greeting.Offset));
        Assert.Equal(Errno.ENXIO, a.Free(a.Greeting.Offset));
    }

    [Theory, Worlds]
    public void HEL_06_ids_grow_and_are_never_used_again(WorldKind world)
    {
        using Scene scene = new(world);
        Peer first = scene.Connect();
        Peer second = scene.Connect();
        Assert.True(second.Id > first.Id);
        second.Close();
        Assert.True(scene.Connect().Id > second.Id);

        TestBus other = TestBus.Make(scene.World, scene.Process, "0-other");
        Assert.True(Peer.Hello(other.Open(scene.Process)).Id > second.Id);
    }

    [Theory, Worlds]
    public void HEL_07_the_id_of_the_bus_is_a_random_uuid(WorldKind world)
    {
        using Scene scene = new(world);
        byte[] id = Bytes(scene.Connect().Greeting.Id128);
        Assert.Equal(4, id[6] >> 4);
        Assert.Equal(0b10, id[8] >> 6);
    }

    [Theory, Worlds]
    public void HEL_08_a_connection_is_of_one_kind(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        HelloFlags[] mixed =
        [
            HelloFlags.Activator | HelloFlags.Monitor,
            HelloFlags.Activator | HelloFlags.PolicyHolder,
            HelloFlags.Monitor | HelloFlags.PolicyHolder,
        ];
        foreach (HelloFlags flags in mixed)
        {
            Assert.Equal((flags, Errno.EINVAL), (flags, Hello(endpoint, Peer.HelloCommand(flags))));
            Assert.Equal((flags, Errno.EINVAL), (flags, Hello(endpoint, Peer.HelloCommand(flags).Text(ItemType.Name, "a.b"))));
        }
    }

    [Theory, Worlds]
    public void HEL_09_an_activator_without_a_name_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.HelloCommand(HelloFlags.Activator)));
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.HelloCommand(HelloFlags.PolicyHolder)));
    }

    [Theory, Worlds]
    public void HEL_10_an_ordinary_connection_with_a_name_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.HelloCommand().Text(ItemType.Name, "a.b")));
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.HelloCommand(HelloFlags.Monitor).Text(ItemType.Name, "a.b")));
    }

    [Theory, Worlds]
    public void HEL_11_a_policy_holder_has_a_well_known_name_or_a_wildcard(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        foreach (string name in (string[])[".a.b", "foo", "*", "a.*.b", ""])
            Assert.Equal((name, Errno.EINVAL), (name, Hello(endpoint, Peer.HelloCommand(HelloFlags.PolicyHolder).Text(ItemType.Name, name))));
    }

    [Theory, Worlds]
    public void HEL_12_a_policy_holder_may_have_a_wildcard(WorldKind world)
    {
        using Scene scene = new(world);
        foreach (string name in (string[])["foo.*", "a.b.*", "a.b"])
            scene.Connect(Peer.PolicyHolderHello(name));
    }

    [Theory, Worlds]
    public void HEL_13_an_activator_has_one_name(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        foreach (string name in (string[])["foo.*", "a.b.*", "foo", "", "*"])
            Assert.Equal((name, Errno.EINVAL), (name, Hello(endpoint, Peer.ActivatorHello(name))));
        Peer a = scene.Connect();
        Assert.Empty(a.Listed(ListFlags.Names | ListFlags.Activators));
        Assert.Equal(Errno.OK, Hello(endpoint, Peer.ActivatorHello("foo.bar")));
    }


    [Theory, Worlds]
    public void HEL_14_special_connections_are_for_the_privileged(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.SpawnAs(Scene.User));
        Assert.Equal(Errno.EPERM, Hello(endpoint, Peer.HelloCommand(HelloFlags.Activator).Text(ItemType.Name, "a.b")));
        Assert.Equal(Errno.EPERM, Hello(endpoint, Peer.HelloCommand(HelloFlags.PolicyHolder).Text(ItemType.Name, "a.b")));
        Assert.Equal(Errno.EPERM, Hello(endpoint, Peer.HelloCommand(HelloFlags.Monitor)));
    }

    [Theory, Worlds]
    public void HEL_15_metadata_is_only_faked_by_the_privileged(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.SpawnAs(Scene.User));
        Assert.Equal(Errno.EPERM, Hello(endpoint, Peer.HelloCommand().Item(ItemType.Creds, new KdbusCreds())));
        Assert.Equal(Errno.EPERM, Hello(endpoint, Peer.HelloCommand().Item(ItemType.Pids, new KdbusPids())));
        Assert.Equal(Errno.EPERM, Hello(endpoint, Peer.HelloCommand().Text(ItemType.Seclabel, "label")));
        Assert.Equal(Errno.OK, Hello(endpoint, Peer.HelloCommand()));
    }

    [Theory, Worlds]
    public void HEL_16_there_is_no_monitor_on_a_custom_endpoint(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Bus.MakeEndpoint(scene.Process, "0-e");
        foreach (IProcess process in (IProcess[])[scene.Process, scene.SpawnAs(Scene.User)])
        {
            Handle custom = Handle.Open(process, scene.Bus.EndpointPath("0-e"));
            Assert.Equal(Errno.EOPNOTSUPP, Hello(custom, Peer.HelloCommand(HelloFlags.Monitor)));
            Assert.Equal(Errno.EPERM, Hello(custom, Peer.HelloCommand(HelloFlags.PolicyHolder).Text(ItemType.Name, "a.b")));
        }
    }

    [Theory, Worlds]
    public void HEL_30_of_several_threads_that_say_hello_on_one_handle_one_succeeds(WorldKind world)
    {
        using Scene scene = new(world);
        for (int round = 0; round < 20; round++)
        {
            Handle endpoint = scene.Bus.Open(scene.Process);
            Pending[] calls = [.. Enumerable.Range(0, 4).Select(_ =>
                scene.Process.IoctlInThread(endpoint.Descriptor, (uint)Command.Hello, scene.Process.Scratch.Place(Peer.HelloCommand(poolSize: 4096).ToArray())))];
            Errno[] results = [.. calls.Select(static call => Handle.Outcome(call.Result())).Order()];
            Assert.Equal([Errno.OK, Errno.EBADFD, Errno.EBADFD, Errno.EBADFD], results);
            endpoint.Close();
        }
    }

    [Theory, Worlds]
    public void HEL_17_masks_have_14_bits_or_are_all_ones(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.HelloCommand(send: 0x4000)));
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.HelloCommand(recv: 0x4000)));
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.HelloCommand(recv: ulong.MaxValue - 1)));
        CommandRun run = endpoint.Run(Command.Hello, Peer.HelloCommand(send: ulong.MaxValue, recv: ulong.MaxValue));
        Assert.Equal(Errno.OK, run.Result);
        Assert.Equal((ulong.MaxValue, ulong.MaxValue), (run.As<KdbusCmdHello>().AttachFlagsSend, run.As<KdbusCmdHello>().AttachFlagsRecv));
    }

    [Theory, Worlds]
    public void HEL_18_who_does_not_allow_what_the_bus_requires_is_refused(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(required: (ulong)AttachFlags.Pids);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.ECONNREFUSED, Hello(endpoint, Peer.HelloCommand(send: 0)));
        Assert.Equal(Errno.ECONNREFUSED, Hello(endpoint, Peer.HelloCommand(send: (ulong)(AttachFlags.All & ~AttachFlags.Pids))));
        Assert.Equal(Errno.OK, Hello(endpoint, Peer.HelloCommand(send: (ulong)AttachFlags.Pids)));
    }

    [Theory, Worlds]
    public void HEL_19_a_bus_that_requires_all_is_satisfied_with_no_less(WorldKind world)
    {
        using Scene scene = new(world);
        scene.MakeBus(required: (ulong)AttachFlags.All);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.ECONNREFUSED, Hello(endpoint, Peer.HelloCommand(send: (ulong)(AttachFlags.All & ~AttachFlags.Timestamp))));
        Assert.Equal(Errno.OK, Hello(endpoint, Peer.HelloCommand(send: (ulong)AttachFlags.All)));
    }

    [Theory, Worlds]
    public void HEL_20_a_handle_that_was_refused_may_try_again(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.HelloCommand(poolSize: 0)));
        Assert.Equal(Errno.EBADFD, endpoint.Run(Command.Recv, WireStruct.Of(Command.Recv)).Result);
        Peer.Hello(endpoint).HasNothing();
    }

    [Theory, Worlds]
    public void HEL_21_a_description_obeys_the_rules_of_bus_names_but_for_the_prefix(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.ENAMETOOLONG, Hello(endpoint, Described(new string('d', 64))));
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Described("a b")));
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Described("")));
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Described("-a")));
        Assert.Equal(Errno.OK, Hello(endpoint, Described(new string('d', 63))));
    }

    [Theory, Worlds]
    public void HEL_22_a_name_has_one_activator(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello("a.b"));
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EEXIST, Hello(endpoint, Peer.ActivatorHello("a.b")));
        scene.Connect(Peer.ActivatorHello("a.c"));
        activator.Close();
        Assert.Equal(Errno.OK, Hello(endpoint, Peer.ActivatorHello("a.b")));
    }

    [Theory, Worlds]
    public void HEL_23_a_name_has_one_policy_holder(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello("a.b"));
        Peer wildcard = scene.Connect(Peer.PolicyHolderHello("a.c.*"));
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EEXIST, Hello(endpoint, Peer.PolicyHolderHello("a.b")));
        Assert.Equal(Errno.EEXIST, Hello(endpoint, Peer.PolicyHolderHello("a.c.*")));
        holder.Close();
        Assert.Equal(Errno.OK, Hello(endpoint, Peer.PolicyHolderHello("a.b")));
        Assert.Equal(0, wildcard.Process.Exit());
        scene.Connect(Peer.PolicyHolderHello("a.c.*"));
    }


    [Theory, Worlds]
    public void HEL_24_a_user_has_at_most_1024_connections(WorldKind world)
    {
        using Scene scene = new(world);
        Handle[] handles = [.. Enumerable.Range(0, 1024).Select(_ => scene.Bus.Open(scene.Process))];
        foreach (Handle handle in handles)
            Assert.Equal(Errno.OK, Hello(handle, Peer.HelloCommand(poolSize: 4096)));
        Handle last = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EMFILE, Hello(last, Peer.HelloCommand(poolSize: 4096)));
        Assert.Equal(Errno.OK, Hello(scene.Bus.Open(scene.SpawnAs(Scene.User)), Peer.HelloCommand(poolSize: 4096)));

        // A connection counts until its handle is closed, also when it has left.
        Assert.Equal(Errno.OK, handles[500].Run(Command.Byebye, WireStruct.Of(Command.Byebye)).Result);
        Assert.Equal(Errno.EMFILE, Hello(last, Peer.HelloCommand(poolSize: 4096)));
        handles[500].Close();
        Assert.Equal(Errno.OK, Hello(last, Peer.HelloCommand(poolSize: 4096)));
    }

    [Theory, Worlds]
    public void HEL_25_policy_given_by_an_ordinary_connection_is_accepted_and_has_no_effect(WorldKind world)
    {
        using Scene scene = new(world);
        KdbusPolicyAccess everybody = new() { Type = (ulong)PolicyAccessType.World, Access = (ulong)PolicyAccessLevel.Own };
        Peer a = scene.Connect(Peer.HelloCommand().Item(ItemType.PolicyAccess, everybody));
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
    }

    [Theory, Worlds]
    public void HEL_26_who_may_do_what_stands_behind_the_name(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        KdbusPolicyAccess everybody = new() { Type = (ulong)PolicyAccessType.World, Access = (ulong)PolicyAccessLevel.Own };
        foreach (HelloFlags kind in (HelloFlags[])[HelloFlags.PolicyHolder, HelloFlags.Activator])
        {
            WireStruct command = Peer.HelloCommand(kind).Item(ItemType.PolicyAccess, everybody).Text(ItemType.Name, "a.b");
            Assert.Equal((kind, Errno.EINVAL), (kind, Hello(endpoint, command)));
        }

        // Who was refused has left nothing behind.
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EPERM, user.Acquire("a.b"));
        Peer.Hello(endpoint, Peer.PolicyHolderHello("a.b", static p => p.World(PolicyAccessLevel.Own)));
        user.Owns("a.b");
    }

    [Theory, Worlds]
    public void HEL_26_an_entry_has_a_known_kind_and_level(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        foreach ((ulong type, ulong level) in ((ulong, ulong)[])[(0, 1), (4, 1), (3, 3), (1, 3), (ulong.MaxValue, 0)])
            Assert.Equal((type, level, Errno.EINVAL), (type, level, Hello(endpoint, Peer.PolicyHolderHello("a.b", p => p.Access(type, level, 0)))));
        Assert.Equal(Errno.EINVAL, Hello(endpoint, Peer.ActivatorHello("a.b", static p => p.Access(0, 0, 0))));
        Peer a = scene.Connect();
        Assert.Single(a.Listed(ListFlags.Unique | ListFlags.Names | ListFlags.Activators));
        scene.Connect(Peer.PolicyHolderHello("a.b"));
    }

    [Theory, Worlds]
    public void HEL_29_a_name_and_the_wildcard_below_it_are_two(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.PolicyHolderHello("a.b"));
        scene.Connect(Peer.PolicyHolderHello("a.b.*"));
        scene.Connect(Peer.PolicyHolderHello("a.*"));
    }

    private static Errno Hello(Handle endpoint, WireStruct command) => endpoint.Run(Command.Hello, command).Result;

    private static WireStruct Described(string text) => Peer.HelloCommand().Text(ItemType.ConnDescription, text);

    private static byte[] Bytes(Id128 id) => ((ReadOnlySpan<byte>)id).ToArray();
}
