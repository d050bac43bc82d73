using Kdbus.Abi;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>Takes in the descriptor that a command names in a CANCEL_FD item, and closes it if the command did not wait after all.</summary>
internal sealed class CancelIntake(ICallers callers, FuseSession session, CancelWatch cancels)
{
    /// <summary>
    /// Finds what is behind the number. A call that waits will have it watched; any other only must have named one that could
    /// be. May block: only inside a blocking section.
    /// </summary>
    public Errno Take(in RequestContext context, ReadOnlySpan<byte> items, bool waits, FuseReply reply, out CancelDescriptor? cancel)
    {
        cancel = null;
        if (reply.IsAnswered || !CommandFetch.TryFind(items, ItemType.CancelFd, out var item)) return Errno.OK;
        var result = callers.CopyDescriptor(context.Pid, item.As<int>(), out var copy);
        if (result != Errno.OK) return result;
        return waits ? cancels.Watch(context.Uid, copy, context.Unique, out cancel) : CancelWatch.Probe(copy);
    }

    /// <summary>The call that it was meant for does not wait.</summary>
    public void Close(CancelDescriptor cancel, in BlockingCaller caller)
    {
        if (!session.EnterBlocking(caller))
        {
            cancel.CloseLater();
            return;
        }

        cancel.Close();
        session.LeaveBlocking();
    }
}
