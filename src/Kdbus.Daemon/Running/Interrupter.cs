using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// Looks after calls that wait. Their callers sleep in the kernel and are waked by nothing but death, since we have taken their calls; so a
/// thread looks every now and then whether a caller has died, or would have been waked by a signal, and interrupts the call that is made for
/// him. It sleeps when there are none.
/// </summary>
internal sealed class Interrupter
{
    // Milliseconds between looks: at first, and when calls have waited for long.
    private const int ShortPause = 20;
    private const int LongPause = 100;
    private const int LooksBeforeLongPause = 50;

    private readonly int _listener;
    private readonly List<WaitingCall> _waiting = [];
    private readonly object _lock = new();
    private byte[] _buffer = new byte[4096];
    private PollEntry[] _entries = [];
    private int _looks;

    internal Interrupter(int listener)
    {
        _listener = listener;
        new Thread(Watch, 256 * 1024) { IsBackground = true, Name = "interrupts" }.Start();
    }

    /// <summary>The calling thread is about to wait for a caller.</summary>
    internal WaitingCall Begin(Caller caller, ulong id)
    {
        var call = new WaitingCall(caller, id, CurrentProcess.ThreadId);
        lock (_lock)
        {
            _waiting.Add(call);
            _looks = 0;
            if (_waiting.Count == 1)
                Monitor.Pulse(_lock);
        }
        return call;
    }

    /// <summary>It waits no longer, and is not interrupted any more: why it was, if it was.</summary>
    internal Interruption End(WaitingCall call)
    {
        lock (_lock)
        {
            _ = _waiting.Remove(call);
            return call.Interruption;
        }
    }

    /// <summary>Whether it has been interrupted by us.</summary>
    internal bool HasInterrupted(WaitingCall call)
    {
        lock (_lock)
            return call.Interruption is not Interruption.None;
    }

    private void Watch()
    {
        while (true)
        {
            int count, pause;
            lock (_lock)
            {
                // Lingers a little: who calls often need not wake it each time.
                while (_waiting.Count == 0 && _looks >= LooksBeforeLongPause)
                    _ = Monitor.Wait(_lock);
                pause = _looks++ < LooksBeforeLongPause ? ShortPause : LongPause;
                count = _waiting.Count;
                if (_entries.Length < count)
                    _entries = new PollEntry[count * 2];
                for (int i = 0; i < count; i++)
                    _entries[i] = new PollEntry(_waiting[i].Interruption is Interruption.None ? _waiting[i].Caller.PidFd : -1, PollEvents.In);
            }
            // A pidfd is readable when its thread has ended. One that has been closed meanwhile only makes for an early look.
            _ = FileDescriptor.Poll(_entries.AsSpan(0, count), pause);
            lock (_lock)
            {
                foreach (WaitingCall call in _waiting)
                    Look(call);
            }
        }
    }

    private void Look(WaitingCall call)
    {
        if (call.Interruption is Interruption.None)
            call.Interruption = ReasonFor(call);
        if (call.Interruption is Interruption.None)
            return;
        // A call that was only about to be made is not interrupted by this: the next look repeats it.
        _ = ThreadSignal.Interrupt(call.Thread);
        _looks = 0;
    }

    private Interruption ReasonFor(WaitingCall call)
    {
        if (!SeccompListener.IsValid(_listener, call.Id) || !call.Caller.TryReadSignals(ref _buffer, out SignalMasks masks))
            return Interruption.Gone;
        // One that is ignored never becomes pending, so each of these would make the caller return to do something about it.
        if ((masks.Pending & ~masks.Blocked) != 0)
            return Interruption.Signal;
        if ((masks.SharedPending & ~masks.Blocked) == 0)
        {
            call.SawSharedSignal = false;
            return Interruption.None;
        }
        if (masks.Threads == 1)
            return Interruption.Signal;
        // The kernel has chosen a thread for it, which takes it at once unless it is this one.
        bool stays = call.SawSharedSignal;
        call.SawSharedSignal = true;
        return stays ? Interruption.PerhapsSignal : Interruption.None;
    }
}
