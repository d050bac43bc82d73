using Kdbus.Abi;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Names;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Commands;

/// <summary>
/// How a message gets to where it goes: room is reserved in all places, the payload is brought there - at once if it is
/// here, by whoever drives the engine if it still is in the sender's memory - and it is queued everywhere or given up.
/// </summary>
internal static class Deliveries
{
    /// <summary>Every monitor gets a copy; one that has no room loses it.</summary>
    public static void ToMonitors(Domain domain, Transfer transfer, scoped in MessageImport import)
    {
        foreach (var monitor in transfer.Sender.Bus.Monitors)
        {
            if (!ToListener(domain, transfer, monitor, name: null, in import)) Queueing.Lose(domain, monitor);
        }
    }

    /// <summary>One that listens, and of whose luck the sender is told nothing; false if it has no room.</summary>
    public static bool ToListener(
        Domain domain, Transfer transfer, Connection listener, NameEntry? name, scoped in MessageImport import) =>
        Queueing.Reserve(domain, transfer, listener, import, name, out _) == Errno.OK;

    /// <summary>The one the message is addressed to: whether it has room decides the result of the SEND.</summary>
    public static void ToAddressee(
        Domain domain, Transfer transfer, Connection receiver, NameEntry? name, scoped in MessageImport import)
    {
        transfer.Refused = Queueing.Reserve(domain, transfer, receiver, import, name, out var delivery);
        if (transfer.Refused == Errno.OK) transfer.Main = delivery;
        else GiveUpMain(domain, transfer, transfer.Refused);
    }

    /// <summary>Has the payload brought to the reserved places; on errors nothing stays reserved.</summary>
    public static Errno Begin(Domain domain, ref Invocation call, Transfer transfer, ref Outcome outcome)
    {
        if (transfer.Deliveries.Length > 0)
        {
            switch (call.PayloadPlace)
            {
                case PayloadPlace.Unreadable:
                    var unreadable = transfer.Refused != Errno.OK ? transfer.Refused : Errno.EFAULT;
                    Abandon(domain, transfer, unreadable);
                    Release(domain, transfer);
                    transfer.End();
                    return unreadable;
                case PayloadPlace.Remote:
                    transfer.FillAll(call.Message, payload: default);
                    foreach (var delivery in transfer.Deliveries) delivery.Message.Name?.InFlight.Add(delivery);
                    outcome.Kind = OutcomeKind.Copy;
                    outcome.Transfer = transfer;
                    return Errno.OK;
                default:
                    transfer.FillAll(call.Message, call.Payload);
                    break;
            }
        }

        var result = Deliver(domain, ref call, transfer, ref outcome);
        Release(domain, transfer);
        transfer.End();
        return result;
    }

    /// <summary>The payload of a message has been copied, or has failed to be.</summary>
    public static Outcome Finish(Domain domain, ref Invocation call, in Outcome begun, Errno copied)
    {
        var transfer = begun.Transfer!;
        foreach (var delivery in transfer.Deliveries) delivery.Message.Name?.InFlight.Remove(delivery);

        var outcome = new Outcome { Stores = begun.Stores };
        if (copied != Errno.OK)
        {
            Abandon(domain, transfer, copied);
            Release(domain, transfer);
            outcome.Result = copied;
            return outcome;
        }

        if (transfer.Main is { } main)
        {
            transfer.Refused = Deliverable(transfer, main, call.Now);
            if (transfer.Refused != Errno.OK)
            {
                Queueing.Discard(domain, main.Receiver, main.Message);
                GiveUpMain(domain, transfer, transfer.Refused);
            }
        }

        outcome.Result = Deliver(domain, ref call, transfer, ref outcome);
        Release(domain, transfer);
        return outcome;
    }

    /// <summary>A successful SEND that waits for nothing tells that there is no reply.</summary>
    public static void StoreReply(ref Invocation call, KdbusMsgInfo reply, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdSend>();
        var stands = cmd.Reply;
        if (stands.Offset == reply.Offset && stands.MsgSize == reply.MsgSize && stands.ReturnFlags == reply.ReturnFlags) return;
        cmd.Reply = reply;
        outcome.StoreResults(32, 24);
    }

    /// <summary>
    /// While the payload was being copied either side may have ended. So may the time of a call: it must not begin to wait
    /// only to be ended before anybody knows that it waits.
    /// </summary>
    private static Errno Deliverable(Transfer transfer, Delivery main, Instant now)
    {
        if (!main.Destination.Alive || transfer.AnswerTo is { Ended: true }) return Errno.ECONNRESET;
        if (transfer.Request is not { } request) return Errno.OK;
        if (!transfer.Sender.Alive) return Errno.ECONNRESET;
        // Who took over the name he asked does not answer himself; who was asked must still be there.
        if (main.Destination == transfer.Sender && !request.Answerer.Alive) return Errno.ECONNRESET;
        return request.Synchronous && Replies.IsPast(request.Deadline, now) ? Errno.ETIMEDOUT : Errno.OK;
    }

    private static Errno Deliver(Domain domain, ref Invocation call, Transfer transfer, ref Outcome outcome)
    {
        outcome.Kind = OutcomeKind.Done;
        var refused = transfer.Refused != Errno.OK;
        foreach (var delivery in transfer.Deliveries)
        {
            if (delivery == transfer.Main)
            {
                if (!refused) DeliverMain(domain, ref call, transfer, delivery, ref outcome);
            }
            else if (delivery.Destination.Alive)
            {
                Enqueue(domain, delivery);
            }
            else
            {
                Queueing.Discard(domain, delivery.Receiver, delivery.Message);
            }
        }

        if (refused) return transfer.Refused;
        if (outcome.Kind == OutcomeKind.Done) StoreReply(ref call, new KdbusMsgInfo { Offset = transfer.Sender.Pool.Size }, ref outcome);
        return Errno.OK;
    }

    private static void DeliverMain(Domain domain, ref Invocation call, Transfer transfer, Delivery delivery, ref Outcome outcome)
    {
        if (transfer.AnswerTo is { } waiter)
        {
            domain.Replies.FinishCall(waiter, Errno.OK, delivery.Message);
            return;
        }

        if (transfer.Request is { } request)
        {
            request.Queued = true;
            delivery.Message.Request = request;
            // As with requests that are queued when a name is taken over: nobody answers himself.
            if (delivery.Destination != request.Requester) request.Answerer = delivery.Destination;
            domain.Replies.Start(request, call);
            if (request.Synchronous) outcome.Kind = OutcomeKind.Pending;
        }

        Enqueue(domain, delivery);
        if (domain.NextDeadline <= call.Now.Monotonic) domain.Advance(call.Now);
    }

    private static void Enqueue(Domain domain, Delivery delivery)
    {
        var stays = delivery.Destination == delivery.Receiver || HandOver.Redirect(domain, delivery);
        if (stays) Queueing.Append(domain, delivery.Destination, delivery.Message);
    }

    private static void Abandon(Domain domain, Transfer transfer, Errno reason)
    {
        foreach (var delivery in transfer.Deliveries) Queueing.Discard(domain, delivery.Receiver, delivery.Message);
        if (transfer.Main != null) GiveUpMain(domain, transfer, reason);
    }

    /// <summary>The addressee will not get the message: what hung on that is over.</summary>
    private static void GiveUpMain(Domain domain, Transfer transfer, Errno reason)
    {
        if (transfer.Request is { } request)
        {
            transfer.Sender.RequestSlots--;
            transfer.Request = null;
            domain.Replies.NeverSent(request);
        }

        if (transfer.AnswerTo is { Ended: false } waiter) domain.Replies.FinishCall(waiter, ToldToWaiter(reason));
    }

    /// <summary>The transfer is over: it has nothing to do any more with the request it was or the one it answers.</summary>
    private static void Release(Domain domain, Transfer transfer)
    {
        if (transfer.Request is { } request) domain.Replies.Arrived(request);
        if (transfer.AnswerTo is { } waiter) domain.Replies.Arrived(waiter);
        transfer.Request = transfer.AnswerTo = null;
    }

    /// <summary>What becomes of a call whose answer found no way. A signal at the answerer says nothing but that there will be none.</summary>
    private static Errno ToldToWaiter(Errno reason) => reason switch
    {
        Errno.EINTR => Errno.EPIPE,
        Errno.ECOMM => Errno.EREMOTEIO,
        _ => reason,
    };
}
