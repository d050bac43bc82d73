using Kdbus.Engine;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// The two clocks that a domain reads: the kernel's, or those of a <see cref="TimeProvider"/>, which a test moves by hand.
/// </summary>
internal sealed class DomainClock
{
    /// <summary>Where the monotonic clock of a provider begins: at no time that a deadline of 0, which means none, could be taken for.</summary>
    private const ulong Start = 1_000_000_000;

    private const ulong NanosecondsPerTick = 100;

    private readonly long _started;

    private DomainClock()
    {
    }

    /// <summary>A clock that begins now and goes as <paramref name="time"/> goes.</summary>
    public DomainClock(TimeProvider time)
    {
        Time = time;
        _started = time.GetTimestamp();
    }

    /// <summary>CLOCK_MONOTONIC and CLOCK_REALTIME.</summary>
    public static DomainClock Kernel { get; } = new();

    /// <summary>By what it goes; null if by the kernel's clocks.</summary>
    public TimeProvider? Time { get; }

    /// <summary>Both clocks, now.</summary>
    public Instant Now => Time is null
        ? new((ulong)Clock.MonotonicNanoseconds, (ulong)Clock.RealtimeNanoseconds)
        : new(Start + Nanoseconds(Time.GetElapsedTime(_started)), Nanoseconds(Time.GetUtcNow() - DateTimeOffset.UnixEpoch));

    private static ulong Nanoseconds(TimeSpan time) => (ulong)Math.Max(time.Ticks, 0) * NanosecondsPerTick;
}
