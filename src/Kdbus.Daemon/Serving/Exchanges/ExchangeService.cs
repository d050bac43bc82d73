using Kdbus.Abi;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Engine;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving.Exchanges;

/// <summary>
/// EXCHANGE's way. Everything that came with the request, and needs nothing to be found out about its caller, is done in one critical
/// section: slices given back, messages sent, messages received into the answer. Where something else is needed the lock is left for that, and then it goes on.
/// </summary>
internal sealed class ExchangeService(
    DomainHost host, ICallers callers, FuseSession session, PoolPublisher publisher, CancelIntake cancels, MessageFileService files)
{
    /// <summary>
    /// When a command has made so many copies of messages, no further message of it is sent: signals to many listeners would keep everybody else
    /// waiting. About 4 ms.
    /// </summary>
    private const ulong MostCopies = 4096;

    private readonly CallerInquiry _inquiry = new(callers, session, files);
    private readonly PayloadCopy _copy = new(session);
    private readonly DomainLimits _limits = host.Domain.Limits;

    /// <summary>What has to be done without the lock before it can go on.</summary>
    private enum Step
    {
        /// <summary>Nothing: it can be answered.</summary>
        Answer,
        /// <summary>Nothing: it waits.</summary>
        Wait,
        /// <summary>Nothing: a signal has answered it.</summary>
        Stop,
        /// <summary>Find out about the caller.</summary>
        FindOut,
        /// <summary>Fetch what of the message at hand is elsewhere.</summary>
        Fetch,
        /// <summary>Copy the payload to where room is reserved.</summary>
        Copy,
        /// <summary>Find what is behind the cancel descriptor.</summary>
        TakeCancel,
    }

    public void Run(in IoctlRequest request, FuseReply reply)
    {
        var exchange = new Exchange(request, reply, CallBuffers.OfThisThread(_limits), host.Now);
        IReadOnlyList<ulong> unheld;
        Step step;
        using (host.Enter())
        {
            step = Begin(ref exchange);
            unheld = host.TakeUnheldFiles();
        }

        files.Close(unheld, exchange.Caller);
        while (step > Step.Stop)
        {
            var result = Do(step, ref exchange);
            exchange.Now = host.Now;
            using (host.Enter())
            {
                host.ForgetProgress(request.Context.Unique);
                if (step == Step.Copy) Commit(ref exchange, result);
                else if (result != Errno.OK) exchange.Fail(result);
                step = result != Errno.OK && step != Step.Copy ? Step.Answer
                    : reply.IsAnswered ? Step.Stop
                    : exchange.Outcome.Kind == OutcomeKind.Pending ? Hold(ref exchange)
                    : Proceed(ref exchange);
                unheld = host.TakeUnheldFiles();
            }

            files.Close(unheld, exchange.Caller);
        }

        if (step == Step.Wait) return;
        files.Discard(exchange.Files, exchange.Findings.Pidfd, exchange.Caller);
        if (exchange.Cancel is { } cancel) cancels.Close(cancel, exchange.Caller);
        if (step == Step.Answer) Answer(ref exchange);
    }

    /// <summary>Under the lock: checks the command, gives back, and goes on as far as it can.</summary>
    private Step Begin(ref Exchange exchange)
    {
        var request = exchange.Request;
        var file = host.FindFile(request.Handle);
        var result = file == null ? Errno.EBADF
            : file.Content != null ? Errno.ENOTTY
            : host.Domain.Admit(request.Handle, request.Command);
        if (result == Errno.OK) result = exchange.Open();
        if (result != Errno.OK)
        {
            exchange.FailWhole(result);
            return Step.Answer;
        }

        exchange.File = file!;
        exchange.IsQuestion = (exchange.Command.Flags & Constants.FlagNegotiate) != 0;
        var call = exchange.AsExchange();
        exchange.Outcome = host.Domain.Execute(ref call);
        if (exchange.Outcome.Result != Errno.OK || exchange.IsQuestion) return Step.Answer;

        var items = exchange.Frame[ExchangeAnswer.HeaderSize..];
        exchange.Requester = Requester.Of(request.Context.Pid, items);
        exchange.HasCancel = CommandFetch.TryFind(items, ItemType.CancelFd, out _);
        exchange.SkipWhatIsDone();
        return Proceed(ref exchange);
    }

    /// <summary>Under the lock: sends what is to be sent, then receives.</summary>
    private Step Proceed(ref Exchange exchange)
    {
        if (exchange.HasCancel) return Step.TakeCancel;
        var enough = host.Domain.CopiesMade + MostCopies;
        while (exchange.TryTakeMessage())
        {
            if (host.Domain.CopiesMade > enough)
            {
                exchange.Fail(Errno.EAGAIN);
                break;
            }

            if (!exchange.IsFetched && exchange.HasMoreElsewhere()) return Step.Fetch;
            var call = exchange.AsSend();
            var needs = host.Domain.Needs(call);
            if (!needs.AreMetBy(exchange.Known)) return Ask(ref exchange, needs);

            var outcome = host.Domain.Execute(ref call);
            if (outcome.Kind == OutcomeKind.Copy)
            {
                PayloadCopy.Pin(outcome.Transfer!);
                exchange.Outcome = outcome;
                return Step.Copy;
            }

            exchange.PassOn();
            exchange.Settle(outcome);
            if (outcome.Kind == OutcomeKind.Pending) return Hold(ref exchange);
        }

        return exchange.Flags.HasFlag(ExchangeFlags.Recv) ? Receive(ref exchange) : Pin(exchange);
    }

    private Step Receive(ref Exchange exchange)
    {
        var call = exchange.AsExchange();
        var needs = host.Domain.Needs(call);
        if (!needs.AreMetBy(exchange.Known)) return Ask(ref exchange, needs);
        exchange.Outcome = host.Domain.Receive(ref call);
        return exchange.Outcome.Kind == OutcomeKind.Pending ? Hold(ref exchange) : Pin(exchange);
    }

    private static Step Ask(ref Exchange exchange, CallerNeeds needs)
    {
        exchange.Known = exchange.Known.With(needs);
        return Step.FindOut;
    }

    /// <summary>The owner may free the slice before he is told of it; the mapping must outlast its publication.</summary>
    private static Step Pin(in Exchange exchange)
    {
        if (exchange.Outcome.Published.Size > 0) exchange.File.Pool!.Pin();
        return Step.Answer;
    }

    private Step Hold(ref Exchange exchange)
    {
        var context = exchange.Request.Context;
        host.Add(context.Unique, new PendingCall(exchange.Reply.Hold(), exchange.File, context.Pid, context.Uid, exchange.Request.Argument)
        {
            Cancel = exchange.Cancel,
            FdSocket = exchange.Requester.FdSocket,
            Exchange = host.TakeUp(exchange.Command, exchange.Records.Length),
        });
        if (exchange.Cancel is { WasReadable: true }) host.Domain.Cancel(context.Unique);
        return Step.Wait;
    }

    /// <summary>Without the lock, and perhaps for long: if a signal comes meanwhile, its caller is to be told what has been done.</summary>
    private Errno Do(Step step, ref Exchange exchange)
    {
        var context = exchange.Request.Context;
        using (host.Enter()) host.NoteProgress(context.Unique, exchange.Command);
        switch (step)
        {
            case Step.FindOut:
                var takesPidfd = !exchange.Message.IsEmpty && exchange.Findings.Pidfd == 0;
                return _inquiry.FindOut(
                    exchange.Known, takesPidfd, context, exchange.Requester, exchange.Request.Argument, ref exchange.Findings);
            case Step.Copy:
                return _copy.Run(exchange.Outcome.Transfer!, exchange.Fetch(callers), exchange.Message, exchange.Caller);
            case Step.TakeCancel:
                exchange.HasCancel = false;
                if (!session.EnterBlocking(exchange.Caller)) return CommandService.TooManyStuck;
                exchange.Cancellable = cancels.Take(
                    context, exchange.Frame[ExchangeAnswer.HeaderSize..], waits: true, exchange.Reply, out exchange.Cancel);
                session.LeaveBlocking();
                return Errno.OK;
            default:
                return Fetch(ref exchange);
        }
    }

    private Errno Fetch(ref Exchange exchange)
    {
        if (!session.EnterBlocking(exchange.Caller)) return CommandService.TooManyStuck;
        exchange.Place = exchange.Fetch(callers).Payload(exchange.Message, out exchange.Payload);
        exchange.Files = files.Take(exchange.Request.Context, exchange.Message, exchange.Reply, CallBuffers.OfThisThread(_limits).Files);
        exchange.IsFetched = true;
        session.LeaveBlocking();
        return Errno.OK;
    }

    /// <summary>Under the lock: the payload is where it belongs, or could not be brought there.</summary>
    private void Commit(ref Exchange exchange, Errno copied)
    {
        var begun = exchange.Outcome;
        var call = exchange.AsSend();
        var outcome = host.Domain.Commit(ref call, begun, exchange.Reply.IsAnswered ? Errno.EINTR : copied);
        PayloadCopy.End(begun.Transfer!);
        exchange.Outcome = default;
        exchange.PassOn();
        exchange.Settle(outcome);
    }

    private void Answer(ref Exchange exchange)
    {
        var outcome = exchange.Outcome;
        if (outcome.Handout is { } handout && !files.HandOut(handout, exchange.Caller, exchange.Requester.FdSocket, !exchange.Reply.IsAnswered))
        {
            if (handout.Files.Count > 0) ExchangeAnswer.TellIncomplete(exchange.Records);
            else outcome = outcome.Failed(Errno.EIO);
        }

        if (outcome.Published.Size > 0) publisher.Publish(exchange.File, outcome.Published);
        if (outcome.Result != Errno.OK) exchange.Reply.Ioctl(-(int)outcome.Result);
        else if (exchange.IsQuestion) exchange.Reply.Ioctl(0, exchange.Frame);
        else exchange.Reply.Ioctl(0, exchange.Answer);
    }
}
