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
    private readonly Alarm _alarm;
    private readonly int _stop = EventFd.Create();
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private ulong _armed = ulong.MaxValue;

    public DeadlineTimer(DomainHost host, Action advance)
    {
        _host = host;
        _alarm = new Alarm(host.Clock);
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
            _alarm.Set(next);
        }
    }

    public void Dispose()
    {
        EventFd.Signal(_stop);
        _thread.Join();
        _alarm.Dispose();
        FileDescriptor.Close(_stop);
    }

    private void Run()
    {
        Span<PollEntry> entries = [new PollEntry(_alarm.Descriptor, PollEvents.In), new PollEntry(_stop, PollEvents.In)];
        while (true)
        {
            FileDescriptor.Poll(entries, -1);
            if (entries[1].Returned != 0) return;
            if (entries[0].Returned == 0) continue;
            _alarm.Drain();
            lock (_lock) Volatile.Write(ref _armed, ulong.MaxValue);
            _advance();
            Update();
        }
    }
}
