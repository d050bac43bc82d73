using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>
/// SEND: finds the receiver, asks the policy, reserves room, and queues the message - at once if the payload is here,
/// after <see cref="Finish"/> if it still has to be copied from the sender's memory.
/// </summary>
internal static class SendCommand
{
    public static Errno Run(Domain domain, ref Invocation call, Connection sender, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdSend>();
        var flags = (SendFlags)cmd.Flags;
        if (call.CancelDescriptor != Errno.OK) return call.CancelDescriptor;

        var result = MessageImport.Read(domain, sender, flags, cmd.MsgAddress, call.Message, out var import);
        if (result != Errno.OK) return result;
        if (import.IsBroadcast) return Accepted(ref call, sender, ref outcome); // nobody has a match

        if (flags.HasFlag(SendFlags.SyncReply))
        {
            if (sender.Requests.FindInterrupted(import.Header.Cookie) is { } interrupted)
            {
                return Resume(domain, ref call, interrupted, ref outcome);
            }

            if (IsPast(import.Header.TimeoutNs, call.Now)) return Errno.ETIMEDOUT;
        }

        result = FindReceiver(sender, import, out var receiver);
        if (result != Errno.OK) return result;
        if (import.IsSignal) return Accepted(ref call, sender, ref outcome); // the receiver has no match

        return import.Header.CookieReply != 0 && !import.ExpectsReply
            ? Reply(domain, ref call, sender, receiver, in import, ref outcome)
            : Unicast(domain, ref call, sender, receiver, flags, in import, ref outcome);
    }

    /// <summary>Queues a message whose payload has been copied, or gives back what it had reserved.</summary>
    public static Outcome Finish(Domain domain, ref Invocation call, in Outcome begun, Errno copied)
    {
        var delivery = begun.Delivery!;
        var outcome = new Outcome { Stores = begun.Stores };
        outcome.Result = copied == Errno.OK ? Deliverable(delivery, call.Now) : copied;
        if (outcome.Result == Errno.OK) Deliver(domain, ref call, delivery, ref outcome);
        else Abandon(domain, delivery, outcome.Result);
        return outcome;
    }

    private static Errno Unicast(
        Domain domain, ref Invocation call, Connection sender, Connection receiver, SendFlags flags, scoped in MessageImport import, ref Outcome outcome)
    {
        if (!MayTalk(sender, receiver, call.Caller)) return Errno.EPERM;

        ReplyTracker? request = null;
        if (import.ExpectsReply)
        {
            var taken = Replies.TakeSlot(sender);
            if (taken != Errno.OK) return taken;
            request = new ReplyTracker(
                sender, receiver, import.Header.Cookie, import.Header.TimeoutNs, flags.HasFlag(SendFlags.SyncReply));
        }

        var result = Begin(domain, ref call, sender, receiver, import, request, answerTo: null, ref outcome);
        if (result != Errno.OK && request != null) sender.RequestSlots--;
        return result;
    }

    private static Errno Reply(
        Domain domain, ref Invocation call, Connection sender, Connection receiver, scoped in MessageImport import, ref Outcome outcome)
    {
        // The tracker is the permission; it is used up whatever comes of the reply.
        if (receiver.Requests.Find(sender, import.Header.CookieReply) is not { } tracker) return Errno.EPERM;
        domain.Replies.Take(tracker);
        var answerTo = tracker.Synchronous ? tracker : null;
        var result = Begin(domain, ref call, sender, receiver, import, request: null, answerTo, ref outcome);
        if (result != Errno.OK && answerTo != null) domain.Replies.FinishCall(answerTo, result);
        return result;
    }

    /// <summary>Reserves room at the receiver and, if the payload is here, delivers; on errors nothing is reserved.</summary>
    private static Errno Begin(
        Domain domain,
        ref Invocation call,
        Connection sender,
        Connection receiver,
        scoped in MessageImport import,
        ReplyTracker? request,
        ReplyTracker? answerTo,
        ref Outcome outcome)
    {
        var metadata = new Metadata(domain, sender, receiver, import.Sequence, call.Now);
        var result = Queueing.Reserve(receiver, sender.User, import, metadata, out var message, out var areaOffset);
        if (result != Errno.OK) return result;

        var delivery = new Delivery(sender, receiver, message, areaOffset) { Request = request, AnswerTo = answerTo };
        switch (call.PayloadPlace)
        {
            case PayloadPlace.Unreadable:
                Queueing.Settle(receiver, message);
                return Errno.EFAULT;
            case PayloadPlace.Remote:
                outcome.Kind = OutcomeKind.Copy;
                outcome.Delivery = delivery;
                return Errno.OK;
            default:
                import.CopyPayload(call.Payload, receiver.Pool.Memory, areaOffset);
                Deliver(domain, ref call, delivery, ref outcome);
                return Errno.OK;
        }
    }

    /// <summary>
    /// While the payload was being copied either side may have ended. So may the time of a call: it must not begin to wait
    /// only to be ended before anybody knows that it waits.
    /// </summary>
    private static Errno Deliverable(Delivery delivery, Instant now)
    {
        if (!delivery.Receiver.Alive || delivery.AnswerTo is { Ended: true }) return Errno.ECONNRESET;
        if (delivery.Request is not { } request) return Errno.OK;
        if (!delivery.Sender.Alive) return Errno.ECONNRESET;
        return request.Synchronous && IsPast(request.Deadline, now) ? Errno.ETIMEDOUT : Errno.OK;
    }

    private static void Deliver(Domain domain, ref Invocation call, Delivery delivery, ref Outcome outcome)
    {
        outcome.Kind = OutcomeKind.Done;
        if (delivery.AnswerTo is { } waiter)
        {
            domain.Replies.FinishCall(waiter, Errno.OK, delivery.Message);
        }
        else
        {
            var request = delivery.Request;
            if (request != null)
            {
                request.Queued = true;
                delivery.Message.Request = request;
                domain.Replies.Start(request, call.Request);
                if (request.Synchronous) outcome.Kind = OutcomeKind.Pending;
            }

            Queueing.Append(domain, delivery.Receiver, delivery.Message);
            if (NeedsAdvance(domain, call.Now)) domain.Advance(call.Now);
        }

        if (outcome.Kind == OutcomeKind.Done) Accepted(ref call, delivery.Sender, ref outcome);
    }

    private static void Abandon(Domain domain, Delivery delivery, Errno reason)
    {
        Queueing.Settle(delivery.Receiver, delivery.Message);
        if (delivery.Request != null) delivery.Sender.RequestSlots--;
        // A signal at the answerer says nothing to the waiter but that there will be no answer.
        if (delivery.AnswerTo is { Ended: false } waiter) domain.Replies.FinishCall(waiter, reason == Errno.EINTR ? Errno.EPIPE : reason);
    }

    private static Errno Resume(Domain domain, ref Invocation call, ReplyTracker interrupted, ref Outcome outcome)
    {
        if (!domain.Replies.Resume(interrupted, call.Request, out var completion))
        {
            outcome.Kind = OutcomeKind.Pending;
            return Errno.OK;
        }

        if (completion.Result == Errno.OK) StoreReply(ref call, completion.Reply, ref outcome);
        outcome.Published = new PoolRange(completion.Reply.Offset, completion.Reply.MsgSize);
        return completion.Result;
    }

    /// <summary>A successful SEND that waits for nothing tells that there is no reply.</summary>
    private static Errno Accepted(ref Invocation call, Connection sender, ref Outcome outcome)
    {
        StoreReply(ref call, new KdbusMsgInfo { Offset = sender.Pool.Size }, ref outcome);
        return Errno.OK;
    }

    private static void StoreReply(ref Invocation call, KdbusMsgInfo reply, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdSend>();
        var stands = cmd.Reply;
        if (stands.Offset == reply.Offset && stands.MsgSize == reply.MsgSize && stands.ReturnFlags == reply.ReturnFlags) return;
        cmd.Reply = reply;
        outcome.StoreResults(32, 24);
    }

    private static Errno FindReceiver(Connection sender, scoped in MessageImport import, out Connection receiver)
    {
        receiver = null!;
        if (!import.DstName.IsEmpty) return Errno.ESRCH;
        if (sender.Bus.FindConnection(import.Header.DstId) is not { } found) return Errno.ENXIO;
        receiver = found;
        return Errno.OK;
    }

    /// <summary>
    /// Privileged connections talk to everybody, others to connections of their own user; through a custom endpoint
    /// nobody is reached whose names its policy does not open.
    /// </summary>
    private static bool MayTalk(Connection sender, Connection receiver, in Caller caller)
    {
        if (sender.Endpoint.IsCustom) return false;
        return sender.Privileged || caller.Euid == receiver.Creator.Uid;
    }

    private static bool IsPast(ulong deadline, Instant now) => deadline > long.MaxValue || deadline <= now.Monotonic;

    private static bool NeedsAdvance(Domain domain, Instant now) => domain.NextDeadline <= now.Monotonic;
}
