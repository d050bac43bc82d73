using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Kdbus.Abi;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Engine;
using Kdbus.Engine.Files;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// A command's way: ask whether it may be issued, fetch it (no lock held, the caller's memory may block), decide under
/// the lock, copy a large payload (no lock), commit, store the results (no lock), answer. What the command caused for
/// others is left to <see cref="Aftermath"/>, after it is answered. An EXCHANGE has its own way, <see cref="Exchanges.ExchangeService"/>.
/// </summary>
internal sealed class CommandService(
    DomainHost host, ICallers callers, FuseSession session, PoolPublisher publisher, CancelIntake cancels, MessageFileService files)
{
    /// <summary>Too many callers of this user, or of all, sit on memory that does not answer.</summary>
    internal const Errno TooManyStuck = Errno.EUSERS;

    private readonly CallerInquiry _inquiry = new(callers, session, files);
    private readonly PayloadCopy _copy = new(session);

    /// <summary>They do not change while the domain lives, so they may be read without its lock.</summary>
    private readonly DomainLimits _limits = host.Domain.Limits;

    public void Run(in IoctlRequest request, FuseReply reply)
    {
        OpenFile? file;
        Errno admitted;
        using (host.Enter())
        {
            file = host.FindFile(request.Handle);
            admitted = host.Domain.Admit(request.Handle, request.Command);
            if (file is { Content: not null }) admitted = Errno.ENOTTY;
        }

        if (file == null || admitted != Errno.OK)
        {
            reply.Ioctl(-(int)(file == null ? Errno.EBADF : admitted));
            return;
        }

        Run(request, reply, file);
    }

    private void Run(in IoctlRequest request, FuseReply reply, OpenFile file)
    {
        var context = request.Context;
        var layout = CommandLayout.Of(request.Command)!;
        var buffers = CallBuffers.OfThisThread(_limits);
        var fetch = new CommandFetch(callers, buffers, context.Pid, reply);

        var blocks = !CommandFetch.IsWhole(request, layout);
        if (blocks && !Enter(context, request.Argument))
        {
            reply.Ioctl(-(int)TooManyStuck);
            return;
        }

        var fetched = fetch.Frame(request, layout, out var frame);
        var requester = default(Requester);
        if (fetched == Errno.OK) fetched = Requester.Of(callers, context.Pid, layout, frame, out requester);
        using var end = requester;
        ReadOnlySpan<byte> message = default, payload = default;
        ReadOnlySpan<SentFile> taken = default;
        var place = PayloadPlace.Here;
        var cancellable = Errno.OK;
        CancelDescriptor? cancel = null;
        if (fetched == Errno.OK && layout.Command == Command.Send)
        {
            ref var send = ref MemoryMarshal.AsRef<KdbusCmdSend>(frame);
            place = fetch.Message(send.MsgAddress, file, out message, out payload);
            fetched = ClearReturnFlags(request, reply, ref send);
            if (fetched == Errno.OK)
            {
                var waits = (send.Flags & (ulong)SendFlags.SyncReply) != 0;
                cancellable = cancels.Take(context, frame[layout.FixedSize..], waits, reply, out cancel);
                taken = files.Take(context, message, reply, buffers.Files);
            }
        }

        if (blocks) session.LeaveBlocking();
        if (fetched != Errno.OK)
        {
            Errno unfetched;
            using (host.Enter()) unfetched = host.Domain.Unfetched(request.Handle, request.Command, fetched);
            reply.Ioctl(-(int)unfetched);
            return;
        }

        var call = new Invocation
        {
            Handle = file.Handle,
            Request = context.Unique,
            Ioctl = request.Command,
            Now = host.Now,
            Frame = frame,
            Message = message,
            Payload = payload,
            PayloadPlace = place,
            Files = taken,
            TakesDescriptors = requester.FdSocket >= 0,
            CancelDescriptor = cancellable,
            Named = layout.Command == Command.Hello && CommandFetch.TryFind(frame[layout.FixedSize..], ItemType.Pids, out var pids)
                ? callers.Name(context.Pid, pids.As<KdbusPids>())
                : default,
            Random = layout.Command == Command.BusMake ? NewRandom() : default,
        };

        var wait = new PendingCall(default, file, context.Pid, context.Uid, request.Argument) { Cancel = cancel, FdSocket = requester.FdSocket };
        var caller = CallerAt(context, request.Argument);
        var decided = Decide(ref call, context, requester, wait, reply, out var outcome);
        if (!decided) files.Discard(call.Files, call.Pidfd, caller);
        if (decided && outcome.Kind == OutcomeKind.Copy)
        {
            decided = CopyAndCommit(ref call, ref outcome, fetch, message, context, wait, reply);
        }

        if (decided && outcome.Kind == OutcomeKind.Pending) return;
        if (cancel != null) cancels.Close(cancel, caller);
        if (outcome.Handout is { } handout) HandOut(handout, ref outcome, caller, requester, layout, frame, reply);
        if (decided) Finish(request, reply, file, layout, frame, outcome);
    }

    /// <summary>
    /// The critical section; false if the command is answered already: by a signal while we were stuck in its caller's memory,
    /// then it must not happen, or because it cannot. A call that will wait is known as such before anybody can
    /// end it. What must be known about the caller hangs on what others want and on policy, so it is asked under the lock, found
    /// out without it, and asked again.
    /// </summary>
    private bool Decide(
        ref Invocation call, in RequestContext context, in Requester requester, in PendingCall wait, FuseReply reply, out Outcome outcome)
    {
        outcome = default;
        var known = default(CallerNeeds);
        while (true)
        {
            IReadOnlyList<ulong>? unheld = null;
            using (host.Enter())
            {
                if (reply.IsAnswered) return false;
                var needs = host.Domain.Needs(call);
                if (needs.AreMetBy(known))
                {
                    Execute(ref call, context, wait, reply, out outcome);
                    unheld = host.TakeUnheldFiles();
                }
                else
                {
                    known = known.With(needs);
                }
            }

            if (unheld != null)
            {
                files.Close(unheld, CallerAt(context, wait.Argument));
                return true;
            }

            var findings = new Findings(call.Caller, call.Process, call.View, call.Pidfd);
            var takesPidfd = call.Ioctl == (uint)Command.Send && call.Pidfd == 0;
            var found = _inquiry.FindOut(known, takesPidfd, context, requester, wait.Argument, ref findings);
            call = call with { Caller = findings.Caller, Process = findings.Process, View = findings.View, Pidfd = findings.Pidfd };
            if (found == Errno.OK) continue;
            reply.Ioctl(-(int)found);
            return false;
        }
    }

    /// <summary>Hands out what comes with a message that was received; what cannot be is told, or the message is lost.</summary>
    private void HandOut(
        Handout handout, ref Outcome outcome, in BlockingCaller caller, in Requester requester, CommandLayout layout, Span<byte> frame, FuseReply reply)
    {
        if (files.HandOut(handout, caller, requester.FdSocket, !reply.IsAnswered)) return;
        if (handout.Files.Count > 0) CommandStore.TellIncomplete(layout, frame);
        else outcome = outcome.Failed(Errno.EIO);
    }

    private void Execute(ref Invocation call, in RequestContext context, in PendingCall wait, FuseReply reply, out Outcome outcome)
    {
        if (call.Ioctl == (uint)Command.Hello) call.Pool = SizePool(wait.File, call);
        outcome = host.Domain.Execute(ref call);
        if (outcome.Kind == OutcomeKind.Pending) Hold(context, wait, reply);
        if (outcome.Kind == OutcomeKind.Copy) PayloadCopy.Pin(outcome.Transfer!);
        // The owner may free the slice before he is told of it; the mapping must outlast its publication.
        if (outcome.Published.Size > 0) wait.File.Pool!.Pin();
    }

    /// <summary>The way of a large payload; false if the command was answered by a signal meanwhile, then it is given up.</summary>
    private bool CopyAndCommit(
        ref Invocation call,
        ref Outcome outcome,
        in CommandFetch fetch,
        ReadOnlySpan<byte> message,
        in RequestContext context,
        in PendingCall wait,
        FuseReply reply)
    {
        var transfer = outcome.Transfer!;
        var copied = _copy.Run(transfer, fetch, message, CallerAt(context, wait.Argument));
        IReadOnlyList<ulong> unheld;
        bool answered;
        using (host.Enter())
        {
            answered = reply.IsAnswered;
            outcome = host.Domain.Commit(ref call, outcome, answered ? Errno.EINTR : copied);
            PayloadCopy.End(transfer);
            if (outcome.Kind == OutcomeKind.Pending) Hold(context, wait, reply);
            unheld = host.TakeUnheldFiles();
        }

        files.Close(unheld, CallerAt(context, wait.Argument));
        return !answered;
    }

    private void Hold(in RequestContext context, in PendingCall wait, FuseReply reply)
    {
        host.Add(context.Unique, wait with { Reply = reply.Hold() });
        if (wait.Cancel is { WasReadable: true }) host.Domain.Cancel(context.Unique);
    }

    private void Finish(in IoctlRequest request, FuseReply reply, OpenFile file, CommandLayout layout, Span<byte> frame, in Outcome outcome)
    {
        if (outcome.Made && layout.Command == Command.Hello) publisher.Grow(file);
        if (outcome.Published.Size > 0) publisher.Publish(file, outcome.Published);

        var result = outcome.Result;
        var carried = outcome.Stores.IsEmpty || outcome.Made ? 0 : CommandStore.CarriedBy(request, outcome.Stores);
        if (carried == 0 && !outcome.Stores.IsEmpty)
        {
            var stored = Store(request, reply, frame, outcome.Stores);
            if (stored != Errno.OK) result = stored;
        }

        // Nobody would know what was made, if its maker is not told.
        if (outcome.Made && result != Errno.OK) Undo(file);
        var told = reply.Ioctl(-(int)result, frame[..carried]);
        if (!outcome.Made || result != Errno.OK) return;
        if (!told) Undo(file);
        else if (layout.Command == Command.Hello) Seal(file);
    }

    private void Seal(OpenFile file)
    {
        using (host.Enter()) file.Pool!.Seal();
    }

    private void Undo(OpenFile file)
    {
        IReadOnlyList<ulong> unheld;
        using (host.Enter())
        {
            host.Domain.Undo(file.Handle, host.Now);
            unheld = host.TakeUnheldFiles();
        }

        files.CloseWithoutWaiting(unheld);
    }

    private Errno Store(in IoctlRequest request, FuseReply reply, Span<byte> frame, in Stores stores)
    {
        if (!Enter(request.Context, request.Argument)) return TooManyStuck;
        var result = reply.IsAnswered ? Errno.EINTR : new CommandStore(callers, CallBuffers.OfThisThread(_limits), request.Context.Pid).Write(request.Argument, frame, stores);
        session.LeaveBlocking();
        return result;
    }

    private static BlockingCaller CallerAt(in RequestContext context, ulong address) => new(context.Pid, context.Uid, address);

    private bool Enter(in RequestContext context, ulong address) => session.EnterBlocking(CallerAt(context, address));

    /// <summary>Gives the pool the size that HELLO asks for, if that can be; the engine judges whether it may be.</summary>
    private PoolFile? SizePool(OpenFile file, in Invocation call)
    {
        if (host.Domain.Admit(call.Handle, call.Ioctl) != Errno.OK) return null;
        var size = MemoryMarshal.Read<KdbusCmdHello>(call.Frame).PoolSize;
        return file.Pool is { } pool && pool.TrySetSize(size) ? pool : null;
    }

    /// <summary>
    /// A call that will wait has its return_flags cleared before: whoever ends it, the timer among them, then need not
    /// touch the caller's memory unless there is an answer.
    /// </summary>
    private Errno ClearReturnFlags(in IoctlRequest request, FuseReply reply, ref KdbusCmdSend send)
    {
        if (send.ReturnFlags == 0 || send.Flags != (ulong)SendFlags.SyncReply) return Errno.OK;
        if (reply.IsAnswered) return Errno.EINTR;
        send.ReturnFlags = 0;
        return CommandStore.Write(callers, request.Context.Pid, request.Argument + CommandStore.ReturnFlagsOffset, ref send.ReturnFlags);
    }

    private static UInt128 NewRandom()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    }
}
