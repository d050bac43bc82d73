using System.Buffers.Binary;

namespace Kdbus.Conformance.Statements;

/// <summary>What holds for the form of every command: addresses, sizes, flags, items, negotiation, and what is looked at first.</summary>
public class AbiStatements
{
    private const ulong UnknownFlag = 1UL << 32;

    [Theory, Worlds]
    public void ABI_01_a_struct_that_is_misaligned_or_not_there_is_EFAULT(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
        {
            Scratch scratch = handle.Process.Scratch;
            byte[] bytes = valid.ToArray();
            ulong room = scratch.Allocate(bytes.Length + 8);
            scratch.Write(room + 4, bytes);
            Assert.Equal((command, Errno.EFAULT), (command, handle.Run(command, room + 4)));
            Assert.Equal((command, Errno.EFAULT), (command, handle.Run(command, scratch.Nowhere())));
            Assert.Equal((command, Errno.EFAULT), (command, handle.Run(command, 0)));

            // The fixed part is there and the rest of what the size says is not.
            WireStruct longer = WireStruct.Of(command).Claim((ulong)bytes.Length + 64);
            Assert.Equal((command, Errno.EFAULT), (command, handle.Run(command, scratch.PlaceBeforeNothing(longer.ToArray()))));
        }
    }

    [Theory, Worlds]
    public void ABI_02_a_size_below_the_fixed_part_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
        {
            ulong fixedSize = (ulong)WireStruct.Of(command).Length;
            foreach (ulong size in (ulong[])[0, 8, fixedSize - 1])
            {
                CommandRun run = handle.Run(command, valid.Claim(size));
                Assert.Equal((command, size, Errno.EINVAL), (command, size, run.Result));
                Assert.Equal(valid.ToArray(), run.Memory);
            }
        }
    }

    [Theory, Worlds]
    public void ABI_03_a_size_above_32768_is_EMSGSIZE(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
        {
            foreach (ulong size in (ulong[])[32769, 1UL << 32, ulong.MaxValue])
                Assert.Equal((command, size, Errno.EMSGSIZE), (command, size, handle.Run(command, valid.Claim(size)).Result));
        }
    }

    [Theory, Worlds]
    public void ABI_04_an_unknown_flag_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
        {
            ulong flags = BinaryPrimitives.ReadUInt64LittleEndian(valid.ToArray().AsSpan(8));
            Assert.Equal((command, Errno.EINVAL), (command, handle.Run(command, valid.Flags(flags | UnknownFlag)).Result));
        }
    }

    [Theory, Worlds]
    public void ABI_05_a_refused_command_says_return_flags_0_and_touches_nothing_else(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
        {
            valid.Flags(UnknownFlag).Set(16, 0xdeadbeef);
            for (int offset = 24; offset < WireStruct.Of(command).Length; offset += 8)
                valid.Set(offset, 0x0123456789abcdef);
            byte[] expected = valid.ToArray();
            expected.AsSpan(16, 8).Clear();
            CommandRun run = handle.Run(command, valid);
            Assert.Equal((command, Errno.EINVAL), (command, run.Result));
            Assert.Equal(expected, run.Memory);
        }
    }

    [Theory, Worlds]
    public void ABI_06_bytes_behind_a_command_that_are_no_item_are_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
            Assert.Equal((command, Errno.EINVAL), (command, handle.Run(command, valid.Append(new byte[8])).Result));
    }

    [Theory, Worlds]
    public void ABI_07_an_item_shorter_than_its_header_or_longer_than_the_struct_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, _) in EveryCommand(scene))
        {
            foreach (ulong size in (ulong[])[0, 15, 25, 1UL << 40, ulong.MaxValue - 6, ulong.MaxValue])
            {
                WireStruct input = WireStruct.Of(command).ItemHeader(size, ItemType.Negotiate).Append(new byte[8]);
                Assert.Equal((command, size, Errno.EINVAL), (command, size, handle.Run(command, input).Result));
            }
        }
    }

    [Theory, Worlds]
    public void ABI_08_the_padding_of_the_last_item_may_be_left_out(WorldKind world)
    {
        using Scene scene = new(world);
        KdbusBloomParameter bloom = new() { Size = 64, NHash = 1 };
        WireStruct padded = WireStruct.Of(Command.BusMake).Item(ItemType.BloomParameter, bloom).Text(ItemType.MakeName, "0-padded");
        Assert.Equal(0, padded.Length % 8);
        Assert.Equal(Errno.OK, scene.OpenControl().Run(Command.BusMake, padded).Result);

        WireStruct unpadded = WireStruct.Of(Command.BusMake).Item(ItemType.BloomParameter, bloom).TextUnpadded(ItemType.MakeName, "0-unpadded");
        Assert.NotEqual(0, unpadded.Length % 8);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.OK, control.Run(Command.BusMake, control.Process.Scratch.PlaceBeforeNothingAligned(unpadded.ToArray())));

        // Padding is whatever the caller left there.
        WireStruct dirty = WireStruct.Of(Command.BusMake).Item(ItemType.BloomParameter, bloom).TextUnpadded(ItemType.MakeName, "0-dirt").Append([0xff]);
        while (dirty.Length % 8 != 0)
            dirty.Append([0xff]);
        Assert.Equal(Errno.OK, scene.OpenControl().Run(Command.BusMake, dirty).Result);
    }

    [Theory, Worlds]
    public void ABI_09_an_item_behind_another_without_its_padding_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        WireStruct command = WireStruct.Of(Command.BusMake)
            .TextUnpadded(ItemType.MakeName, "0-x")
            .Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = 64, NHash = 1 });
        Assert.Equal(Errno.EINVAL, scene.OpenControl().Run(Command.BusMake, command).Result);
    }

    [Theory, Worlds]
    public void ABI_10_an_unknown_item_is_EINVAL(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
            Assert.Equal((command, Errno.EINVAL), (command, handle.Run(command, valid.Item((ItemType)0x7777, new byte[8])).Result));
    }

    [Theory, Worlds]
    public void ABI_11_a_string_has_exactly_one_NUL_at_its_end(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        foreach (byte[] text in (byte[][])["a.b"u8.ToArray(), "a.b\0c\0"u8.ToArray(), "a.b\0\0"u8.ToArray(), []])
        {
            WireStruct info = WireStruct.Of(Command.ConnInfo).Item(ItemType.Name, text);
            Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.ConnInfo, info).Result);
        }
        foreach (byte[] text in (byte[][])["0-x"u8.ToArray(), "0-x\0y\0"u8.ToArray(), "0-x\0\0"u8.ToArray(), []])
        {
            WireStruct make = WireStruct.Of(Command.BusMake)
                .Item(ItemType.BloomParameter, new KdbusBloomParameter { Size = 64, NHash = 1 })
                .Item(ItemType.MakeName, text);
            Assert.Equal(Errno.EINVAL, scene.OpenControl().Run(Command.BusMake, make).Result);
        }
    }

    [Theory, Worlds]
    public void ABI_12_an_item_that_may_stand_once_is_EINVAL_the_second_time(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
        {
            WireStruct twice = valid.Item(ItemType.Negotiate, []).Item(ItemType.Negotiate, []);
            Assert.Equal((command, Errno.EINVAL), (command, handle.Run(command, twice).Result));
        }
        Assert.Equal(Errno.EINVAL, scene.OpenControl().Run(Command.BusMake, TestBus.Command("0-x").Text(ItemType.MakeName, "0-y")).Result);
        WireStruct info = WireStruct.Of(Command.ConnInfo).Text(ItemType.Name, "a.b").Text(ItemType.Name, "a.b");
        Assert.Equal(Errno.EINVAL, scene.Connect().Handle.Run(Command.ConnInfo, info).Result);
    }

    [Theory, Worlds]
    public void ABI_13_hello_negotiates_and_makes_no_connection(WorldKind world)
    {
        using Scene scene = new(world);
        Handle endpoint = scene.Bus.Open(scene.Process);
        CommandRun run = endpoint.Run(Command.Hello, Peer.HelloCommand().Flags(Constants.FlagNegotiate).Set(48, 77));
        Assert.Equal((Errno.OK, 0xfUL), (run.Result, run.Flags));
        Assert.Equal(77UL, run.As<KdbusCmdHello>().Id);
        Assert.Equal(Errno.EBADFD, endpoint.Run(Command.Recv, WireStruct.Of(Command.Recv)).Result);
        Peer.Hello(endpoint).HasNothing();
    }

    [Theory, Worlds]
    public void ABI_14_send_negotiates_and_sends_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        CommandRun run = a.Handle.Run(Command.Send, WireStruct.Of(Command.Send).Flags(Constants.FlagNegotiate));
        Assert.Equal((Errno.OK, 0x1UL), (run.Result, run.Flags));

        run = a.Handle.Run(Command.Send, a.SendCommand(m => m.To(a.Id)).Flags(Constants.FlagNegotiate));
        Assert.Equal((Errno.OK, 0x1UL), (run.Result, run.Flags));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void ABI_15_recv_negotiates_and_takes_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(5)));
        CommandRun run = a.Handle.Run(Command.Recv, WireStruct.Of(Command.Recv).Flags(Constants.FlagNegotiate));
        Assert.Equal((Errno.OK, 0x7UL), (run.Result, run.Flags));
        Assert.Equal(5UL, a.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void ABI_16_every_command_tells_the_flags_it_knows(WorldKind world)
    {
        using Scene scene = new(world);
        Dictionary<Command, ulong> known = new()
        {
            [Command.BusMake] = 0x3, [Command.EndpointMake] = 0x3, [Command.Hello] = 0xf, [Command.List] = 0xf, [Command.Send] = 0x1,
            [Command.Recv] = 0x7,
        };
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
        {
            // The struct is not acted upon, so return_flags stays too.
            CommandRun run = handle.Run(command, valid.Flags(Constants.FlagNegotiate).Set(16, 0x55));
            Assert.Equal((command, Errno.OK), (command, run.Result));
            Assert.Equal((command, known.GetValueOrDefault(command)), (command, run.Flags));
            Assert.Equal((command, 0x55UL), (command, run.ReturnFlags));
        }
    }

    [Theory, Worlds]
    public void ABI_17_negotiation_with_an_unknown_bit_is_EINVAL_and_flags_stay(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
        {
            CommandRun run = handle.Run(command, valid.Flags(Constants.FlagNegotiate | UnknownFlag));
            Assert.Equal((command, Errno.EINVAL), (command, run.Result));
            Assert.Equal((command, Constants.FlagNegotiate | UnknownFlag), (command, run.Flags));
        }
    }

    [Theory, Worlds]
    public void ABI_18_negotiation_needs_the_mandatory_items(WorldKind world)
    {
        using Scene scene = new(world);
        Assert.Equal(Errno.EINVAL, scene.OpenControl().Run(Command.BusMake, WireStruct.Of(Command.BusMake).Flags(Constants.FlagNegotiate)).Result);
        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EINVAL, endpoint.Run(Command.EndpointMake, WireStruct.Of(Command.EndpointMake).Flags(Constants.FlagNegotiate)).Result);
    }

    [Theory, Worlds]
    public void ABI_19_negotiation_of_items_leaves_those_known(WorldKind world)
    {
        using Scene scene = new(world);
        WireStruct command = WireStruct.Of(Command.ConnInfo).Flags(Constants.FlagNegotiate)
            .Item(ItemType.Negotiate, Types(ItemType.Negotiate, ItemType.Name, (ItemType)0x9999, ItemType.Creds));
        CommandRun run = scene.Connect().Handle.Run(Command.ConnInfo, command);
        Assert.Equal(Errno.OK, run.Result);
        Assert.Equal(Types(ItemType.Negotiate, ItemType.Name, 0, 0), run.Memory[^32..]);
    }

    [Theory, Worlds]
    public void ABI_20_items_are_negotiated_beside_a_command_that_is_carried_out(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        WireStruct command = TestBus.Command("0-x").Item(ItemType.Negotiate, Types(ItemType.MakeName, (ItemType)0x9999));
        CommandRun run = control.Run(Command.BusMake, command);
        Assert.Equal(Errno.OK, run.Result);
        Assert.Equal(Types(ItemType.MakeName, 0), run.Memory[^16..]);
        Assert.Equal(0, scene.Process.Stat(scene.PathOf("0-x"), out _));
    }

    [Theory, Worlds]
    public void ABI_21_a_negotiation_item_holds_whole_types(WorldKind world)
    {
        using Scene scene = new(world);
        foreach ((Command command, Handle handle, WireStruct valid) in EveryCommand(scene))
            Assert.Equal((command, Errno.EINVAL), (command, handle.Run(command, valid.Item(ItemType.Negotiate, new byte[12])).Result));
    }

    [Theory, Worlds]
    public void ABI_22_a_message_does_not_negotiate(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Item(ItemType.Negotiate, new byte[8])));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void ABI_23_a_message_does_not_know_the_negotiation_flag(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.EINVAL, a.Send(m => m.To(a.Id).Flags((MessageFlags)Constants.FlagNegotiate)));
        a.HasNothing();
    }

    /// <summary>
    /// A command whose number says that it is written is copied in by the kernel before the bus is asked, so there the address must be good
    /// and the struct may be garbage; the others show that the bus does not look at the address either.
    /// </summary>
    [Theory, Worlds]
    public void ABI_24_a_dead_connection_is_told_so_whatever_it_passes(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Byebye());
        foreach (Command command in (Command[])[Command.Send, Command.Free, Command.Update, Command.Byebye, Command.Recv, Command.List, Command.ConnInfo])
        {
            Assert.Equal((command, Errno.ECONNRESET), (command, a.Handle.Run(command, WireStruct.Of(command).Claim(3)).Result));
            Assert.Equal((command, Errno.ECONNRESET), (command, a.Handle.Run(command, a.Process.Scratch.Allocate(128) + 4)));
        }
        foreach (Command command in (Command[])[Command.Recv, Command.List, Command.ConnInfo])
            Assert.Equal((command, Errno.ECONNRESET), (command, a.Handle.Run(command, a.Process.Scratch.Nowhere())));
    }

    [Theory, Worlds]
    public void ABI_25_a_connection_of_another_kind_is_told_so_whatever_it_passes(WorldKind world)
    {
        using Scene scene = new(world);
        Peer monitor = scene.Connect(Peer.MonitorHello());
        Assert.Equal(Errno.EOPNOTSUPP, monitor.Handle.RunOnGarbage(Command.Send));
        Assert.Equal(Errno.EOPNOTSUPP, monitor.Handle.Run(Command.Send, WireStruct.Of(Command.Send).Claim(3)).Result);
        Peer holder = scene.Connect(Peer.PolicyHolderHello("a.b"));
        Assert.Equal(Errno.EOPNOTSUPP, holder.Handle.Run(Command.Recv, holder.Process.Scratch.Nowhere()));
    }

    [Theory, Worlds]
    public void ABI_26_a_policy_entry_has_24_bytes(WorldKind world)
    {
        using Scene scene = new(world);
        Handle owner = scene.Bus.MakeEndpoint(scene.Process, "0-e");
        WireStruct update = WireStruct.Of(Command.EndpointUpdate).Text(ItemType.Name, "a.b").Item(ItemType.PolicyAccess, new byte[16]);
        Assert.Equal(Errno.EINVAL, owner.Run(Command.EndpointUpdate, update).Result);
        WireStruct hello = Peer.HelloCommand().Item(ItemType.PolicyAccess, new byte[16]);
        Assert.Equal(Errno.EINVAL, scene.Bus.Open(scene.Process).Run(Command.Hello, hello).Result);
    }

    /// <summary>Each number is direction, size, magic and number, put together as ioctl(2) numbers are.</summary>
    [Fact]
    public void ABI_27_the_ioctl_numbers_are_those_of_the_interface()
    {
        const uint Write = 1, Read = 2;
        (Command Command, uint Direction, uint Size, uint Number)[] table =
        [
            (Command.BusMake, Write, 24, 0x00), (Command.EndpointMake, Write, 24, 0x10), (Command.EndpointUpdate, Write, 24, 0x11),
            (Command.Hello, Read | Write, 96, 0x80), (Command.Update, Write, 24, 0x81), (Command.Byebye, Write, 24, 0x82),
            (Command.Free, Write, 32, 0x83), (Command.ConnInfo, Read, 56, 0x84), (Command.BusCreatorInfo, Read, 56, 0x85),
            (Command.List, Read, 40, 0x86), (Command.Send, Write, 56, 0x90), (Command.Recv, Read, 64, 0x91),
            (Command.NameAcquire, Write, 24, 0xa0), (Command.NameRelease, Write, 24, 0xa1), (Command.MatchAdd, Write, 32, 0xb0),
            (Command.MatchRemove, Write, 32, 0xb1), (Command.FdsInstalled, Write, 32, 0xd0), (Command.Exchange, Read | Write, 0, 0xc0),
        ];
        foreach ((Command command, uint direction, uint size, uint number) in table)
            Assert.Equal((command, direction << 30 | size << 16 | 0x95u << 8 | number), (command, (uint)command));
        Assert.Equal(Enum.GetValues<Command>().Length, table.Length);
    }

    [Theory, Worlds]
    public void ABI_28_what_cannot_be_told_to_its_maker_is_not_made(WorldKind world)
    {
        using Scene scene = new(world);
        Handle control = scene.OpenControl();
        Assert.Equal(Errno.EFAULT, RunReadOnly(control, Command.BusMake, TestBus.Command("0-x").Set(16, 1)));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.PathOf("0-x"), out _));
        Assert.Equal(Errno.OK, control.Run(Command.BusMake, TestBus.Command("0-x")).Result);

        Handle endpoint = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EFAULT, RunReadOnly(endpoint, Command.EndpointMake, TestBus.EndpointCommand("0-e").Set(16, 1)));
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(scene.Bus.EndpointPath("0-e"), out _));
        Assert.Equal(Errno.OK, endpoint.Run(Command.EndpointMake, TestBus.EndpointCommand("0-e")).Result);

        Peer witness = scene.Connect();
        Handle untyped = scene.Bus.Open(scene.Process);
        Assert.Equal(Errno.EFAULT, RunReadOnly(untyped, Command.Hello, Peer.HelloCommand()));
        Assert.Equal(24UL, witness.List(ListFlags.Unique).As<KdbusCmdList>().ListSize);
        Assert.Equal(Errno.EBADFD, untyped.Run(Command.Recv, WireStruct.Of(Command.Recv)).Result);
        Peer.Hello(untyped);
    }

    [Theory, Worlds]
    public void ABI_29_results_that_cannot_be_stored_are_EFAULT(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EFAULT, RunReadOnly(a.Handle, Command.Recv, WireStruct.Of(Command.Recv)));
        Assert.Equal(Errno.EFAULT, RunReadOnly(a.Handle, Command.List, WireStruct.Of(Command.List)));
        Assert.Equal(Errno.EFAULT, RunReadOnly(a.Handle, Command.ConnInfo, WireStruct.Of(new KdbusCmdInfo { Id = a.Id })));
        Assert.Equal(Errno.EFAULT, RunReadOnly(a.Handle, Command.Send, a.SendCommand(m => m.To(a.Id))));
        Assert.Equal(Errno.EFAULT, RunReadOnly(a.Handle, Command.Update, WireStruct.Of(Command.Update).Set(16, 1)));
    }

    /// <summary>Gives a command from memory that can only be read.</summary>
    private static Errno RunReadOnly(Handle handle, Command command, WireStruct input)
    {
        const ulong Page = 4096;
        IProcess process = handle.Process;
        ulong address = (ulong)process.Map(Page, Protection.Read | Protection.Write, MapFlags.Private | MapFlags.Anonymous, -1, 0);
        process.Scratch.Write(address, input.ToArray());
        Assert.Equal(0, process.Protect(address, Page, Protection.Read));
        return handle.Run(command, address);
    }

    /// <summary>Every command on a handle that takes it, in a form that would be accepted. A fresh handle and a fresh struct each time.</summary>
    private static IEnumerable<(Command Command, Handle Handle, WireStruct Valid)> EveryCommand(Scene scene)
    {
        Peer peer = scene.Connect();
        string name = $"0-bus{Guid.NewGuid():N}";
        yield return (Command.BusMake, scene.OpenControl(), TestBus.Command(name));
        yield return (Command.EndpointMake, scene.Bus.Open(scene.Process), TestBus.EndpointCommand(name));
        yield return (Command.EndpointUpdate, scene.Bus.MakeEndpoint(scene.Process, "0-owned"), WireStruct.Of(Command.EndpointUpdate));
        yield return (Command.Hello, scene.Bus.Open(scene.Process), Peer.HelloCommand());
        yield return (Command.Update, peer.Handle, WireStruct.Of(Command.Update));
        yield return (Command.Free, peer.Handle, WireStruct.Of(new KdbusCmdFree { Offset = peer.PoolSize }));
        yield return (Command.ConnInfo, peer.Handle, WireStruct.Of(new KdbusCmdInfo { Id = peer.Id }));
        yield return (Command.BusCreatorInfo, peer.Handle, WireStruct.Of(Command.BusCreatorInfo));
        yield return (Command.List, peer.Handle, WireStruct.Of(Command.List));
        yield return (Command.Send, peer.Handle, peer.SendCommand(m => m.To(peer.Id)));
        yield return (Command.Recv, peer.Handle, WireStruct.Of(Command.Recv));
        yield return (Command.FdsInstalled, peer.Handle, Peer.FdsInstalledCommand(0, 5));
        yield return (Command.Byebye, peer.Handle, WireStruct.Of(Command.Byebye));
    }

    private static byte[] Types(params ReadOnlySpan<ItemType> types) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(types).ToArray();
}
