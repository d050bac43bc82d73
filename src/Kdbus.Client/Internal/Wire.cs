using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Client.Internal;

/// <summary>How messages get to the bus and back. Results are 0 or -errno, those of the bus.</summary>
internal abstract unsafe class Wire(BusConnection connection, IEndpointFile file, Pool pool)
{
    /// <summary>The endpoint.</summary>
    protected IEndpointFile File { get; } = file;

    /// <summary>Where the bus puts what it returns.</summary>
    public Pool Pool { get; } = pool;

    /// <summary>Who it works for.</summary>
    protected BusConnection Connection { get; } = connection;

    /// <summary>Whether messages can wait for the next <see cref="Receive"/> and go with it.</summary>
    public abstract bool SendsWithReceive { get; }

    /// <summary>Sends one message.</summary>
    public int Send(in Draft draft)
    {
        Draft moved = draft;
        using MemfdPayload? large = MoveLarge(ref moved);
        return SendOne(ref moved);
    }

    /// <summary>Sends a request and waits for the answer.</summary>
    /// <param name="draft">The request.</param>
    /// <param name="cancel">A descriptor that ends the waiting when it becomes readable (-ECANCELED), or -1.</param>
    /// <param name="answer">With 0: the answer.</param>
    public int Call(in Draft draft, int cancel, out MessageSlot? answer)
    {
        answer = null;
        if (!Pool.TryUse())
            return -(int)Errno.ECONNRESET;
        try
        {
            Draft moved = draft;
            using MemfdPayload? large = MoveLarge(ref moved);
            return CallOne(ref moved, cancel, out answer);
        }
        finally
        {
            Pool.Release();
        }
    }

    /// <summary>Sends what has been put off, and receives; waits until there is something.</summary>
    /// <param name="outgoing">What has been put off, or null.</param>
    /// <param name="arrived">Takes what was received; that can be nothing.</param>
    /// <param name="dropped">Signals lost since the last time.</param>
    public abstract int Receive(Outgoing? outgoing, Queue<MessageSlot> arrived, out ulong dropped);

    /// <summary>Sends what has been put off.</summary>
    public abstract int Flush(Outgoing outgoing);

    /// <summary>Issues a command that has nothing behind its struct.</summary>
    public int Issue<T>(Command command, ref T argument)
        where T : unmanaged
    {
        fixed (T* address = &argument)
            return Issue((uint)command, address);
    }

    /// <summary>Issues a command with what is behind its struct.</summary>
    public int Issue(Command command, byte[] argument)
    {
        fixed (byte* address = argument)
            return Issue((uint)command, address);
    }

    /// <summary>Sends a message that the bus can take as it is.</summary>
    protected abstract int SendOne(ref Draft draft);

    /// <summary>The same, with a request and its answer.</summary>
    protected abstract int CallOne(ref Draft draft, int cancel, out MessageSlot? answer);

    /// <summary>Issues a command again and again as long as signals interrupt it.</summary>
    protected int Issue(uint command, void* argument)
    {
        int result;
        do
        {
            result = File.Ioctl(command, argument);
        }
        while (result == -SystemError.EINTR);
        return result;
    }

    // The bus copies no more than 2 MiB of a message.
    private static MemfdPayload? MoveLarge(ref Draft draft)
    {
        if ((ulong)draft.Payload.Length <= Limits.MsgMaxPayloadVecSize)
            return null;
        MemfdPayload memfd = MemfdPayload.Create(draft.Payload);
        draft.Payload = default;
        draft.Memfds = [memfd, .. draft.Memfds ?? []];
        return memfd;
    }

    /// <summary>The message that lies in the pool, with the descriptors that came over this thread's channel.</summary>
    protected MessageSlot InPool(in KdbusMsgInfo info, DescriptorChannel? channel)
    {
        MessageSlot slot = Connection.NewSlot();
        if (channel is null)
        {
            slot.Open(Pool, info, []);
        }
        else
        {
            Span<int> numbers = stackalloc int[DescriptorSocket.MostDescriptors];
            slot.Open(Pool, info, numbers[..channel.Take(info.Offset, numbers)]);
        }
        return slot;
    }
}
