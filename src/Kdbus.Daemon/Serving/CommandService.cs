using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Kdbus.Abi;
using Kdbus.Engine;
using Kdbus.Fuse;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// A command's way: ask whether it may be issued, fetch it (no lock held, the caller's memory may block), decide under
/// the lock, copy a large payload (no lock), commit, store the results (no lock), answer. What the command caused for
/// others is carried out after it is answered, so that nobody's memory can hold up somebody else's call.
/// </summary>
internal sealed class CommandService(DomainHost host, ICallers callers, FuseSession session, PoolPublisher publisher)
{
    /// <summary>Result by which the kernel repeats a call whose signal handler allows that, or fails it with EINTR.</summary>
    private const int RestartSys = -512;

    /// <summary>Too many callers of this user, or of all, sit on memory that does not answer.</summary>
    private const Errno TooManyStuck = Errno.EUSERS;

    public void Run(in IoctlRequest request, FuseReply reply)
    {
        OpenFile? file;
        Errno admitted;
        CallerNeeds needs;
        using (host.Enter())
        {
            file = host.FindFile(request.Handle);
            admitted = host.Domain.Admit(request.Handle, request.Command, out needs);
            if (file is { Status: not null }) admitted = Errno.ENOTTY;
        }

        if (file == null || admitted != Errno.OK)
        {
            reply.Ioctl(-(int)(file == null ? Errno.EBADF : admitted));
            return;
        }

        Run(request, reply, file, needs);
        Carry();
    }

    /// <summary>A signal arrived at the caller of a command that has not been answered.</summary>
    public void Interrupt(in InterruptRequest request, HeldReply target)
    {
        using (host.Enter())
        {
            // A call that waits, the engine knows about. With any other the reader is stuck in the caller's memory, taking the
            // command in or storing its results. The caller may go; the reader will find the command answered. It looks
            // under this lock before the command takes effect.
            if (target.IsHeld && host.IsPending(request.Target)) host.Domain.Interrupt(request.Target);
            else target.Error((int)Errno.EINTR);
        }

        Carry();
    }

    /// <summary>Ends what has a deadline that has passed.</summary>
    public void Advance()
    {
        using (host.Enter()) host.Domain.Advance(DomainHost.Now);
        // Nobody watches the timer's thread: it leaves alone what may block, which is what a reader has caused and will see to.
        while (CarryNext(withAnswers: false))
        {
        }
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

    private bool CarryNext(bool withAnswers)
    {
        bool wakes, fails, tells, answers;
        ulong pollHandle;
        RefusalNote told = default;
        (PendingCall Call, Completion Completion) due = default;
        ulong deadline;
        using (host.Enter())
        {
            wakes = host.TakeWake(out pollHandle);
            fails = !wakes && host.TakeFailed(out due);
            tells = !wakes && !fails && host.Refusals.TryTake(out told);
            answers = withAnswers && !wakes && !fails && !tells && host.TakeAnswered(out due);
            deadline = host.Domain.NextDeadline;
        }

        if (wakes) session.Notify.Poll(pollHandle);
        else if (fails) due.Call.Reply.Ioctl(due.Completion.Restart ? RestartSys : -(int)due.Completion.Result);
        else if (tells) host.Refusals.Write(told);
        else if (answers) End(due.Call, due.Completion.Reply);
        else host.Timer?.Update(deadline);
        return wakes || fails || tells || answers;
    }

    private void Run(in IoctlRequest request, FuseReply reply, OpenFile file, CallerNeeds needs)
    {
        var context = request.Context;
        var layout = CommandLayout.Of(request.Command)!;
        var buffers = CallBuffers.OfThisThread;
        var fetch = new CommandFetch(callers, buffers, context.Pid, reply);

        var blocks = !CommandFetch.IsWhole(request, layout);
        if (blocks && !Enter(context, request.Argument))
        {
            reply.Ioctl(-(int)TooManyStuck);
            return;
        }

        var fetched = fetch.Frame(request, layout, out var frame);
        ReadOnlySpan<byte> message = default, payload = default;
        var place = PayloadPlace.Here;
        if (fetched == Errno.OK && layout.Command == Command.Send)
        {
            ref var send = ref MemoryMarshal.AsRef<KdbusCmdSend>(frame);
            message = fetch.Message(send.MsgAddress);
            place = fetch.Payload(message, out payload);
            fetched = ClearReturnFlags(request, reply, ref send);
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
            Caller = needs != CallerNeeds.None ? Identify(context, needs) : default,
            Now = DomainHost.Now,
            Frame = frame,
            Message = message,
            Payload = payload,
            PayloadPlace = place,
            Random = layout.Command == Command.BusMake ? NewRandom() : default,
        };

        var decided = Decide(ref call, context, request.Argument, file, reply, out var outcome);
        if (decided && outcome.Kind == OutcomeKind.Copy)
        {
            decided = CopyAndCommit(ref call, ref outcome, fetch, message, context, request.Argument, file, reply);
        }

        if (decided && outcome.Kind == OutcomeKind.Done) Finish(request, reply, file, layout, frame, outcome);
    }

    /// <summary>
    /// The critical section; false if a signal answered the command while we were stuck in its caller's memory: then it
    /// must not happen. A call that will wait is known as such before anybody can end it.
    /// </summary>
    private bool Decide(ref Invocation call, in RequestContext context, ulong argument, OpenFile file, FuseReply reply, out Outcome outcome)
    {
        outcome = default;
        using (host.Enter())
        {
            if (reply.IsAnswered) return false;
            if (call.Ioctl == (uint)Command.Hello) call.Pool = SizePool(file, call);
            outcome = host.Domain.Execute(ref call);
            if (outcome.Kind == OutcomeKind.Pending) Hold(context, argument, file, reply);
            if (outcome.Kind == OutcomeKind.Copy) Pin(outcome.Transfer!);
            // The owner may free the slice before he is told of it; the mapping must outlast its publication.
            if (outcome.Published.Size > 0) file.Pool!.Pin();
            return true;
        }
    }

    /// <summary>The way of a large payload; false if the command was answered by a signal meanwhile, then it is given up.</summary>
    private bool CopyAndCommit(
        ref Invocation call,
        ref Outcome outcome,
        in CommandFetch fetch,
        ReadOnlySpan<byte> message,
        in RequestContext context,
        ulong argument,
        OpenFile file,
        FuseReply reply)
    {
        var transfer = outcome.Transfer!;
        var copied = Copy(transfer, fetch, message, context, argument);
        using (host.Enter())
        {
            var answered = reply.IsAnswered;
            outcome = host.Domain.Commit(ref call, outcome, answered ? Errno.EINTR : copied);
            // Not before: a message that goes with its name is read from the pool of one who may have left.
            foreach (var delivery in transfer.Deliveries) ((PoolFile)delivery.Memory).Unpin();
            if (outcome.Kind == OutcomeKind.Pending) Hold(context, argument, file, reply);
            return !answered;
        }
    }

    /// <summary>Brings a large payload to where room is reserved for it: straight into the pool if it goes to one only.</summary>
    private Errno Copy(Transfer transfer, in CommandFetch fetch, ReadOnlySpan<byte> message, in RequestContext context, ulong argument)
    {
        if (!Enter(context, argument)) return TooManyStuck;
        if (transfer.IsDirect)
        {
            var delivery = transfer.Deliveries[0];
            var copied = fetch.Copy(message, (PoolFile)delivery.Memory, delivery.AreaOffset);
            session.LeaveBlocking();
            return copied;
        }

        var size = CommandFetch.PayloadSize(message);
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        var fetched = fetch.Copy(message, buffer.AsSpan(0, size));
        session.LeaveBlocking();
        if (fetched == Errno.OK) transfer.Fill(message, buffer.AsSpan(0, size));
        ArrayPool<byte>.Shared.Return(buffer);
        return fetched;
    }

    private static void Pin(Transfer transfer)
    {
        foreach (var delivery in transfer.Deliveries) ((PoolFile)delivery.Memory).Pin();
    }

    private void Hold(in RequestContext context, ulong argument, OpenFile file, FuseReply reply) =>
        host.Add(context.Unique, new PendingCall(reply.Hold(), file, context.Pid, context.Uid, argument));

    private void Finish(in IoctlRequest request, FuseReply reply, OpenFile file, CommandLayout layout, Span<byte> frame, in Outcome outcome)
    {
        if (outcome.Made && layout.Command == Command.Hello) publisher.Grow(file);
        if (outcome.Published.Size > 0) Publish(file, outcome.Published);

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
        using (host.Enter()) host.Domain.Undo(file.Handle, DomainHost.Now);
    }

    private Errno Store(in IoctlRequest request, FuseReply reply, Span<byte> frame, in Stores stores)
    {
        if (!Enter(request.Context, request.Argument)) return TooManyStuck;
        var result = reply.IsAnswered ? Errno.EINTR : new CommandStore(callers, CallBuffers.OfThisThread, request.Context.Pid).Write(request.Argument, frame, stores);
        session.LeaveBlocking();
        return result;
    }

    /// <summary>Ends a call that waited for an answer. Its caller's memory may block; by now nobody else's call depends on us.</summary>
    private void End(in PendingCall call, KdbusMsgInfo answer)
    {
        Publish(call.File, new PoolRange(answer.Offset, answer.MsgSize));
        call.Reply.Ioctl(-(int)StoreReply(call, answer));
    }

    /// <summary>Shows a slice, and ends the pin that it has had since it was published.</summary>
    private void Publish(OpenFile file, PoolRange slice)
    {
        publisher.Publish(file, slice);
        using (host.Enter()) file.Pool!.Unpin();
    }

    private Errno StoreReply(in PendingCall call, KdbusMsgInfo info)
    {
        if (!session.EnterBlocking(new BlockingCaller(call.Thread, call.Uid, call.Argument))) return TooManyStuck;
        var result = call.Reply.IsPending ? WriteTo(call.Thread, call.Argument + CommandStore.ReplyOffset, ref info) : Errno.EINTR;
        session.LeaveBlocking();
        return result;
    }

    private bool Enter(in RequestContext context, ulong address) =>
        session.EnterBlocking(new BlockingCaller(context.Pid, context.Uid, address));

    private Caller Identify(in RequestContext context, CallerNeeds needs) =>
        callers.Identify(context.Pid, needs, capabilities: false, out var caller) == Errno.OK ? caller : CallerOf(context);

    /// <summary>A caller that is not visible in our pid namespace: the kernel still tells the ids it checks file access with.</summary>
    internal static Caller CallerOf(in RequestContext context) =>
        new(context.Uid, context.Uid, context.Gid, context.Gid, CapIpcOwner: false, context.Pid);

    /// <summary>Gives the pool the size that HELLO asks for, if that can be; the engine judges whether it may be.</summary>
    private PoolFile? SizePool(OpenFile file, in Invocation call)
    {
        if (host.Domain.Admit(call.Handle, call.Ioctl, out _) != Errno.OK) return null;
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
        return WriteTo(request.Context.Pid, request.Argument + CommandStore.ReturnFlagsOffset, ref send.ReturnFlags);
    }

    private unsafe Errno WriteTo<T>(int thread, ulong address, ref T value)
        where T : unmanaged
    {
        fixed (T* local = &value)
        {
            var written = callers.Write(thread, [new IoVec(local, (nuint)sizeof(T))], [new RemoteIoVec(address, (ulong)sizeof(T))]);
            return written == sizeof(T) ? Errno.OK : Errno.EFAULT;
        }
    }

    private static UInt128 NewRandom()
    {
        Span<byte> bytes = stackalloc byte[16];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    }
}
