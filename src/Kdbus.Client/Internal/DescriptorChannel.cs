using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Client.Internal;

/// <summary>
/// A pair of sockets over which the bus sends the descriptors of a message that one thread receives (item FD_SOCKET). Each thread has its own, so nobody
/// takes what is meant for another one; it is closed when its thread has ended.
/// </summary>
internal sealed class DescriptorChannel : IDisposable
{
    [ThreadStatic]
    private static DescriptorChannel? t_own;

    private readonly SafeFileHandle _ours;
    private readonly SafeFileHandle _theirs;

    private DescriptorChannel(int ours, int theirs)
    {
        _ours = new SafeFileHandle(ours, ownsHandle: true);
        _theirs = new SafeFileHandle(theirs, ownsHandle: true);
    }

    /// <summary>This thread's; null if the process has no descriptors left for one.</summary>
    public static DescriptorChannel? OfThread
    {
        get
        {
            if (t_own is null && DescriptorSocket.CreateMessagePair(out int ours, out int theirs) == 0)
                t_own = new DescriptorChannel(ours, theirs);
            return t_own;
        }
    }

    /// <summary>The end at which the bus puts them in.</summary>
    public int Theirs => (int)_theirs.DangerousGetHandle();

    /// <inheritdoc/>
    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
    }

    /// <summary>Takes those of the message at an offset; how many came.</summary>
    /// <param name="offset">Where it lies in the pool.</param>
    /// <param name="numbers">Room for 253.</param>
    public int Take(ulong offset, Span<int> numbers)
    {
        KdbusFdMessage head = default;
        while (true)
        {
            int result = DescriptorSocket.ReceiveMessage((int)_ours.DangerousGetHandle(), MemoryMarshal.AsBytes(new Span<KdbusFdMessage>(ref head)), numbers, out int count);
            if (result <= 0)
                return 0;
            if (head.Offset == offset)
                return count;
            // Of a message whose command failed after they had been sent.
            foreach (int stray in numbers[..count])
                _ = FileDescriptor.Close(stray);
        }
    }
}
