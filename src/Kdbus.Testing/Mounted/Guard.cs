using System.Globalization;
using Kdbus.Linux;

namespace Kdbus.Testing.Mounted;

/// <summary>
/// Outlives this process, whatever ends it, and then ends the daemon and removes the directory. It is a shell that waits at a pipe of which only this process
/// has the other end: a line means that nothing is left to do, its end that this process is gone.
/// </summary>
internal sealed class Guard : IDisposable
{
    // Not a death signal, prctl(2): that is sent when the thread ends that has started the daemon.
    private const string Script =
        """
        read line && exit 0
        kill "$1"
        for i in 1 2 3 4 5 6 7 8 9 10; do
            sleep 0.5
            rmdir "$2" 2>/dev/null && exit 0
        done
        kill -9 "$1"
        """;

    private readonly int _pid;
    private readonly int _pipe;

    private Guard(int pid, int pipe) => (_pid, _pipe) = (pid, pipe);

    /// <summary>Starts one. The daemon must not be waited for while it lives: until then nobody else gets its process id.</summary>
    /// <exception cref="InvalidOperationException">There is no shell, or it cannot be started.</exception>
    public static Guard Start(int daemon, string directory)
    {
        int error = FileDescriptor.Pipe(out int reading, out int writing);
        int pid = error;
        if (error == 0)
        {
            pid = ChildProcess.Spawn(
                "/bin/sh",
                ["sh", "-c", Script, "kdbusfs-guard", daemon.ToString(CultureInfo.InvariantCulture), directory],
                environment: null,
                [new PassedDescriptor(reading, 0)],
                newSession: true);
            _ = FileDescriptor.Close(reading);
        }
        if (pid > 0)
            return new Guard(pid, writing);
        if (error == 0)
            _ = FileDescriptor.Close(writing);
        throw new InvalidOperationException($"/bin/sh cannot be started: {SystemError.Describe(-pid)}.");
    }

    /// <summary>There is nothing to be afraid of any more.</summary>
    public void Dispose()
    {
        _ = FileDescriptor.Write(_pipe, "\n"u8);
        _ = FileDescriptor.Close(_pipe);
        _ = ChildProcess.Wait(_pid);
    }
}
