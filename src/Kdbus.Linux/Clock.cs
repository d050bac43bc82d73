namespace Kdbus.Linux;

/// <summary>
/// The kernel's clocks in nanoseconds, as signed 64 bits (292 years). kdbus stamps messages with both: the monotonic one orders and times
/// out, the real-time one is for people.
/// </summary>
public static unsafe class Clock
{
    /// <summary>CLOCK_MONOTONIC: since boot, never set back, not counting suspend.</summary>
    public static long MonotonicNanoseconds => Read(1);

    /// <summary>CLOCK_REALTIME: since 1970-01-01 UTC; jumps when the clock is set.</summary>
    public static long RealtimeNanoseconds => Read(0);

    private static long Read(int clock)
    {
        TimeSpec now;
        _ = Libc.ClockGettime(clock, &now);
        return (now.Seconds * 1_000_000_000) + now.Nanoseconds;
    }
}
