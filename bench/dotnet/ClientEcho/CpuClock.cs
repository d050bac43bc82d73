using System.Runtime.InteropServices;

namespace Kdbus.Bench.ClientEcho;

/// <summary>CPU time of processes, as clock_getcpuclockid(3) has it: a burst is shorter than the ticks of /proc.</summary>
internal static partial class CpuClock
{
    /// <summary>Microseconds that all threads of these processes have used together.</summary>
    public static double Used(ReadOnlySpan<int> processes)
    {
        double sum = 0;
        foreach (int process in processes)
        {
            if (GetTime((~process << 3) | 2, out Timespec used) != 0)
                throw new InvalidOperationException($"The CPU time of process {process} cannot be read.");
            sum += (used.Seconds * 1e6) + (used.Nanoseconds / 1e3);
        }
        return sum;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetTime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
