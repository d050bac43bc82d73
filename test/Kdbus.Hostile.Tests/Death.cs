using System.Diagnostics;

namespace Kdbus.Hostile.Tests;

/// <summary>SIGKILL, to processes of a scene.</summary>
internal static class Death
{
    /// <summary>Kills a process and waits until it is gone. One that the kernel cannot get out of a system call fails the test.</summary>
    public static void Of(IProcess process)
    {
        using Process victim = Process.GetProcessById(process.Id);
        victim.Kill();
        Moment.Await(() => victim.HasExited, $"the end of process {process.Id}");
    }
}
