namespace Kdbus.Abi.Tests;

/// <summary>Each command knows its flags and items, and no others.</summary>
public class CommandLayoutTests
{
    private const ItemCount Once = ItemCount.Once;
    private const ItemCount Many = ItemCount.Many;
    private const ItemCount Mandatory = ItemCount.Mandatory;

    /// <summary>Command, size of its struct, its flags, its items besides NEGOTIATE.</summary>
    private static readonly (Command Command, int Size, ulong Flags, (ItemType, ItemCount)[] Items)[] Table =
    [
        (Command.BusMake, 24, 0x3,
            [(ItemType.MakeName, Mandatory), (ItemType.BloomParameter, Mandatory), (ItemType.AttachFlagsSend, Once), (ItemType.AttachFlagsRecv, Once)]),
        (Command.EndpointMake, 24, 0x3, [(ItemType.MakeName, Mandatory)]),
        (Command.EndpointUpdate, 24, 0, [(ItemType.Name, Many), (ItemType.PolicyAccess, Many)]),
        (Command.Hello, 96, 0xf,
            [
                (ItemType.Name, Once), (ItemType.Creds, Once), (ItemType.Pids, Once), (ItemType.Seclabel, Once),
                (ItemType.ConnDescription, Once), (ItemType.PolicyAccess, Many),
            ]),
        (Command.Update, 24, 0,
            [(ItemType.AttachFlagsSend, Once), (ItemType.AttachFlagsRecv, Once), (ItemType.Name, Many), (ItemType.PolicyAccess, Many)]),
        (Command.Byebye, 24, 0, []),
        (Command.Free, 32, 0, []),
        (Command.ConnInfo, 56, 0, [(ItemType.Name, Once)]),
        (Command.BusCreatorInfo, 56, 0, []),
        (Command.List, 40, 0xf, []),
        (Command.Send, 56, 0x1, [(ItemType.CancelFd, Once), (ItemType.FdSocket, Once), (ItemType.OnBehalf, Once)]),
        (Command.Recv, 64, 0x7, [(ItemType.FdSocket, Once), (ItemType.OnBehalf, Once)]),
        (Command.NameAcquire, 24, 0x7, [(ItemType.Name, Mandatory)]),
        (Command.NameRelease, 24, 0, [(ItemType.Name, Mandatory)]),
        (Command.MatchAdd, 32, 0x1,
            [
                (ItemType.BloomMask, Many), (ItemType.Name, Many), (ItemType.Id, Many), (ItemType.NameAdd, Many),
                (ItemType.NameRemove, Many), (ItemType.NameChange, Many), (ItemType.IdAdd, Many), (ItemType.IdRemove, Many),
            ]),
        (Command.MatchRemove, 32, 0, []),
        (Command.FdsInstalled, 32, 0, [(ItemType.Fds, Mandatory)]),
        (Command.Exchange, 80, 0x7, [(ItemType.Free, Once), (ItemType.FdSocket, Once), (ItemType.CancelFd, Once)]),
    ];

    [Fact]
    public void The_table_speaks_of_every_command() => Assert.Equal(Enum.GetValues<Command>().Order(), Table.Select(row => row.Command).Order());

    [Fact]
    public void Every_command_knows_its_size_and_flags()
    {
        foreach (var (command, size, flags, _) in Table)
        {
            var layout = CommandLayout.Of((uint)command);
            Assert.NotNull(layout);
            Assert.Equal((command, size, flags), (layout.Command, layout.FixedSize, layout.Flags));
        }
    }

    [Fact]
    public void Every_command_knows_exactly_its_items_and_one_negotiate()
    {
        foreach (var (command, _, _, items) in Table)
        {
            var layout = CommandLayout.Of((uint)command)!;
            (ItemType, ItemCount)[] expected = [(ItemType.Negotiate, Once), .. items];
            Assert.Equal(expected.Order(), layout.Items.ToArray().Order());
            foreach (var type in Enum.GetValues<ItemType>())
            {
                var count = expected.FirstOrDefault(item => item.Item1 == type).Item2;
                Assert.Equal(count, layout.CountOf(type));
                Assert.Equal(count == ItemCount.None, layout.BitOf(type) == 0);
            }
        }
    }

    [Fact]
    public void No_two_items_of_a_command_share_a_bit()
    {
        foreach (var (command, _, _, _) in Table)
        {
            var layout = CommandLayout.Of((uint)command)!;
            var bits = layout.Items.ToArray().Select(item => layout.BitOf(item.Type)).ToArray();
            Assert.All(bits, bit => Assert.True(ulong.IsPow2(bit)));
            Assert.Equal(bits.Length, bits.Distinct().Count());
        }
    }

    [Fact]
    public void A_number_that_differs_in_any_bit_is_no_command()
    {
        foreach (var (command, _, _, _) in Table)
        {
            for (var bit = 0; bit < 32; bit++)
            {
                var other = (uint)command ^ (1u << bit);
                if (!Enum.IsDefined((Command)other) && !CommandLayout.IsExchange(other)) Assert.Null(CommandLayout.Of(other));
            }
        }

        Assert.Null(CommandLayout.Of(0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(80)]
    [InlineData(16376)]
    [InlineData(16383)]
    public void An_EXCHANGE_is_the_same_command_whatever_its_size(int room)
    {
        var number = (uint)Command.Exchange | ((uint)room << 16);
        Assert.True(CommandLayout.IsExchange(number));
        Assert.Same(CommandLayout.Of((uint)Command.Exchange), CommandLayout.Of(number));
    }

    [Fact]
    public void No_bit_besides_those_of_its_size_may_differ_in_an_EXCHANGE()
    {
        for (var bit = 0; bit < 32; bit++)
        {
            Assert.Equal(bit is >= 16 and < 30, CommandLayout.IsExchange((uint)Command.Exchange ^ (1u << bit)));
        }
    }

    [Fact]
    public void What_the_interface_of_2015_did_not_have_is_an_extension()
    {
        Assert.Equal(
            [Command.FdsInstalled, Command.Exchange],
            Enum.GetValues<Command>().Where(CommandLayout.IsExtension).Order());
        Assert.Equal(
            [ItemType.FdSocket, ItemType.OnBehalf, ItemType.PayloadInline, ItemType.Free],
            Enum.GetValues<ItemType>().Where(CommandLayout.IsExtension).Order());
    }

    [Theory]
    [InlineData(0UL, Errno.OK, AttachFlags.None)]
    [InlineData(0x3fffUL, Errno.OK, AttachFlags.All)]
    [InlineData(ulong.MaxValue, Errno.OK, AttachFlags.All)]
    [InlineData(0x2001UL, Errno.OK, AttachFlags.Timestamp | AttachFlags.ConnDescription)]
    public void A_mask_of_known_bits_or_all_ones_is_accepted(ulong given, Errno expected, AttachFlags mask)
    {
        Assert.Equal(expected, AttachMask.Sanitize(given, out var sanitized));
        Assert.Equal(mask, sanitized);
    }

    [Fact]
    public void A_mask_with_any_bit_that_is_no_kind_is_refused()
    {
        for (var bit = 14; bit < 64; bit++)
        {
            Assert.Equal(bit is >= 32 and <= 34 ? Errno.OK : Errno.EINVAL, AttachMask.Sanitize(1UL << bit, out _));
        }

        Assert.Equal(Errno.EINVAL, AttachMask.Sanitize(ulong.MaxValue - 1, out _));
    }

    [Fact]
    public void Bit_n_of_a_mask_stands_for_item_0x1000_plus_n()
    {
        foreach (var kind in Enum.GetValues<AttachFlags>().Where(flag => ulong.IsPow2((ulong)flag)))
        {
            var name = kind == AttachFlags.Names ? nameof(ItemType.OwnedName) : kind.ToString();
            Assert.Equal(Enum.Parse<ItemType>(name), (ItemType)(0x1000 + ulong.Log2((ulong)kind)));
        }
    }
}
