using System.Diagnostics;

namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>
/// A small process that outlives a run which is ended in the middle of a test, by whatever means: when its standard input ends
/// without the word that all is well, it ends the daemon and takes the mount and its directory away.
/// </summary>
internal sealed class MountGuard
{
    private const string Script = """
        trap '' TERM INT HUP
        read -r _ && exit
        kill -TERM "$1"
        tries=0
        while kill -0 "$1" && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
        kill -KILL "$1"
        umount -l "$2"
        rmdir "$2"
        """;

    private readonly Process _process;

    public MountGuard(int daemon, string directory)
    {
        ProcessStartInfo start = new("/bin/sh", ["-c", Script, "mount-guard", $"{daemon}", directory])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("/bin/sh did not start.");
    }

    /// <summary>There is nothing left to guard.</summary>
    public void Release()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Flush();
        _process.WaitForExit();
        _process.Dispose();
    }
}
