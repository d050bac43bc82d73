using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>A descriptor that becomes readable at a time of a <see cref="DomainClock"/>: a timerfd, or an eventfd that a provider's timer signals.</summary>
internal sealed class Alarm : IDisposable
{
    /// <summary>Providers take no more than 2^32 ms at a time. Whoever is told too early looks, and sets it anew.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(40);

    private readonly DomainClock _clock;
    private readonly ITimer? _timer;

    public Alarm(DomainClock clock)
    {
        _clock = clock;
        if (clock.Time is null)
        {
            Descriptor = TimerFd.Create();
            return;
        }

        var descriptor = EventFd.Create();
        Descriptor = descriptor;
        _timer = clock.Time.CreateTimer(_ => EventFd.Signal(descriptor), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What is to be polled.</summary>
    public int Descriptor { get; }

    /// <summary>Sets the time, nanoseconds of the monotonic clock, in place of an earlier one; a time already past is now.</summary>
    public void Set(ulong monotonic)
    {
        if (_timer is null)
        {
            TimerFd.Set(Descriptor, (long)Math.Min(monotonic, long.MaxValue));
            return;
        }

        var now = _clock.Now.Monotonic;
        // Rounded up: at the time itself, not a moment before it.
        var ticks = monotonic <= now ? 0 : Math.Min((monotonic - now - 1) / 100 + 1, (ulong)s_longest.Ticks);
        _timer.Change(TimeSpan.FromTicks((long)ticks), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes note that the time has come, so that the descriptor is no longer readable.</summary>
    public void Drain()
    {
        if (_timer is null) TimerFd.Drain(Descriptor);
        else EventFd.Drain(Descriptor);
    }

    public void Dispose()
    {
        _timer?.Dispose();
        FileDescriptor.Close(Descriptor);
    }
}
