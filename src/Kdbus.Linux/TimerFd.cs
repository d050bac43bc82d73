using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>timerfd_create(2) on CLOCK_MONOTONIC: a deadline to poll for. One shot; the descriptor is non-blocking and owned by whoever
/// created it.</summary>
public static unsafe class TimerFd
{
    /// <summary>A new, disarmed timer: its descriptor, or -errno.</summary>
    public static int Create() => Libc.Result(Libc.TimerfdCreate(1, OpenFlags.NonBlocking | OpenFlags.CloseOnExec));

    /// <summary>Sets the deadline, in place of an earlier one: 0 or -errno. A time already past fires at once.</summary>
    /// <param name="fd">The timer.</param>
    /// <param name="monotonicNanoseconds">Absolute, on the clock of <see cref="Clock.MonotonicNanoseconds"/>; 0 and less fire at
    /// once.</param>
    public static int Set(int fd, long monotonicNanoseconds)
    {
        // A zero time would disarm the timer, the opposite of "long past".
        long deadline = Math.Max(monotonicNanoseconds, 1);
        TimerSetting setting = default;
        setting.Value.Seconds = deadline / 1_000_000_000;
        setting.Value.Nanoseconds = deadline % 1_000_000_000;
        return Libc.Result(Libc.TimerfdSettime(fd, 1 /* TFD_TIMER_ABSTIME */, &setting, null));
    }

    /// <summary>Takes the deadline away: 0 or -errno.</summary>
    public static int Disarm(int fd)
    {
        TimerSetting setting = default;
        return Libc.Result(Libc.TimerfdSettime(fd, 0, &setting, null));
    }

    /// <summary>Takes note that the timer fired, so that it is no longer readable: the number of times (0: it had not), or
    /// -errno.</summary>
    public static long Drain(int fd)
    {
        ulong count = 0;
        int result = FileDescriptor.Read(fd, MemoryMarshal.AsBytes(new Span<ulong>(ref count)));
        return result == -SystemError.EAGAIN ? 0 : result < 0 ? result : (long)count;
    }
}
