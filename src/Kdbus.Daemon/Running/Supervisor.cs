using Kdbus.Daemon.Cli;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// One <c>kdbusfs run</c>: starts PROGRAM in a trap, answers what falls into it, and ends when nobody is in the trap any more. It stays the parent
/// of all that PROGRAM starts, whose memory and descriptors it may therefore have.
/// </summary>
internal sealed class Supervisor : IDisposable
{
    private readonly int _stop = EventFd.Create();
    private readonly RunningProgram _program;

    private Supervisor() => _program = new RunningProgram(() => EventFd.Signal(_stop));

    /// <summary>Does all of it.</summary>
    /// <param name="program">PROGRAM and its arguments, each with its NUL.</param>
    /// <returns>The exit code; what is wrong has been printed.</returns>
    internal static int Run(ReadOnlySpan<byte[]> program)
    {
        // Before anything of ours catches a signal. One that the runtime itself has ignored is not what our caller wanted ignored.
        int error = SignalMasks.ReadOwn(out SignalMasks signals);
        if (error < 0 || !File.Exists(FormattableString.Invariant($"/proc/self/task/{Environment.ProcessId}/mem")))
            return StandardError.Print(new Failure(ExitCode.System, "/proc is not that of this process: it is needed"));
        signals = signals with { Ignored = signals.Ignored & ~Signals.MaskOf(Signals.BrokenPipe) };
        if (Trap.IsSet)
            return TrappedStart.Execute(program, signals.Ignored, signals.Blocked);
        using var supervisor = new Supervisor();
        return supervisor.Run(program, signals);
    }

    public void Dispose()
    {
        _program.Dispose();
        _ = FileDescriptor.Close(_stop);
    }

    private int Run(ReadOnlySpan<byte[]> program, in SignalMasks signals)
    {
        // If it is ignored, nobody tells how children end.
        _ = Signals.SetDefault(Signals.Child);
        _ = CurrentProcess.SetChildSubreaper();
        int listener = Start(program, signals, out int error);
        if (error < 0)
            return StandardError.Print(new Failure(ExitCode.System, $"cannot start a process: {SystemError.Describe(error)}"));
        new Thread(_program.Reap, 256 * 1024) { IsBackground = true, Name = "children" }.Start();
        // It has said itself what is wrong.
        if (listener < 0)
            return _program.WaitForEnd();

        Withdraw();
        _ = FileDescriptor.RaiseOpenFilesLimit();
        _ = SeccompListener.TakeTurns(listener);
        error = new Attendants(listener).Start();
        if (error < 0)
            return StandardError.Print(new Failure(ExitCode.System, $"cannot serve the program: {SystemError.Describe(error)}"));
        WaitForAll(listener);
        return _program.WaitForEnd();
    }

    private int Start(ReadOnlySpan<byte[]> program, in SignalMasks signals, out int error)
    {
        error = DescriptorSocket.CreatePair(out int ours, out int theirs);
        if (error < 0)
            return error;
        byte[][] arguments = TrappedStart.Arguments(theirs, signals, program);
        // By its own number: all others may be in use by what our caller wants PROGRAM to have.
        error = _program.Start(Environment.ProcessPath ?? "/proc/self/exe", arguments, [new PassedDescriptor(theirs, theirs)]);
        _ = FileDescriptor.Close(theirs);
        int listener = error < 0 ? error : DescriptorSocket.Receive(ours);
        _ = FileDescriptor.Close(ours);
        return listener;
    }

    /// <summary>What our caller gave us was for PROGRAM: nothing is kept open or busy by us.</summary>
    private static void Withdraw()
    {
        int nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite);
        if (nothing >= 0)
        {
            _ = CurrentProcess.RedirectStandardStreams(nothing, nothing, -1);
            _ = FileDescriptor.Close(nothing);
        }
        _ = FileDescriptor.CloseInherited(StandardError.Descriptor + 1);
        Environment.CurrentDirectory = "/";
    }

    // Whoever is in the trap lets the listener hang up when he ends.
    private void WaitForAll(int listener)
    {
        Span<PollEntry> entries = [new PollEntry(listener, 0), new PollEntry(_stop, PollEvents.In)];
        while (FileDescriptor.Poll(entries, -1) is 0 or -SystemError.EINTR)
            continue;
    }
}
