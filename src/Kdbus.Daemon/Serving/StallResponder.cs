using Kdbus.Fuse;
using Kdbus.Linux;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Frees a reader that is stuck in a caller's memory, where that is possible: when the memory is mapped from a FUSE mount
/// of the caller's own, whose server does not answer, that mount is aborted. Memory that blocks for another reason is left
/// alone; the number of readers that one user can tie down so is limited. Nobody else waits meanwhile, so there is time to
/// let a server that is merely slow answer.
/// </summary>
internal sealed class StallResponder(uint ownDevice, ILogger log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LogPause = TimeSpan.FromSeconds(10);

    private int _pid;
    private long _loggedAt;
    private int _aborting;

    /// <summary>Told by the session, on its watchdog's thread, again and again while the reader is stuck.</summary>
    public void Stalled(in BlockingCaller caller, TimeSpan stuckFor)
    {
        var now = Environment.TickCount64;
        if (_pid != caller.Pid || now - _loggedAt > LogPause.TotalMilliseconds)
        {
            (_pid, _loggedAt) = (caller.Pid, now);
            log.ReaderStuck(caller.Pid, caller.Uid, (int)stuckFor.TotalMilliseconds);
        }

        if (stuckFor < Patience || caller.Pid == 0) return;
        // The watchdog must go on watching, whatever the caller's /proc files do; one at a time is enough.
        if (Interlocked.Exchange(ref _aborting, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(AbortMountsBehind, caller, preferLocal: false);
    }

    private void AbortMountsBehind(BlockingCaller caller)
    {
        try
        {
            if (ProcessMap.Open(caller.Pid, out var map) < 0) return;
            using (map)
            {
                if (FuseControl.Open(out var control) < 0) return;
                using (control) Abort(map!, control!, caller);
            }
        }
        finally
        {
            Volatile.Write(ref _aborting, 0);
        }
    }

    /// <summary>
    /// Which of the caller's buffers blocks is not known, and he may have remapped it: any mapping of a FUSE mount that is
    /// his own and has requests waiting is his doing.
    /// </summary>
    private void Abort(ProcessMap map, FuseControl control, in BlockingCaller caller)
    {
        foreach (var device in map.UnnamedDevices())
        {
            if (device == ownDevice || control.Owner(device) != caller.Uid || control.Waiting(device) <= 0) continue;
            if (control.Abort(device, caller.Uid) == 0) log.MountAborted(device, caller.Pid, caller.Uid);
        }
    }
}
