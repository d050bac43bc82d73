using Kdbus.Abi;
using Kdbus.Daemon.Serving.Exchanges;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Engine;
using Kdbus.Engine.Files;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// What commands, deadlines, signals and cancel descriptors cause for others: pollers to wake, calls to end, refusals to tell.
/// It is carried out outside the lock and after the command that caused it is answered, so that nobody's memory can hold up
/// somebody else's call.
/// </summary>
internal sealed class Aftermath(
    DomainHost host, ICallers callers, FuseSession session, PoolPublisher publisher, MessageFileService files)
{
    /// <summary>Result by which the kernel repeats a call whose signal handler allows that, or fails it with EINTR.</summary>
    private const int RestartSys = -512;

    /// <summary>A signal arrived at the caller of a command that has not been answered.</summary>
    public void Interrupt(in InterruptRequest request, HeldReply target)
    {
        bool ended;
        EndedCall call;
        using (host.Enter())
        {
            // A call that has ended and only waits for its cancel descriptor to be closed need not wait for that.
            ended = host.TakeClosing(request.Target, out call);
            // A call that waits, the engine knows about. With any other the reader is stuck in the caller's memory, taking the
            // command in or storing its results. The caller may go; the reader will find the command answered. It looks
            // under this lock before the command takes effect.
            if (target.IsHeld && host.IsPending(request.Target)) host.Domain.Interrupt(request.Target);
            else if (!ended) EndStuck(request.Target, target);
        }

        if (ended) End(call);
        Carry();
    }

    /// <summary>Ends what has a deadline that has passed.</summary>
    public void Advance()
    {
        using (host.Enter()) host.Domain.Advance(host.Now);
        CarryUnwatched();
    }

    /// <summary>The cancel descriptor of a call has become readable: it ends the call, now or as soon as that begins to wait.</summary>
    public void Cancel(CancelDescriptor descriptor)
    {
        using (host.Enter())
        {
            descriptor.WasReadable = true;
            if (host.IsPending(descriptor.Request)) host.Domain.Cancel(descriptor.Request);
        }

        CarryUnwatched();
    }

    /// <summary>The cancel descriptor of a call that has ended is closed: its caller may go.</summary>
    public void Closed(CancelDescriptor descriptor)
    {
        EndedCall call;
        using (host.Enter())
        {
            if (!host.TakeClosing(descriptor.Request, out call)) return;
        }

        // The watcher's thread is the caller's own: if his memory keeps it, that is his affair.
        End(call);
    }

    /// <summary>
    /// Does what the engine asked for on behalf of others: wakes pollers, ends calls that waited, tells of refusals. One thing
    /// at a time, so that whoever gets stuck keeps nothing else from being done.
    /// </summary>
    public void Carry()
    {
        while (CarryNext(withAnswers: true))
        {
        }
    }

    /// <summary>
    /// The same on a thread that nobody watches, the timer's for example: it leaves alone what may block, which is what a
    /// reader has caused and will see to.
    /// </summary>
    private void CarryUnwatched()
    {
        while (CarryNext(withAnswers: false))
        {
        }
    }

    private bool CarryNext(bool withAnswers)
    {
        bool changes, wakes, ends, tells, isMore;
        ulong pollHandle;
        HeldReply poll;
        PollState state;
        EndedCall call = default;
        RefusalNote told = default;
        ulong deadline;
        IReadOnlyList<ulong> unheld;
        using (host.Enter())
        {
            host.Domain.Serve();
            unheld = host.TakeUnheldFiles();
            changes = host.TakeChanged(out poll, out state);
            wakes = host.TakeWake(out pollHandle);
            tells = !wakes && host.Refusals.TryTake(out told);
            ends = !wakes && !tells && (host.TakeReady(out call) || (withAnswers && host.TakeAnswered(out call)));
            deadline = host.Domain.NextDeadline;
            if (ends && call.Call.Cancel != null) host.AwaitClosing(call);
            isMore = host.HasMore(withAnswers);
        }

        files.CloseWithoutWaiting(unheld);
        if (changes) poll.Poll(PollService.EventsOf(state));
        if (wakes) session.Notify.Poll(pollHandle);
        else if (tells) host.Refusals.Write(told);
        else if (ends && call.Call.Cancel is { } descriptor) descriptor.CloseLater();
        else if (ends) End(call);
        host.Timer?.Update(deadline);
        return isMore;
    }

    /// <summary>
    /// Answers a call that waited. If there is an answer to store, its caller's memory may block; by now nobody else's call
    /// depends on us.
    /// </summary>
    private void End(in EndedCall ended)
    {
        var (call, completion) = ended;
        if (call.Exchange is { } exchange)
        {
            End(call, exchange, completion);
            return;
        }

        if (completion.Result != Errno.OK)
        {
            call.Reply.Ioctl(completion.Restart ? RestartSys : -(int)completion.Result);
            return;
        }

        var reply = completion.Reply;
        var result = completion.Handout is { } handout ? HandOut(handout, call, ref reply) : Errno.OK;
        publisher.Publish(call.File, completion.Published);
        call.Reply.Ioctl(-(int)(result == Errno.OK ? StoreReply(call, reply) : result));
    }

    /// <summary>A signal at a caller whose memory keeps a reader: an EXCHANGE may have done something before.</summary>
    private void EndStuck(ulong request, HeldReply target)
    {
        if (!host.TryFindProgress(request, out var command))
        {
            target.Error((int)Errno.EINTR);
            return;
        }

        Span<byte> told = stackalloc byte[ExchangeAnswer.HeaderSize];
        target.Ioctl(-(int)Errno.EINTR, told[..ExchangeAnswer.Interrupted(told, command)]);
    }

    private void End(in PendingCall call, PendingExchange exchange, in Completion completion)
    {
        var result = completion.Result;
        if (completion.Handout is { } handout
            && !files.HandOut(handout, new BlockingCaller(call.Thread, call.Uid, call.Argument), call.FdSocket, call.Reply.IsPending))
        {
            if (handout.Files.Count > 0) ExchangeAnswer.TellIncomplete(exchange.Records);
            else result = Errno.EIO;
        }

        if (completion.Published.Size > 0) publisher.Publish(call.File, completion.Published);
        if (completion.Restart)
        {
            Span<byte> told = stackalloc byte[ExchangeAnswer.HeaderSize];
            call.Reply.Ioctl(RestartSys, told[..ExchangeAnswer.Interrupted(told, exchange.Command)]);
        }
        else
        {
            call.Reply.Ioctl(-(int)result, result == Errno.OK ? exchange.Answer(completion.Reception) : default);
        }

        using (host.Enter()) host.PutDown(exchange);
    }

    /// <summary>Hands out what comes with the answer; what cannot be is told, or the answer is lost.</summary>
    private Errno HandOut(Handout handout, in PendingCall call, ref KdbusMsgInfo reply)
    {
        if (files.HandOut(handout, new BlockingCaller(call.Thread, call.Uid, call.Argument), call.FdSocket, call.Reply.IsPending)) return Errno.OK;
        reply.ReturnFlags |= (ulong)RecvReturnFlags.IncompleteFds;
        return handout.Files.Count > 0 ? Errno.OK : Errno.EIO;
    }

    private Errno StoreReply(in PendingCall call, KdbusMsgInfo info)
    {
        if (!session.EnterBlocking(new BlockingCaller(call.Thread, call.Uid, call.Argument))) return CommandService.TooManyStuck;
        var result = call.Reply.IsPending ? CommandStore.Write(callers, call.Thread, call.Argument + CommandStore.ReplyOffset, ref info) : Errno.EINTR;
        session.LeaveBlocking();
        return result;
    }
}
