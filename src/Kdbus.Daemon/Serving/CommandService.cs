using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Kdbus.Abi;
using Kdbus.Daemon.Serving.Files;
using Kdbus.Engine;
using Kdbus.Engine.Files;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Processes;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// A command's way: ask whether it may be issued, fetch it (no lock held, the caller's memory may block), decide under
/// the lock, copy a large payload (no lock), commit, store the results (no lock), answer. What the command caused for
/// others is left to <see cref="Aftermath"/>, after it is answered.
/// </summary>
internal sealed class CommandService(
    DomainHost host, ICallers callers, FuseSession session, PoolPublisher publisher, CancelWatch cancels, MessageFileService files, Aftermath aftermath)
{
    /// <summary>Too many callers of this user, or of all, sit on memory that does not answer.</summary>
    internal const Errno TooManyStuck = Errno.EUSERS;

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
        aftermath.Carry();
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
            message = fetch.Message(send.MsgAddress);
            place = fetch.Payload(message, out payload);
            fetched = ClearReturnFlags(request, reply, ref send);
            if (fetched == Errno.OK)
            {
                cancellable = TakeCancelDescriptor(context, layout, reply, frame, out cancel);
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
            Now = DomainHost.Now,
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
        if (cancel != null) Close(cancel, context, request.Argument);
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

            var found = FindOut(ref call, known, context, requester, wait.Argument);
            if (found == Errno.OK) continue;
            reply.Ioctl(-(int)found);
            return false;
        }
    }

    /// <summary>
    /// Finds out about the caller, who stands still: EUSERS if his memory would have to be read and he has too many readers stuck, EXDEV if
    /// he acts for somebody who is gone.
    /// </summary>
    private Errno FindOut(ref Invocation call, CallerNeeds needs, in RequestContext context, in Requester requester, ulong argument)
    {
        var blocks = needs.Kinds.HasFlag(AttachFlags.Cmdline);
        if (blocks && !Enter(context, argument)) return TooManyStuck;
        var thread = requester.Thread;
        call = call with
        {
            Caller = needs.Facts.HasFlag(CallerFacts.Ids) ? Identify(context, thread, needs.Facts) : default,
            Process = needs.Kinds != AttachFlags.None ? callers.Describe(thread, needs.Kinds) : null,
            View = (needs.Facts & CallerFacts.View) != 0 ? callers.ViewOf(thread, needs.Facts) : default,
            Pidfd = TakesPidfd(call, needs) ? files.TakeProcess(thread, context.Uid) : call.Pidfd,
        };
        if (blocks) session.LeaveBlocking();
        return requester.IsThere ? Errno.OK : Errno.EXDEV;
    }

    /// <summary>A message may bring a pidfd along. What HELLO and BUS_MAKE record of all kinds does not.</summary>
    private static bool TakesPidfd(in Invocation call, CallerNeeds needs) =>
        call.Ioctl == (uint)Command.Send && call.Pidfd == 0 && needs.Kinds.HasFlag(AttachFlags.Pidfd);

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
        if (outcome.Kind == OutcomeKind.Copy) Pin(outcome.Transfer!);
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
        var copied = Copy(transfer, fetch, message, context, wait.Argument);
        IReadOnlyList<ulong> unheld;
        bool answered;
        using (host.Enter())
        {
            answered = reply.IsAnswered;
            outcome = host.Domain.Commit(ref call, outcome, answered ? Errno.EINTR : copied);
            // Not before: a message that goes with its name is read from the pool of one who may have left.
            foreach (var delivery in transfer.Deliveries) ((PoolFile)delivery.Memory).Unpin();
            transfer.End();
            if (outcome.Kind == OutcomeKind.Pending) Hold(context, wait, reply);
            unheld = host.TakeUnheldFiles();
        }

        files.Close(unheld, CallerAt(context, wait.Argument));
        return !answered;
    }

    /// <summary>Brings a large payload to where room is reserved for it: straight into the pool if it goes to one only.</summary>
    private Errno Copy(Transfer transfer, in CommandFetch fetch, ReadOnlySpan<byte> message, in RequestContext context, ulong argument)
    {
        if (!Enter(context, argument)) return TooManyStuck;
        var copied = transfer.IsDirect
            ? fetch.Copy(message, (PoolFile)transfer.Deliveries[0].Memory, transfer.Deliveries[0].AreaOffset)
            : fetch.Copy(message, transfer);
        session.LeaveBlocking();
        return copied;
    }

    private static void Pin(Transfer transfer)
    {
        foreach (var delivery in transfer.Deliveries) ((PoolFile)delivery.Memory).Pin();
    }

    private void Hold(in RequestContext context, in PendingCall wait, FuseReply reply)
    {
        host.Add(context.Unique, wait with { Reply = reply.Hold() });
        if (wait.Cancel is { WasReadable: true }) host.Domain.Cancel(context.Unique);
    }

    /// <summary>
    /// Finds what is behind the number in a CANCEL_FD item. A call that waits will have it watched; any other only must have
    /// named one that could be.
    /// </summary>
    private Errno TakeCancelDescriptor(
        in RequestContext context, CommandLayout layout, FuseReply reply, Span<byte> frame, out CancelDescriptor? cancel)
    {
        cancel = null;
        if (frame.Length == layout.FixedSize || reply.IsAnswered || !CommandFetch.TryFind(frame[layout.FixedSize..], ItemType.CancelFd, out var item)) return Errno.OK;
        var result = callers.CopyDescriptor(context.Pid, item.As<int>(), out var copy);
        if (result != Errno.OK) return result;
        var waits = (MemoryMarshal.Read<KdbusCmdSend>(frame).Flags & (ulong)SendFlags.SyncReply) != 0;
        return waits ? cancels.Watch(context.Uid, copy, context.Unique, out cancel) : CancelWatch.Probe(copy);
    }

    /// <summary>The call that a cancel descriptor was meant for does not wait.</summary>
    private void Close(CancelDescriptor cancel, in RequestContext context, ulong argument)
    {
        if (!Enter(context, argument))
        {
            cancel.CloseLater();
            return;
        }

        cancel.Close();
        session.LeaveBlocking();
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
            host.Domain.Undo(file.Handle, DomainHost.Now);
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

    /// <summary>For a thread that another one represents there is no second source: if it cannot be seen any more, that will be noticed.</summary>
    private Caller Identify(in RequestContext context, int thread, CallerFacts facts) =>
        callers.Identify(thread, facts, capabilities: false, out var caller) == Errno.OK ? caller : CallerOf(context);

    /// <summary>
    /// A caller that is not visible in our pid namespace: the kernel still tells the ids it checks file access with. Nothing
    /// is known of its groups and of what its own numbers for ids mean, so it has none of either.
    /// </summary>
    internal static Caller CallerOf(in RequestContext context) =>
        new(context.Uid, context.Uid, context.Gid, context.Gid, CapIpcOwner: false, context.Pid) { Maps = UserNamespaces.Nothing };

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
