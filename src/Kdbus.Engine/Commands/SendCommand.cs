using Kdbus.Abi;
using Kdbus.Engine.Files;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Names;
using Kdbus.Engine.Policy;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Commands;

/// <summary>
/// SEND: finds who is to get the message, asks the policy, and has it delivered. A message that passed the checks on its
/// sender's side is seen by the monitors, also if its receiver has no room for it.
/// </summary>
internal static class SendCommand
{
    public static Errno Run(Domain domain, ref Invocation call, Connection sender, ref Outcome outcome)
    {
        var files = MessageFiles.Of(domain, sender.User, call);
        var result = Run(domain, ref call, sender, files, ref outcome);
        files?.Release();
        return result;
    }

    private static Errno Run(Domain domain, ref Invocation call, Connection sender, MessageFiles? files, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdSend>();
        var flags = (SendFlags)cmd.Flags;
        if (call.CancelDescriptor != Errno.OK) return call.CancelDescriptor;

        var result = MessageImport.Read(domain, sender, call, files, out var import);
        if (result != Errno.OK) return result;
        if (import.IsBroadcast) return Broadcast(domain, ref call, sender, in import, ref outcome);

        if (flags.HasFlag(SendFlags.SyncReply))
        {
            if (sender.Requests.FindInterrupted(import.Header.Cookie) is { } interrupted)
            {
                return Resume(domain, ref call, interrupted, ref outcome);
            }

            if (Replies.IsPast(import.Header.TimeoutNs, call.Now)) return Errno.ETIMEDOUT;
        }

        result = FindReceiver(sender, import, out var receiver, out var name);
        if (result != Errno.OK) return result;
        if (import.IsSignal) return Signal(domain, ref call, sender, receiver, name, in import, ref outcome);

        return import.Header.CookieReply != 0 && !import.ExpectsReply
            ? Reply(domain, ref call, sender, receiver, name, in import, ref outcome)
            : Unicast(domain, ref call, sender, receiver, name, flags, in import, ref outcome);
    }

    private static Errno Unicast(
        Domain domain,
        ref Invocation call,
        Connection sender,
        Connection receiver,
        NameEntry? name,
        SendFlags flags,
        scoped in MessageImport import,
        ref Outcome outcome)
    {
        if (!Permission.MayTalk(sender, call.Caller, receiver)) return Errno.EPERM;

        if (import.ExpectsReply)
        {
            var taken = domain.Replies.TakeSlot(sender);
            if (taken != Errno.OK) return taken;
        }

        var transfer = Transfer.Of(domain, sender);
        if (import.ExpectsReply)
        {
            transfer.Request = domain.Replies.Prepare(
                sender, receiver, name, import.Header.Cookie, import.Header.TimeoutNs, flags.HasFlag(SendFlags.SyncReply));
        }

        Deliveries.ToMonitors(domain, transfer, in import);
        Deliveries.ToAddressee(domain, transfer, receiver, name, in import);
        return Deliveries.Begin(domain, ref call, transfer, ref outcome);
    }

    private static Errno Reply(
        Domain domain,
        ref Invocation call,
        Connection sender,
        Connection receiver,
        NameEntry? name,
        scoped in MessageImport import,
        ref Outcome outcome)
    {
        // The tracker is the permission; it is used up whatever comes of the reply.
        if (receiver.Requests.Find(sender, import.Header.CookieReply) is not { } tracker) return Errno.EPERM;
        var transfer = Transfer.Of(domain, sender);
        if (domain.Replies.Take(tracker))
        {
            transfer.AnswerTo = tracker;
            name = null; // who waits gets it, whoever owns the name by then
        }

        Deliveries.ToMonitors(domain, transfer, in import);
        Deliveries.ToAddressee(domain, transfer, receiver, name, in import);
        return Deliveries.Begin(domain, ref call, transfer, ref outcome);
    }

    /// <summary>To one connection, which gets it if it has asked for such signals and may talk to the sender.</summary>
    private static Errno Signal(
        Domain domain,
        ref Invocation call,
        Connection sender,
        Connection receiver,
        NameEntry? name,
        scoped in MessageImport import,
        ref Outcome outcome)
    {
        var transfer = Transfer.Of(domain, sender);
        Deliveries.ToMonitors(domain, transfer, in import);
        if (receiver.Matches.Passes(import.AsSubject(sender)) && Permission.MayTalk(receiver, receiver.Creator, sender))
        {
            Deliveries.ToListener(domain, transfer, receiver, name, in import);
        }

        return Deliveries.Begin(domain, ref call, transfer, ref outcome);
    }

    private static Errno Broadcast(
        Domain domain, ref Invocation call, Connection sender, scoped in MessageImport import, ref Outcome outcome)
    {
        var transfer = Transfer.Of(domain, sender);
        Deliveries.ToMonitors(domain, transfer, in import);
        var listeners = domain.Listeners;
        sender.Bus.Matching.Collect(import.AsSubject(sender), listeners);
        foreach (var listener in listeners)
        {
            if (listener == sender || !Permission.MayTalk(listener, listener.Creator, sender)) continue;
            if (!Deliveries.ToListener(domain, transfer, listener, name: null, in import)) Queueing.Lose(domain, listener);
        }

        listeners.Clear();
        return Deliveries.Begin(domain, ref call, transfer, ref outcome);
    }

    private static Errno Resume(Domain domain, ref Invocation call, ReplyTracker interrupted, ref Outcome outcome)
    {
        if (!domain.Replies.Resume(interrupted, call, out var completion))
        {
            outcome.Kind = OutcomeKind.Pending;
            return Errno.OK;
        }

        if (completion.Result == Errno.OK) Deliveries.StoreReply(ref call, completion.Reply, ref outcome);
        outcome.Reception = completion.Reception;
        outcome.Published = completion.Published;
        outcome.Handout = completion.Handout;
        return completion.Result;
    }

    private static Errno FindReceiver(Connection sender, scoped in MessageImport import, out Connection receiver, out NameEntry? name)
    {
        receiver = null!;
        name = null;
        var id = import.Header.DstId;
        if (import.DstName.IsEmpty)
        {
            if (sender.Bus.FindConnection(id) is not { Kind: ConnectionKind.Ordinary } found) return Errno.ENXIO;
            receiver = found;
            return Errno.OK;
        }

        name = sender.Bus.Names.Find(import.DstName);
        if (name == null) return Errno.ESRCH;
        receiver = name.Owner;
        if (id != Constants.DstIdName && id != receiver.Id) return Errno.EREMCHG;
        return import.Flags.HasFlag(MessageFlags.NoAutoStart) && name.IsHeldByActivator ? Errno.EADDRNOTAVAIL : Errno.OK;
    }
}
