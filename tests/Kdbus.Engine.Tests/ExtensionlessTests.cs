namespace Kdbus.Engine.Tests;

/// <summary>A domain without extensions refuses them as the interface of 2015 refuses what it does not know.</summary>
public sealed class ExtensionlessTests
{
    private readonly TestDomain _world = new(hasExtensions: false);
    private readonly TestPeer _peer;

    public ExtensionlessTests() => _peer = _world.Connect();

    [Theory]
    [InlineData((uint)Command.Exchange)]
    [InlineData((uint)Command.Exchange | (4096U << 16))]
    [InlineData((uint)Command.FdsInstalled)]
    public void Its_commands_are_none(uint ioctl)
    {
        Assert.Equal(Errno.ENOTTY, _world.Domain.Admit(_peer.Handle, ioctl));
        Assert.Equal(Errno.ENOTTY, _world.Domain.Admit(_world.BusOwner, ioctl));
        Assert.Equal(Errno.OK, new TestDomain() is var other ? other.Domain.Admit(other.Connect().Handle, ioctl) : default);
    }

    [Theory]
    [InlineData(ItemType.FdSocket)]
    [InlineData(ItemType.OnBehalf)]
    public void Items_that_say_how_or_for_whom_are_EINVAL(ItemType type)
    {
        var item = Frame.Item(type, 3);
        Assert.Equal(Errno.EINVAL, Run(Command.Recv, Frame.Of(new KdbusCmdRecv(), item)));
        Assert.Equal(Errno.EINVAL, Run(Command.Send, Frame.Of(new KdbusCmdSend(), item)));
    }

    [Fact]
    public void Payload_that_stands_in_the_message_is_EINVAL()
    {
        KdbusMsg message = new() { DstId = _peer.Id, Cookie = 1 };
        var item = Frame.Item(ItemType.PayloadInline, "payload"u8);
        Assert.Equal(Errno.EINVAL, _peer.Send(message, default, 0, PayloadPlace.Here, [item]).Result);
        Assert.Equal(Errno.OK, _peer.Send(message, "payload"u8).Result);

        var other = new TestDomain().Connect();
        Assert.Equal(Errno.OK, other.Send(message with { DstId = other.Id }, default, 0, PayloadPlace.Here, [item]).Result);
    }

    [Theory]
    [InlineData(AttachFlags.PidfsId)]
    [InlineData(AttachFlags.StartTime)]
    [InlineData(AttachFlags.Pidfd)]
    public void Kinds_of_metadata_that_it_does_not_have_are_EINVAL(AttachFlags kind)
    {
        var mask = Frame.Item(ItemType.AttachFlagsRecv, (ulong)kind);
        Assert.Equal(Errno.EINVAL, Run(Command.Update, Frame.Of(new KdbusCmd(), mask)));
        Assert.Equal(Errno.EINVAL, Run(Command.ConnInfo, Frame.Of(new KdbusCmdInfo { Id = _peer.Id, AttachFlags = (ulong)kind })));
        var fresh = new TestPeer(_world, _world.Open(_world.Bus.DefaultEndpoint), TestDomain.Uid, new PoolMemory(4096));
        Assert.Equal(Errno.EINVAL, fresh.Hello(attach: (ulong)kind));
        Assert.Equal(Errno.OK, fresh.Hello(attach: (ulong)AttachFlags.All));
    }

    [Fact]
    public void An_endpoint_is_not_made_on_control()
    {
        Assert.Equal(Errno.EBADFD, _world.MakeEndpoint(_world.OpenControl(), "1000-bus/1000-endpoint").Result);
        Assert.Equal(Errno.OK, _world.MakeEndpoint(_world.Open(_world.Bus.DefaultEndpoint), "1000-endpoint").Result);
    }

    [Fact]
    public void Negotiation_does_not_know_them()
    {
        ulong[] asked = [(ulong)ItemType.FdSocket, (ulong)ItemType.OnBehalf, (ulong)ItemType.Negotiate];
        var frame = Frame.Of(
            new KdbusCmdRecv { Flags = Constants.FlagNegotiate },
            Frame.Item(ItemType.Negotiate, System.Runtime.InteropServices.MemoryMarshal.AsBytes<ulong>(asked)));
        Assert.Equal(Errno.OK, Run(Command.Recv, frame));
        Assert.Equal([0UL, 0UL, (ulong)ItemType.Negotiate], System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(frame.AsSpan(64 + 16)).ToArray());
    }

    private Errno Run(Command command, byte[] frame) => _world.Run(_peer.Handle, command, frame, _peer.Uid).Result;
}
