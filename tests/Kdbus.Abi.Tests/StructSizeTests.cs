using System.Runtime.CompilerServices;

namespace Kdbus.Abi.Tests;

/// <summary>What the attributes promise about the layout is what the runtime makes of it.</summary>
public class StructSizeTests
{
    [Fact]
    public void The_commands_are_as_large_as_their_ioctl_numbers_say()
    {
        Assert.Equal(Fixed(Command.BusMake), Unsafe.SizeOf<KdbusCmd>());
        Assert.Equal(Fixed(Command.Hello), Unsafe.SizeOf<KdbusCmdHello>());
        Assert.Equal(Fixed(Command.Free), Unsafe.SizeOf<KdbusCmdFree>());
        Assert.Equal(Fixed(Command.ConnInfo), Unsafe.SizeOf<KdbusCmdInfo>());
        Assert.Equal(Fixed(Command.List), Unsafe.SizeOf<KdbusCmdList>());
        Assert.Equal(Fixed(Command.Send), Unsafe.SizeOf<KdbusCmdSend>());
        Assert.Equal(Fixed(Command.Recv), Unsafe.SizeOf<KdbusCmdRecv>());
        Assert.Equal(Fixed(Command.MatchAdd), Unsafe.SizeOf<KdbusCmdMatch>());
        Assert.Equal(Fixed(Command.FdsInstalled), Unsafe.SizeOf<KdbusCmdFdsInstalled>());
    }

    [Fact]
    public void The_other_structs_have_their_size_on_the_wire()
    {
        Assert.Equal(80, Unsafe.SizeOf<KdbusCmdExchange>());
        Assert.Equal(64, Unsafe.SizeOf<KdbusMsg>());
        Assert.Equal(24, Unsafe.SizeOf<KdbusMsgInfo>());
        Assert.Equal(24, Unsafe.SizeOf<KdbusInfo>());
        Assert.Equal(Item.HeaderSize, Unsafe.SizeOf<KdbusItem>());
        Assert.Equal(16, Unsafe.SizeOf<KdbusVec>());
        Assert.Equal(24, Unsafe.SizeOf<KdbusMemfd>());
        Assert.Equal(16, Unsafe.SizeOf<KdbusFdMessage>());
        Assert.Equal(16, Unsafe.SizeOf<KdbusBloomParameter>());
        Assert.Equal(8, Unsafe.SizeOf<KdbusBloomFilter>());
        Assert.Equal(8, Unsafe.SizeOf<KdbusName>());
        Assert.Equal(24, Unsafe.SizeOf<KdbusPolicyAccess>());
        Assert.Equal(24, Unsafe.SizeOf<KdbusTimestamp>());
        Assert.Equal(64, Unsafe.SizeOf<KdbusCreds>());
        Assert.Equal(24, Unsafe.SizeOf<KdbusPids>());
        Assert.Equal(4, Unsafe.SizeOf<KdbusCaps>());
        Assert.Equal(8, Unsafe.SizeOf<KdbusAudit>());
        Assert.Equal(16, Unsafe.SizeOf<KdbusNotifyIdChange>());
        Assert.Equal(32, Unsafe.SizeOf<KdbusNotifyNameChange>());
        Assert.Equal(16, Unsafe.SizeOf<Id128>());
    }

    private static int Fixed(Command command) => (int)((uint)command >> 16) & 0x3fff;
}
