using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>The way of descriptors from the bus to a caller: on a socket from the bus to us, by seccomp to him, and their numbers to the
/// bus.</summary>
internal sealed unsafe class Delivery : IDisposable
{
    private readonly int[] _received = new int[DescriptorSocket.MostDescriptors];
    private readonly byte[] _command = GC.AllocateUninitializedArray<byte>(
        sizeof(KdbusCmdFdsInstalled) + Item.SizeInChain(DescriptorSocket.MostDescriptors * sizeof(int)), pinned: true);
    private readonly int _ours;

    private Delivery(int ours, int theirs)
    {
        _ours = ours;
        Socket = theirs;
    }

    /// <summary>Where the bus is to send descriptors.</summary>
    internal int Socket { get; }

    /// <summary>A new one: 0, or -errno.</summary>
    internal static int Create(out Delivery? delivery)
    {
        int error = DescriptorSocket.CreateMessagePair(out int ours, out int theirs);
        delivery = error < 0 ? null : new Delivery(ours, theirs);
        return error;
    }

    /// <summary>Gives a caller the descriptors that came with a message, if any did; false if he did not get all of them.</summary>
    /// <param name="listener">By which his call came.</param>
    /// <param name="call">His call.</param>
    /// <param name="file">A copy of his endpoint.</param>
    /// <param name="offset">Of the message in his pool.</param>
    internal bool Deliver(int listener, ulong call, int file, ulong offset)
    {
        bool complete = true;
        while (TryReceive(out KdbusFdMessage message, out int came))
        {
            if (message.Offset == offset)
                complete = Install(listener, call, file, message, came);
            Close(came);
        }
        return complete;
    }

    /// <summary>Throws away what may have come for nobody.</summary>
    internal void Drain()
    {
        while (TryReceive(out _, out int came))
            Close(came);
    }

    public void Dispose()
    {
        Drain();
        _ = FileDescriptor.Close(_ours);
        _ = FileDescriptor.Close(Socket);
    }

    private bool TryReceive(out KdbusFdMessage message, out int came)
    {
        message = default;
        return DescriptorSocket.ReceiveMessage(_ours, MemoryMarshal.AsBytes(new Span<KdbusFdMessage>(ref message)), _received, out came) > 0;
    }

    private bool Install(int listener, ulong call, int file, in KdbusFdMessage message, int came)
    {
        int count = (int)Math.Min(message.Count, (uint)_received.Length);
        bool complete = true;
        Span<int> numbers = stackalloc int[count];
        for (int i = 0; i < count; i++)
        {
            int number = i < came ? SeccompListener.AddDescriptor(listener, call, _received[i]) : -1;
            numbers[i] = Math.Max(number, -1);
            complete &= number >= 0;
        }
        return Tell(file, message.Offset, numbers) == 0 && complete;
    }

    private int Tell(int file, ulong offset, ReadOnlySpan<int> numbers)
    {
        var writer = new ItemWriter(_command.AsSpan(sizeof(KdbusCmdFdsInstalled)));
        writer.Write(ItemType.Fds, MemoryMarshal.AsBytes(numbers));
        var head = new KdbusCmdFdsInstalled { Size = (ulong)(sizeof(KdbusCmdFdsInstalled) + writer.Length), Offset = offset };
        MemoryMarshal.Write(_command, in head);
        int result;
        do
        {
            fixed (byte* address = _command)
                result = FileDescriptor.Ioctl(file, (uint)Command.FdsInstalled, address);
        }
        while (result == -SystemError.EINTR);
        return result;
    }

    private void Close(int count)
    {
        foreach (int descriptor in _received.AsSpan(0, count))
            _ = FileDescriptor.Close(descriptor);
    }
}
