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
        // The main thread may be gone when others are not.
        Moment.Await(() => !HasThreadsLeft(process.Id), $"the end of process {process.Id}");
    }

    private static bool HasThreadsLeft(int id)
    {
        try
        {
            return Directory.EnumerateDirectories($"/proc/{id}/task").Any(static thread => !IsZombie(thread));
        }
        // ENOENT once the process has been waited for; ESRCH between the end of its last thread and that.
        catch (IOException)
        {
            return false;
        }
    }

    private static bool IsZombie(string thread)
    {
        try
        {
            string state = File.ReadAllText($"{thread}/stat");
            return state[state.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (IOException)
        {
            return true;
        }
    }
}
