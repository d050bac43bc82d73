using System.Buffers.Text;

namespace Kdbus.Linux;

/// <summary><c>/proc/PID/stat</c> (proc_pid_stat(5)): what its sister <c>status</c> does not tell.</summary>
public static class TaskStat
{
    private const int ClockTicks = 2; // _SC_CLK_TCK
    private static readonly long s_nanosecondsPerTick = 1_000_000_000 / (long)Libc.Sysconf(ClockTicks);

    /// <summary>
    /// When a process was started: nanoseconds of CLOCK_BOOTTIME, of which the kernel tells whole ticks (10 ms). Or -errno (-ENOENT or
    /// -ESRCH: no such process; -EPROTO: the text is not understood).
    /// </summary>
    public static long StartTime(int pid)
    {
        // The field is within the first 500 bytes, whatever the numbers and the name before it.
        Span<byte> text = stackalloc byte[1024];
        int length = ProcFile.Read(pid, "stat"u8, text);
        if (length < 0)
            return length;
        return TryParseStart(text[..length], out long ticks) ? ticks * s_nanosecondsPerTick : -SystemError.EPROTO;
    }

    /// <summary>Finds field 22, the start time in ticks. The name before it is the process' choice: it may contain blanks and brackets.</summary>
    internal static bool TryParseStart(ReadOnlySpan<byte> text, out long ticks)
    {
        const int FieldsBetween = 20;
        ReadOnlySpan<byte> rest = text[(text.LastIndexOf((byte)')') + 1)..];
        for (int i = 0; i < FieldsBetween; i++)
        {
            int blank = rest.IndexOf((byte)' ');
            if (blank < 0)
            {
                ticks = 0;
                return false;
            }
            rest = rest[(blank + 1)..];
        }
        return Utf8Parser.TryParse(rest, out ticks, out _) && ticks >= 0;
    }
}
