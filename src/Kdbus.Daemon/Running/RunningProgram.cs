using System.Runtime.InteropServices;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// PROGRAM as a child of ours: signals that we get are passed on to it, and its end is noticed. Descendants whose parents have ended are our
/// children too.
/// </summary>
internal sealed class RunningProgram : IDisposable
{
    private static readonly int[] s_passedOn =
        [Signals.Terminate, Signals.HangUp, Signals.User1, Signals.User2, Signals.Continue, Signals.WindowChange];

    // The terminal sends these to PROGRAM as well.
    private static readonly int[] s_ignored = [Signals.Interrupt, Signals.Quit];

    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly TaskCompletionSource<int> _ended = new();
    private readonly Action _stop;
    private readonly Lock _lock = new();
    private int _pid;
    private int _pidfd = -1;

    /// <summary>Begins to catch signals.</summary>
    /// <param name="stop">What to do when a signal asks us to end after PROGRAM has ended.</param>
    internal RunningProgram(Action stop)
    {
        _stop = stop;
        foreach (int signal in (ReadOnlySpan<int>)[.. s_passedOn, .. s_ignored])
        {
            // The runtime knows some by names of its own, and these numbers by themselves.
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
            {
                context.Cancel = true;
                Pass(signal);
            }));
        }
    }

    /// <summary>Starts it: 0, or -errno.</summary>
    internal int Start(string path, ReadOnlySpan<byte[]> arguments, ReadOnlySpan<PassedDescriptor> descriptors)
    {
        // Signals wait until it is known to whom they go.
        lock (_lock)
        {
            _pid = ChildProcess.Spawn(path, arguments, descriptors);
            if (_pid > 0)
                _pidfd = PidFd.Open(_pid);
            return Math.Min(_pid, 0);
        }
    }

    /// <summary>Takes leave of children that end, until there are none.</summary>
    internal void Reap()
    {
        while (ChildProcess.WaitAny(out int code) is > 0 and var pid)
        {
            if (pid == _pid)
                _ = _ended.TrySetResult(code);
        }
        _ = _ended.TrySetResult(Cli.ExitCode.System);
    }

    /// <summary>Waits for its end: its exit code, or 128 + the number of the signal that ended it.</summary>
    internal int WaitForEnd() => _ended.Task.GetAwaiter().GetResult();

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        if (_pidfd >= 0)
            _ = FileDescriptor.Close(_pidfd);
    }

    // A process that has ended takes signals until its parent has taken leave of it, and does nothing about them.
    private bool HasEnded()
    {
        Span<PollEntry> entry = [new PollEntry(_pidfd, PollEvents.In)];
        return _ended.Task.IsCompleted || FileDescriptor.Poll(entry, 0) > 0;
    }

    private void Pass(int signal)
    {
        lock (_lock)
        {
            if (HasEnded())
            {
                if (signal is Signals.Terminate or Signals.HangUp or Signals.Interrupt or Signals.Quit)
                    _stop();
            }
            else if (!s_ignored.Contains(signal) && _pidfd >= 0)
            {
                _ = PidFd.Signal(_pidfd, signal);
            }
        }
    }
}
