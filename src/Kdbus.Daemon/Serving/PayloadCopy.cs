using Kdbus.Abi;
using Kdbus.Engine.Messages;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>Brings a large payload to where room is reserved for it, between the decision about a message and its commit.</summary>
internal sealed class PayloadCopy(FuseSession session)
{
    /// <summary>The pools stay mapped until <see cref="End"/>, whoever leaves meanwhile; both only under the lock.</summary>
    public static void Pin(Transfer transfer)
    {
        foreach (var delivery in transfer.Deliveries) ((PoolFile)delivery.Memory).Pin();
    }

    /// <summary>
    /// Ends the transfer, not before the commit: a message that goes with its name is read from the pool of one who may have left.
    /// </summary>
    public static void End(Transfer transfer)
    {
        foreach (var delivery in transfer.Deliveries) ((PoolFile)delivery.Memory).Unpin();
        transfer.End();
    }

    /// <summary>Copies straight into the pool if the message goes to one only: OK, EFAULT, EINTR, EUSERS.</summary>
    public Errno Run(Transfer transfer, in CommandFetch fetch, ReadOnlySpan<byte> message, in BlockingCaller caller)
    {
        if (!session.EnterBlocking(caller)) return CommandService.TooManyStuck;
        var copied = transfer.IsDirect
            ? fetch.Copy(message, (PoolFile)transfer.Deliveries[0].Memory, transfer.Deliveries[0].AreaOffset)
            : fetch.Copy(message, transfer);
        session.LeaveBlocking();
        return copied;
    }
}
