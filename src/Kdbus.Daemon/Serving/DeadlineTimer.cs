using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Ends what has a deadline when no request comes that would. One timer stands for the earliest deadline; it is set
/// anew only when an earlier one appears, so a stream of calls that all end well costs it nothing.
/// </summary>
internal sealed class DeadlineTimer : IDisposable
{
    private readonly DomainHost _host;
    private readonly Action _advance;
    private readonly int _timer = TimerFd.Create();
    private readonly int _stop = EventFd.Create();
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private ulong _armed = ulong.MaxValue;

    public DeadlineTimer(DomainHost host, Action advance)
    {
        _host = host;
        _advance = advance;
        _thread = new Thread(Run, 256 * 1024) { IsBackground = true, Name = "deadlines" };
        _thread.Start();
    }

    /// <summary>Looks whether the earliest deadline has become earlier.</summary>
    public void Update()
    {
        ulong next;
        using (_host.Enter()) next = _host.Domain.NextDeadline;
        Update(next);
    }

    /// <summary>The earliest deadline is this, and may have become earlier.</summary>
    public void Update(ulong next)
    {
        if (next >= Volatile.Read(ref _armed)) return;
        lock (_lock)
        {
            if (next >= _armed) return;
            Volatile.Write(ref _armed, next);
            TimerFd.Set(_timer, (long)Math.Min(next, long.MaxValue));
        }
    }

    public void Dispose()
    {
        EventFd.Signal(_stop);
        _thread.Join();
        FileDescriptor.Close(_timer);
        FileDescriptor.Close(_stop);
    }

    private void Run()
    {
        Span<PollEntry> entries = [new PollEntry(_timer, PollEvents.In), new PollEntry(_stop, PollEvents.In)];
        while (true)
        {
            FileDescriptor.Poll(entries, -1);
            if (entries[1].Returned != 0) return;
            if (entries[0].Returned == 0) continue;
            TimerFd.Drain(_timer);
            lock (_lock) Volatile.Write(ref _armed, ulong.MaxValue);
            _advance();
            Update();
        }
    }
}
