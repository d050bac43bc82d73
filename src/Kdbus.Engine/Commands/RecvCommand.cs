using Kdbus.Abi;
using Kdbus.Engine.Files;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Commands;

/// <summary>RECV: takes a message out of the queue, looks at it, or throws it away. It never waits.</summary>
internal static class RecvCommand
{
    public static Errno Run(Domain domain, ref Invocation call, Connection connection, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdRecv>();
        var flags = (RecvFlags)cmd.Flags;
        if (flags.HasFlag(RecvFlags.Drop | RecvFlags.UsePriority)) return Errno.EINVAL;

        connection.LastRead = call.Now.Monotonic;
        var message = Choose(connection, cmd);
        cmd.Msg = new KdbusMsgInfo { Offset = connection.Pool.Size };
        if (message != null)
        {
            if (flags.HasFlag(RecvFlags.Drop)) Drop(domain, connection, message, call.Now);
            else cmd.Msg = Receive(domain, connection, message, flags.HasFlag(RecvFlags.Peek), call, ref outcome);
        }

        cmd.DroppedMsgs = connection.Dropped;
        if (connection.Dropped > 0)
        {
            cmd.ReturnFlags = (ulong)RecvReturnFlags.DroppedMsgs;
            outcome.StoreReturnFlags();
            connection.Dropped = 0;
        }

        outcome.StoreResults(32, 32);
        return message == null ? Errno.EAGAIN : Errno.OK;
    }

    /// <summary>The message that the command means, if there is one.</summary>
    public static QueuedMessage? Choose(Connection connection, in KdbusCmdRecv cmd) =>
        ((RecvFlags)cmd.Flags).HasFlag(RecvFlags.UsePriority) ? connection.Queue.MostUrgent(cmd.Priority) : connection.Queue.First;

    private static KdbusMsgInfo Receive(
        Domain domain, Connection connection, QueuedMessage message, bool peek, scoped in Invocation call, ref Outcome outcome)
    {
        var way = peek || !connection.Flags.HasFlag(HelloFlags.AcceptFd) ? DescriptorWay.Declined : Replies.WayOf(call);
        var info = Queueing.Publish(domain, connection, message, call.View, way, out var handout);
        outcome.Handout = handout;
        outcome.Published = new PoolRange(info);
        if (!peek) Queueing.Remove(domain, connection, message);
        return info;
    }

    private static void Drop(Domain domain, Connection connection, QueuedMessage message, Instant now)
    {
        var unanswered = message.Request is { Ended: false, IsExpected: true } tracker ? tracker : null;
        Queueing.Remove(domain, connection, message);
        if (unanswered != null) domain.Replies.NoAnswer(unanswered, now);
    }
}
