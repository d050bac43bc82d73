using Kdbus.Daemon.Status;
using Kdbus.Fuse;
using Kdbus.Linux;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon.Serving;

/// <summary>Serves one mount from the first request to the last.</summary>
public static class Server
{
    /// <summary>
    /// Serves the mount behind <paramref name="fuseDescriptor"/>, an open /dev/fuse in blocking mode that is mounted on
    /// <paramref name="mountPoint"/>; returns when it was unmounted. <paramref name="ready"/> is called once, when requests
    /// are about to be served, with the name of the profile in force.
    /// </summary>
    /// <returns>Null after an orderly end, else why the mount could not be served, for people.</returns>
    public static string? Run(ServerOptions options, int fuseDescriptor, string mountPoint, ILoggerFactory loggers, Action<string> ready)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(ready);
        var log = loggers.CreateLogger("kdbusfs");
        var openFiles = FileDescriptor.RaiseOpenFilesLimit();

        var device = DeviceOf(mountPoint);
        var responder = new StallResponder(device, log);
        var sessionOptions = new FuseSessionOptions
        {
            Stalled = responder.Stalled,
            Bug = bug => log.Bug(bug),
            Trace = options.Trace ? new FuseTextTrace(log.FuseMessage) : null,
        };
        using var callers = new ProcessCallers(device, openFiles);
        using var fileSystem = new KdbusFileSystem(new FuseDevice(fuseDescriptor), callers, options with { OpenFiles = openFiles }, sessionOptions, log);
        var session = fileSystem.Session;
        if (session.Initialize() is { } end && end != FuseSessionEnd.Unmounted) return session.EndDescription ?? end.ToString();
        if (fileSystem.Refusal is { } refusal) return refusal;

        ready(Words.Of(fileSystem.Profile));
        end = session.Run();
        log.Ended(session.EndDescription ?? end.ToString());
        return end is FuseSessionEnd.Refused or FuseSessionEnd.Failed ? session.EndDescription ?? end.ToString() : null;
    }

    /// <summary>The number under which files of the mount are known to the kernel; asking the mount itself would wait for us.</summary>
    private static uint DeviceOf(string mountPoint)
    {
        Mounts.Read(out var mounts);
        return mounts.LastOrDefault(mount => mount.MountPoint == mountPoint)?.DeviceMinor ?? 0;
    }
}
