using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>A pair of unix sockets on which a process has descriptors sent to itself. A command names the one, the process reads the other.</summary>
public sealed class DescriptorChannel
{
    private readonly IProcess _process;
    private readonly int _near;

    public DescriptorChannel(IProcess process, int type = Sockets.SequentialPackets)
    {
        _process = process;
        Assert.Equal(0, process.SocketPair(type | Sockets.NonBlocking, out _near, out int far));
        Socket = far;
    }

    /// <summary>The one that commands name.</summary>
    public int Socket { get; }

    /// <summary>
    /// The numbers of the descriptors that came for the message at an offset, -1 for each that there was no room for; none if nothing came.
    /// </summary>
    public int[] Take(ulong offset)
    {
        KdbusFdMessage message = default;
        int size = _process.ReceiveDescriptors(_near, MemoryMarshal.AsBytes(new Span<KdbusFdMessage>(ref message)), out int[] numbers);
        if (size == -(int)Errno.EAGAIN)
            return [];
        Assert.Equal((16, offset, 0U), (size, message.Offset, message.Pad));
        Assert.InRange(numbers.Length, 0, (int)message.Count);
        return [.. numbers, .. Enumerable.Repeat(-1, (int)message.Count - numbers.Length)];
    }

    /// <summary>Nothing came.</summary>
    public void IsEmpty() => Assert.Equal(-(int)Errno.EAGAIN, _process.ReceiveDescriptors(_near, new byte[16], out _));

    /// <summary>Fills it, so that nothing more can be sent without waiting.</summary>
    public void Fill()
    {
        while (_process.Write(Socket, new byte[4096]) > 0)
        {
        }
    }

    /// <summary>Closes both.</summary>
    public void Close()
    {
        Assert.Equal(0, _process.Close(_near));
        Assert.Equal(0, _process.Close(Socket));
    }
}
