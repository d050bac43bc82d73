using System.Diagnostics;

namespace Kdbus.Fuse.Internal;

/// <summary>
/// Sees to it that nobody can stop the session by making a reader wait for his memory. It looks at the readers once per threshold while blocking sections
/// come by, and sleeps for good when there have been none for a while; the first section after that wakes it. A section seen twice, a threshold
/// apart, is a stall: the turn goes to another reader.
/// </summary>
internal sealed class StallWatchdog : IDisposable
{
    /// <summary>How many looks without any section before it goes to sleep. Waking it costs the reader a system call, so not at the first pause.</summary>
    private const int QuietLooks = 40;

    private readonly ReaderRoster _roster;
    private readonly FuseSessionOptions _options;
    private readonly IFuseChannel _channel;
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly Thread _thread;
    private readonly long _threshold;
    private readonly long _reminder;
    private long _sections;
    private int _asleep;
    private volatile bool _stop;
    private volatile bool _keepWaking;

    public StallWatchdog(ReaderRoster roster, FuseSessionOptions options, IFuseChannel channel)
    {
        _roster = roster;
        _options = options;
        _channel = channel;
        _threshold = (long)(options.StallThreshold.TotalSeconds * Stopwatch.Frequency);
        _reminder = (long)(options.StallReminder.TotalSeconds * Stopwatch.Frequency);
        _thread = new Thread(Watch) { IsBackground = true, Name = "fuse watchdog" };
    }

    /// <summary>It sleeps: no section has come by for a while.</summary>
    public bool IsAsleep => Volatile.Read(ref _asleep) != 0;

    public void Begin() => _thread.Start();

    /// <summary>A reader just entered a section; its state was published with a full fence before.</summary>
    public void SectionEntered()
    {
        if (Volatile.Read(ref _asleep) != 0 && Interlocked.Exchange(ref _asleep, 0) != 0)
            _wake.Set();
    }

    /// <summary>From now on wakes the reader at each look, until the watch ends: a reader on its way into a read misses a single one.</summary>
    public void KeepWaking()
    {
        _keepWaking = true;
        _wake.Set();
    }

    /// <summary>Ends the watch, at the latest after one threshold.</summary>
    public void Stop()
    {
        _stop = true;
        _wake.Set();
        if (_thread.IsAlive && _thread != Thread.CurrentThread)
            _thread.Join(_options.StopGrace);
    }

    /// <summary>Only when no reader is left that could enter a section.</summary>
    public void Dispose() => _wake.Dispose();

    private void Watch()
    {
        int quiet = 0;
        while (!_stop)
        {
            if (_keepWaking)
                _channel.Wake();
            quiet = Look() || _keepWaking ? 0 : quiet + 1;
            if (quiet < QuietLooks)
            {
                _wake.WaitOne(_options.StallThreshold);
                continue;
            }

            Interlocked.Exchange(ref _asleep, 1);
            // Who entered a section before that did not wake us; who enters after it will.
            if (!Look() && !_keepWaking)
                _wake.WaitOne();
            Interlocked.Exchange(ref _asleep, 0);
            quiet = 0;
        }
    }

    /// <returns>Whether there is a section now, or there was one since the last look.</returns>
    private bool Look()
    {
        long now = Stopwatch.GetTimestamp();
        long sections = 0;
        bool any = false;
        foreach (FuseReader reader in _roster.Readers)
        {
            bool blocking = reader.IsBlocking(out long section, out bool lost);
            sections += section;
            if (!blocking)
                continue;
            any = true;
            WatchNotes notes = reader.Notes;
            if (notes.Section != section)
            {
                notes.Section = section;
                notes.Since = now;
                notes.NextReport = now + _threshold;
            }
            else if (now >= notes.NextReport)
            {
                Report(reader, section, lost, now);
            }
        }

        // Readers come and go, so the sum may repeat; a section that is missed by that is seen, if it lasts, by the look itself.
        any |= sections != _sections;
        _sections = sections;
        return any;
    }

    private void Report(FuseReader reader, long section, bool lost, long now)
    {
        BlockingCaller caller = reader.Caller;
        if (!lost && !_roster.HandOver(reader, section))
            return;
        // A reader without the turn may have left meanwhile and entered the next section: then the copy is worthless.
        if (lost && (!reader.IsBlocking(out long current, out _) || current != section))
            return;
        reader.Notes.NextReport = now + _reminder;
        // It got stuck after it had lost the turn: then nobody takes the turn anew and sees to what it has left undone, unless told.
        if (lost)
            _channel.Wake();
        try
        {
            _options.Stalled?.Invoke(in caller, Stopwatch.GetElapsedTime(reader.Notes.Since, now));
        }
        catch (Exception exception)
        {
            // The watch goes on whatever the callback does.
            var bug = new FuseBugException($"The Stalled callback threw {exception.GetType().Name}: {exception.Message}", exception);
            _options.Trace?.Problem(bug.Message);
            _options.Bug?.Invoke(bug);
        }
    }
}
