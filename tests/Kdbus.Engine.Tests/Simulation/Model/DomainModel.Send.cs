namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A SEND as its caller issues it.</summary>
internal sealed class SendModel
{
    public required MessageModel Message { get; init; }

    public SendFlags Flags { get; init; }

    public PayloadPlace Place { get; init; }

    public Errno CancelDescriptor { get; init; }

    /// <summary>FDS items; a good message has one or none.</summary>
    public IReadOnlyList<FdsModel> Fds { get; init; } = [];

    /// <summary>The caller has said where descriptors can be sent to him.</summary>
    public bool TakesDescriptors { get; init; }

    /// <summary>src_id as given.</summary>
    public ulong Source { get; init; }

    public byte[]? Filter { get; init; }

    public ulong Generation { get; init; }

    /// <summary>EFAULT if not all of the message could be read, EINVAL if something stands behind its last item; or OK.</summary>
    public Errno Malformed { get; init; }
}

/// <summary>SEND.</summary>
internal sealed partial class DomainModel
{
    private readonly Dictionary<ulong, TransferModel> _transfers = [];

    /// <summary>SENDs whose payload is being copied.</summary>
    public IReadOnlyCollection<ulong> Copying => _transfers.Keys;

    public AnswerModel Send(ulong request, ConnectionModel sender, TaskModel task, SendModel sent)
    {
        var (message, caller) = (sent.Message, task.Caller);
        if (sent.CancelDescriptor != Errno.OK) return sent.CancelDescriptor;
        message.Sequence = ++LastId;
        message.Time = _now;
        message.Task = sender.Fakes == null ? task : null;
        var result = CheckForm(sender, sent);
        if (result != Errno.OK) return result;

        var expectsReply = message.Flags.HasFlag(MessageFlags.ExpectReply);
        var transfer = new TransferModel(message);
        if (message.Destination == ulong.MaxValue)
        {
            ToMonitors(sender, transfer);
            var signal = SignalOf(sender, sent);
            foreach (var connection in sender.Bus.Connections)
            {
                if (connection == sender || !connection.IsOrdinary || !connection.Matches.Exists(match => match.Passes(signal))) continue;
                if (!MayTalk(connection, connection.Creator, sender)) Count("broadcast kept back by policy");
                else if (!ToListener(transfer, connection, name: null)) Lose(connection);
                else Count(message.Memfds.Any() ? "broadcast with memfds" : "broadcast");
            }

            return Begin(request, sender, transfer, sent.Place);
        }

        if (sent.Flags.HasFlag(SendFlags.SyncReply))
        {
            if (sender.Requests.FindLast(each => each.Cookie == message.Cookie && each.Synchronous && each.Waiting == 0) is { } interrupted)
            {
                return Resume(interrupted, request, task, sent.TakesDescriptors);
            }

            if (IsPast(message.Last)) return Errno.ETIMEDOUT;
        }

        result = FindReceiver(sender, message, out var receiver, out var name);
        if (result != Errno.OK) return result;
        if (message.Flags.HasFlag(MessageFlags.Signal))
        {
            ToMonitors(sender, transfer);
            var wanted = receiver.Matches.Exists(match => match.Passes(SignalOf(sender, sent)));
            if (wanted && MayTalk(receiver, receiver.Creator, sender) && ToListener(transfer, receiver, name)) Count("signal");
            return Begin(request, sender, transfer, sent.Place);
        }

        if (message.Last != 0 && !expectsReply)
        {
            if (FindAnswered(receiver, sender, message.Last) is not { } answered) return Errno.EPERM;
            Take(answered);
            transfer.AnswerTo = answered.Synchronous ? answered : null;
            name = answered.Synchronous ? null : name;
            Count("reply");
        }
        else
        {
            if (!MayTalk(sender, caller, receiver)) return Errno.EPERM;
            if (expectsReply)
            {
                if (sender.Slots.Count >= limits.Requests) return Errno.EMLINK;
                transfer.Request = new TrackerModel(sender, receiver, name, message.Cookie, message.Last, sent.Flags.HasFlag(SendFlags.SyncReply)) { View = Waiter(sender, task), TakesDescriptors = sent.TakesDescriptors };
                sender.Slots.Add(transfer.Request);
            }
        }

        ToMonitors(sender, transfer);
        transfer.Refused = Reserve(receiver, message, sender.User, name, out var entry);
        if (transfer.Refused == Errno.OK) transfer.Deliveries.Add(transfer.Main = new DeliveryModel(receiver, entry));
        else GiveUpMain(transfer, transfer.Refused);
        return Begin(request, sender, transfer, sent.Place);
    }

    /// <summary>The copy has been made, or has failed.</summary>
    public AnswerModel Commit(ulong request, ConnectionModel sender, Instant now, Errno copied)
    {
        Arrive(now);
        _transfers.Remove(request, out var transfer);
        if (copied != Errno.OK)
        {
            Abandon(transfer!, copied);
            return copied;
        }

        if (transfer!.Main is { } main)
        {
            transfer.Refused = Deliverable(transfer, main, sender);
            if (transfer.Refused != Errno.OK)
            {
                Settle(main.Receiver, main.Entry);
                GiveUpMain(transfer, transfer.Refused);
            }
        }

        return Deliver(request, sender, transfer);
    }

    private Errno Deliverable(TransferModel transfer, DeliveryModel main, ConnectionModel sender)
    {
        if (!main.Destination.Alive || transfer.AnswerTo is { Ended: true }) return Errno.ECONNRESET;
        if (transfer.Request is not { } request) return Errno.OK;
        if (!sender.Alive) return Errno.ECONNRESET;
        // Who asked a name and took it over himself does not get the permission to answer; who had it must still be there.
        if (main.Destination == sender && !request.Answerer.Alive) return Errno.ECONNRESET;
        return request.Synchronous && IsPast(request.Deadline) ? Errno.ETIMEDOUT : Errno.OK;
    }

    private AnswerModel Begin(ulong request, ConnectionModel sender, TransferModel transfer, PayloadPlace place)
    {
        if (transfer.Deliveries.Count > 0 && place == PayloadPlace.Unreadable)
        {
            var result = transfer.Refused != Errno.OK ? transfer.Refused : Errno.EFAULT;
            Abandon(transfer, result);
            return result;
        }

        if (transfer.Deliveries.Count == 0 || place == PayloadPlace.Here) return Deliver(request, sender, transfer);
        _transfers.Add(request, transfer);
        return new AnswerModel(OutcomeKind.Copy, Errno.OK);
    }

    private AnswerModel Deliver(ulong request, ConnectionModel sender, TransferModel transfer)
    {
        var kind = OutcomeKind.Done;
        foreach (var delivery in transfer.Deliveries)
        {
            if (delivery == transfer.Main)
            {
                if (transfer.Refused != Errno.OK) continue;
                if (transfer.AnswerTo is { } waiter)
                {
                    FinishCall(waiter, Errno.OK, delivery.Entry);
                    continue;
                }

                if (transfer.Request is { } tracker)
                {
                    tracker.Queued = true;
                    delivery.Entry.Request = tracker;
                    if (delivery.Destination != sender) tracker.Answerer = delivery.Destination;
                    Start(tracker, request);
                    if (tracker.Synchronous) kind = OutcomeKind.Pending;
                }
            }
            else if (!delivery.Destination.Alive)
            {
                Settle(delivery.Receiver, delivery.Entry);
                continue;
            }

            if (delivery.Destination != delivery.Receiver && !Rehome(delivery.Receiver, delivery.Destination, delivery.Entry))
            {
                LoseMoved(delivery.Destination, delivery.Entry);
                continue;
            }

            delivery.Destination.Queue.Add(delivery.Entry);
        }

        EndOverdue();
        if (transfer.Refused != Errno.OK) return transfer.Refused;
        return new AnswerModel(kind, Errno.OK, sender.Pool.Size);
    }

    private void Abandon(TransferModel transfer, Errno reason)
    {
        foreach (var delivery in transfer.Deliveries) Settle(delivery.Receiver, delivery.Entry);
        if (transfer.Main != null) GiveUpMain(transfer, reason);
    }

    private void GiveUpMain(TransferModel transfer, Errno reason)
    {
        if (transfer.Request is { } tracker) tracker.Requester.Slots.Remove(tracker);
        transfer.Request = null;
        if (transfer.AnswerTo is { Ended: false } waiter) FinishCall(waiter, ToldToWaiter(reason), answer: null);
    }

    private static Errno ToldToWaiter(Errno reason) => reason == Errno.EINTR ? Errno.EPIPE : reason == Errno.ECOMM ? Errno.EREMOTEIO : reason;

    private ViewModel Waiter(ConnectionModel sender, TaskModel task) => new(task, MetadataModel.LetThrough(AttachMask) & sender.Recv);

    /// <summary>Who repeats a call is looked at anew, also for what an answer tells that is there already.</summary>
    private AnswerModel Resume(TrackerModel tracker, ulong request, TaskModel task, bool takesDescriptors)
    {
        Count("resumed");
        tracker.TakesDescriptors = takesDescriptors;
        tracker.View = Waiter(tracker.Requester, task);
        if (tracker.Answer is { } kept) tracker.View = tracker.View with { Wanted = tracker.View.Wanted | kept.Metadata.Agreed };
        if (tracker.Result is not { } result)
        {
            tracker.Waiting = request;
            return new AnswerModel(OutcomeKind.Pending, Errno.OK);
        }

        var answer = tracker.Answer;
        PickUp(tracker);
        if (result != Errno.OK) return result;
        if (answer!.Handout is { } handout) Handouts.Add(request, handout);
        return new AnswerModel(OutcomeKind.Done, Errno.OK, answer.Slice.Offset, answer.Slice.Size) { Entry = answer };
    }

    private void ToMonitors(ConnectionModel sender, TransferModel transfer)
    {
        foreach (var monitor in sender.Bus.Connections.FindAll(each => each.IsMonitor))
        {
            if (!ToListener(transfer, monitor, name: null)) Lose(monitor);
        }
    }

    private bool ToListener(TransferModel transfer, ConnectionModel listener, NameModel? name)
    {
        if (Reserve(listener, transfer.Message, transfer.Message.Sender!.User, name, out var entry) != Errno.OK) return false;
        transfer.Deliveries.Add(new DeliveryModel(listener, entry));
        return true;
    }

    private static Errno FindReceiver(ConnectionModel sender, MessageModel message, out ConnectionModel receiver, out NameModel? name)
    {
        name = sender.Bus.Names.Find(each => each.Text == message.Name);
        receiver = name?.Owner!;
        if (message.Name == null)
        {
            receiver = sender.Bus.Connections.Find(each => each.Id == message.Destination && each.IsOrdinary)!;
            return receiver == null ? Errno.ENXIO : Errno.OK;
        }

        if (name == null) return Errno.ESRCH;
        if (message.Destination != 0 && message.Destination != receiver.Id) return Errno.EREMCHG;
        return message.Flags.HasFlag(MessageFlags.NoAutoStart) && receiver.IsActivator ? Errno.EADDRNOTAVAIL : Errno.OK;
    }

    private static EventModel SignalOf(ConnectionModel sender, SendModel sent) => new(ItemType.BloomFilter)
    {
        Sender = sender,
        SenderNames = sender.Names.ConvertAll(name => name.Text),
        Generation = sent.Generation,
        Filter = sent.Filter!,
    };

    private Errno CheckForm(ConnectionModel sender, SendModel sent)
    {
        var message = sent.Message;
        var (expectsReply, isSignal) = (message.Flags.HasFlag(MessageFlags.ExpectReply), message.Flags.HasFlag(MessageFlags.Signal));
        var isBroadcast = message.Destination == ulong.MaxValue;
        if (sent.Malformed == Errno.EFAULT) return Errno.EFAULT;
        if (((ulong)message.Flags & ~7UL) != 0) return Errno.EINVAL;
        var chain = CheckChain(sent);
        if (chain != Errno.OK) return chain;
        if (sent.Malformed != Errno.OK || message.PayloadType == 0) return Errno.EINVAL;
        if (expectsReply && (message.Last == 0 || message.Cookie == 0)) return Errno.EINVAL;
        if (expectsReply && isBroadcast) return Errno.ENOTUNIQ;
        if (expectsReply && isSignal) return Errno.EINVAL;
        if (!expectsReply && sent.Flags.HasFlag(SendFlags.SyncReply)) return Errno.EINVAL;
        if (!expectsReply && message.Last != 0 && isSignal) return Errno.EINVAL;
        var named = CheckFiles(sent, isBroadcast);
        if (named != Errno.OK) return named;
        if (sent.Filter is { } filter && filter.Length % 8 != 0) return Errno.EFAULT;
        if (sent.Filter is { } sized && sized.Length != sender.Bus.BloomSize) return Errno.EDOM;
        if (message.Name is { } name && !NameRules.IsValid(name)) return Errno.EINVAL;
        if (FilesOf(sender.User) + message.Files > limits.FilesInFlight) return Errno.EMFILE;
        if (message.Destination == 0 && message.Name == null) return Errno.EDESTADDRREQ;
        if (isBroadcast && message.Name != null) return Errno.EBADMSG;
        if (isBroadcast && !isSignal) return Errno.EBADMSG;
        if (isSignal != (sent.Filter != null)) return Errno.EBADMSG;
        return sent.Source != 0 && sent.Source != sender.Id ? Errno.EINVAL : Errno.OK;
    }
}
