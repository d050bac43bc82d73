using System.Diagnostics;
using Kdbus.Abi;
using Kdbus.Daemon.Serving;
using Kdbus.Fuse;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon.Status;

/// <summary>
/// Makes what a status file shows, when it is opened: what is needed is copied out of the engine under its lock, and
/// rendered without it. The rendering takes a reader's time, which others must not wait for.
/// </summary>
internal sealed class StatusService(DomainHost host, FuseSession session, ILogger log)
{
    /// <summary>
    /// Bytes of open status files that one user may make the daemon keep; the file that goes beyond it is still opened.
    /// </summary>
    public const long MaxBytesPerUser = 64 << 20;

    /// <summary>The bytes of a file as of now: ENOENT if its bus has ended, EMFILE or EUSERS if the user has too many of them.</summary>
    public Errno Read(in RequestContext context, StatusPlace place, out byte[] content)
    {
        content = [];
        var began = Stopwatch.GetTimestamp();
        // It is our own doing that takes the time, though on the user's account: nobody's memory is suspected.
        if (!session.EnterBlocking(new BlockingCaller(0, context.Uid, 0))) return Errno.EUSERS;
        var result = Take(context.Uid, place, out var snapshot, out var now);
        var taken = Stopwatch.GetTimestamp();
        if (result == Errno.OK) content = snapshot!.Render(place.File!.AsJson, new Rendering(now, new ProcessNames()));
        session.LeaveBlocking();
        log.StatusShown(
            place.File!.Name,
            content.Length,
            (long)Stopwatch.GetElapsedTime(began, taken).TotalMicroseconds,
            (long)Stopwatch.GetElapsedTime(taken).TotalMicroseconds);
        return result;
    }

    private Errno Take(uint uid, StatusPlace place, out Snapshot? snapshot, out ulong now)
    {
        snapshot = null;
        using (host.Enter())
        {
            now = host.Now.Monotonic;
            if (place.IsGone) return Errno.ENOENT;
            if (host.ShownBytesOf(uid) >= MaxBytesPerUser) return Errno.EMFILE;
            snapshot = place.File!.Take(new StatusSource(host.Domain, place.Bus, host.Server!));
            return Errno.OK;
        }
    }
}
