using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Commands;

/// <summary>
/// EXCHANGE, in the pieces in which it is let into the engine: it begins by giving slices back, each message that it sends is a SEND, and
/// at last it receives, or waits.
/// </summary>
internal static class ExchangeCommand
{
    /// <summary>
    /// EINVAL for flags, items and room that do not belong together; ENXIO for a slice that is not the caller's, those before it are given
    /// back. A command that is repeated after a signal has given back what it names.
    /// </summary>
    public static Errno Begin(ref Invocation call, Connection connection)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdExchange>();
        var flags = (ExchangeFlags)cmd.Flags;
        var items = call.Frame.Items<KdbusCmdExchange>();
        if (flags.HasFlag(ExchangeFlags.SyncReply) && flags.HasFlag(ExchangeFlags.Recv)) return Errno.EINVAL;
        if (flags.HasFlag(ExchangeFlags.UsePriority) && !flags.HasFlag(ExchangeFlags.Recv)) return Errno.EINVAL;
        if (!flags.HasFlag(ExchangeFlags.SyncReply) && CommandFrame.TryFind(items, ItemType.CancelFd, out _)) return Errno.EINVAL;
        if (flags.HasFlag(ExchangeFlags.SyncReply) && cmd.MsgsSize == 0) return Errno.EINVAL;
        if ((flags & (ExchangeFlags.SyncReply | ExchangeFlags.Recv)) != 0 && call.Answer.Length < AnswerRoom.RecordSize) return Errno.EINVAL;
        if (cmd.Progress != 0 || !CommandFrame.TryFind(items, ItemType.Free, out var item)) return Errno.OK;

        foreach (var offset in MemoryMarshal.Cast<byte, ulong>(item.Payload))
        {
            var result = ConnectionCommands.Free(connection, offset);
            if (result != Errno.OK) return result;
        }

        return Errno.OK;
    }

    /// <summary>Whoever has to be told that a message was not sent does not wait for something else.</summary>
    public static bool Waits(in KdbusCmdExchange cmd) => cmd.WaitNs != 0 && cmd.Error == 0;

    /// <summary>Takes what is there, or lets the caller wait.</summary>
    public static Outcome Receive(Domain domain, ref Invocation call, Connection connection)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdExchange>();
        var wish = new Wish(
            call.View,
            connection.Flags.HasFlag(HelloFlags.AcceptFd) ? Replies.WayOf(call) : Files.DescriptorWay.Declined,
            ((ExchangeFlags)cmd.Flags).HasFlag(ExchangeFlags.UsePriority),
            cmd.Priority,
            cmd.MaxMsgs == 0 ? uint.MaxValue : cmd.MaxMsgs);
        if (Waits(cmd) && connection.Dropped == 0 && cmd.WaitNs > call.Now.Monotonic && Receiving.Choose(connection, wish) == null)
        {
            domain.WaitingCalls.Add(connection, call.Request, wish, cmd.WaitNs > long.MaxValue ? ulong.MaxValue : cmd.WaitNs);
            return new Outcome { Kind = OutcomeKind.Pending };
        }

        var reception = Receiving.Take(domain, connection, wish, call.Answer, call.Now, out var handout, out var published);
        return new Outcome { Reception = reception, Handout = handout, Published = published };
    }
}
