namespace Kdbus.Conformance.Words;

public sealed partial class Peer
{
    private DescriptorChannel? _channel;

    /// <summary>Where its descriptors come. It is made when first asked for, and takes two numbers then.</summary>
    public DescriptorChannel Channel => _channel ??= new DescriptorChannel(Process);

    /// <summary>RECV with a socket on which descriptors are to come.</summary>
    public Received RecvOn(int socket, RecvFlags flags = RecvFlags.None)
    {
        if (Process.ByExchange && !LooksOnly(flags))
            return RecvByExchange(flags, priority: 0, socket);
        KdbusCmdRecv command = new() { Flags = (ulong)flags, Msg = new KdbusMsgInfo { ReturnFlags = Untouched } };
        CommandRun run = Handle.Run(Command.Recv, WireStruct.Of(command).Item(ItemType.FdSocket, socket));
        return new Received(run.Result, run.As<KdbusCmdRecv>());
    }

    /// <summary>RECV with a socket, recvmsg(2), and FDS_INSTALLED: of a message that must be there, as must be all its descriptors.</summary>
    public ReceivedMessage ReceiveWithDescriptors()
    {
        Received received = RecvOn(Channel.Socket);
        Assert.Equal((Errno.OK, RecvReturnFlags.None), (received.Result, (RecvReturnFlags)received.Command.Msg.ReturnFlags));
        return Install(received.Command.Msg);
    }

    /// <summary>Takes the descriptors that came for a message, if any did, and says which numbers they got.</summary>
    public ReceivedMessage Install(KdbusMsgInfo at)
    {
        int[] numbers = Channel.Take(at.Offset);
        if (numbers.Length > 0)
            Assert.Equal(Errno.OK, FdsInstalled(at.Offset, numbers));
        return Message(at);
    }

    /// <summary>FDS_INSTALLED.</summary>
    public Errno FdsInstalled(ulong offset, params ReadOnlySpan<int> numbers) => Handle.Run(Command.FdsInstalled, FdsInstalledCommand(offset, numbers)).Result;

    /// <summary>A FDS_INSTALLED with the item it must have.</summary>
    public static WireStruct FdsInstalledCommand(ulong offset, params ReadOnlySpan<int> numbers) =>
        WireStruct.Of(new KdbusCmdFdsInstalled { Offset = offset }).Item(ItemType.Fds, System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers));

    /// <summary>A synchronous call by a thread of its own, with a socket on which the descriptors of the reply are to come.</summary>
    public SynchronousCall CallOn(int socket, Action<OutgoingMessage> build) => Call(build, cancel: null, socket);
}
