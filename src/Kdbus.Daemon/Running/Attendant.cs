using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// A thread that takes calls of the programs that are run, one at a time. A command that may bring descriptors is issued here in the caller's
/// place; anything else, and whatever cannot be done, is left to the caller, as if nobody were there.
/// </summary>
internal sealed class Attendant : IDisposable
{
    // What becomes of a call besides being answered with 0 or -errno.
    private const int LeaveToCaller = 1;

    private readonly Attendants _all;
    private readonly int _listener;
    private readonly Callers _callers;
    private readonly KdbusFiles _files;
    private readonly Interrupter _interrupter;
    private readonly Delivery _delivery;
    private readonly CommandCopy _command = new();
    private readonly MessageCopy _message = new();

    private Attendant(Attendants all, int listener, Callers callers, KdbusFiles files, Interrupter interrupter, Delivery delivery)
    {
        _all = all;
        _listener = listener;
        _callers = callers;
        _files = files;
        _interrupter = interrupter;
        _delivery = delivery;
    }

    /// <summary>A new one: 0, or -errno.</summary>
    internal static int Create(
        Attendants all, int listener, Callers callers, KdbusFiles files, Interrupter interrupter, out Attendant? attendant)
    {
        int error = Delivery.Create(out Delivery? delivery);
        attendant = error < 0 ? null : new Attendant(all, listener, callers, files, interrupter, delivery!);
        return error;
    }

    /// <summary>Takes calls until there are no callers any more, or enough others to take them.</summary>
    internal void Serve()
    {
        do
        {
            if (!TryReceive(out TrappedCall call))
                break;
            _all.Busy();
            int result = Handle(call);
            // Nothing needs to be done if the caller is gone.
            _ = result == LeaveToCaller
                ? SeccompListener.Continue(_listener, call.Id)
                : SeccompListener.Answer(_listener, call.Id, result);
        }
        while (_all.Free());
        Dispose();
    }

    public void Dispose() => _delivery.Dispose();

    private bool TryReceive(out TrappedCall call)
    {
        while (true)
        {
            int error = SeccompListener.Receive(_listener, out call);
            if (error == 0)
                return true;
            Span<PollEntry> entry = [new PollEntry(_listener, 0)];
            if (error is not (-SystemError.EINTR or -SystemError.ENOENT) || FileDescriptor.Poll(entry, 0) != 0)
                return false;
        }
    }

    private int Handle(in TrappedCall call)
    {
        if ((uint)call.Argument1 == Trap.Probe)
            return 0;
        Caller? caller = _callers.Take(call);
        if (caller is null)
            return LeaveToCaller;
        int result = (uint)call.Argument1 == (uint)Command.Recv ? Receive(call, caller) : Send(call, caller);
        _callers.GiveBack(caller);
        return result;
    }

    private int Receive(in TrappedCall call, Caller caller)
    {
        if (!_command.TryReadFixed(caller, call.Argument2, Command.Recv))
            return LeaveToCaller;
        // To look at a message or to drop it brings nothing.
        if ((_command.As<KdbusCmdRecv>().Flags & ~(ulong)RecvFlags.UsePriority) != 0 || !_command.TryReadItems(caller))
            return LeaveToCaller;
        int file = OpenEndpoint(call, caller);
        if (file < 0)
            return LeaveToCaller;
        int result;
        do
        {
            result = _command.Issue(file, Command.Recv, _delivery.Socket, caller.PidFd);
        }
        while (result == -SystemError.EINTR);
        if (result == 0)
            Deliver(call, file, ref _command.As<KdbusCmdRecv>().Msg);
        _ = FileDescriptor.Close(file);
        // Any other error has changed nothing, and the caller finds it himself.
        if (result is not (0 or -SystemError.EAGAIN))
            return LeaveToCaller;
        return _command.Store(caller) ? result : -SystemError.EFAULT;
    }

    private int Send(in TrappedCall call, Caller caller)
    {
        if (!_command.TryReadFixed(caller, call.Argument2, Command.Send))
            return LeaveToCaller;
        if (_command.As<KdbusCmdSend>().Flags != (ulong)SendFlags.SyncReply || !_command.TryReadItems(caller))
            return LeaveToCaller;
        int file = OpenEndpoint(call, caller);
        if (file < 0)
            return LeaveToCaller;

        int result = LeaveToCaller;
        if (_all.BusyForLong()
            && _message.TryTake(caller, _command.As<KdbusCmdSend>().MsgAddress)
            && _message.TryTakeDescriptors(caller, _command.Items))
            result = SendAndWait(call, caller, file);
        // Before the answer: a connection lives for as long as anybody has it open.
        _message.Release();
        _ = FileDescriptor.Close(file);
        return result;
    }

    private int SendAndWait(in TrappedCall call, Caller caller, int file)
    {
        _command.As<KdbusCmdSend>().MsgAddress = _message.Address;
        WaitingCall waiting = _interrupter.Begin(caller, call.Id);
        int result;
        do
        {
            result = _command.Issue(file, Command.Send, _delivery.Socket, caller.PidFd);
        }
        while (result == -SystemError.EINTR && !_interrupter.HasInterrupted(waiting));
        Interruption why = _interrupter.End(waiting);
        if (result == 0)
            Deliver(call, file, ref _command.As<KdbusCmdSend>().Reply);
        else
            _delivery.Drain();
        return result switch
        {
            // The bus knows a call that is repeated. If nobody can tell whether the signal is for this thread the kernel decides it.
            -SystemError.EINTR => why is Interruption.Signal ? -SystemError.ERESTARTSYS : LeaveToCaller,
            // Before anything was sent; perhaps only because it was us who sent it.
            -SystemError.EINVAL or -SystemError.EXDEV or -SystemError.ENOTTY or -SystemError.EFAULT or -SystemError.EBADF
                or -SystemError.EPERM or -SystemError.EACCES => LeaveToCaller,
            _ => _command.Store(caller) ? result : -SystemError.EFAULT,
        };
    }

    /// <summary>A copy of the endpoint a command is for, or a negative number if it is none.</summary>
    private int OpenEndpoint(in TrappedCall call, Caller caller)
    {
        int file = caller.CopyDescriptor((int)call.Argument0);
        if (file < 0 || _files.Contain(file, caller))
            return file;
        _ = FileDescriptor.Close(file);
        return -SystemError.ENOTTY;
    }

    private void Deliver(in TrappedCall call, int file, ref KdbusMsgInfo message)
    {
        if (!_delivery.Deliver(_listener, call.Id, file, message.Offset))
            message.ReturnFlags |= (ulong)RecvReturnFlags.IncompleteFds;
    }
}
