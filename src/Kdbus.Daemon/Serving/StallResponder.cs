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

    /// <summary>Told by the session, again and again while the reader is stuck.</summary>
    public void Stalled(in BlockingCaller caller, TimeSpan stuckFor)
    {
        log.ReaderStuck(caller.Pid, caller.Uid, (int)stuckFor.TotalMilliseconds);
        if (stuckFor < Patience || caller.Pid == 0 || ProcessMap.Open(caller.Pid, out var map) < 0) return;
        using (map)
        {
            AbortMountsBehind(map!, caller);
        }
    }

    private void AbortMountsBehind(ProcessMap map, in BlockingCaller caller)
    {
        if (FuseControl.Open(out var control) < 0) return;
        using (control)
        {
            // Which of the caller's buffers blocks is not known, and it may have remapped it: any mapping of a FUSE mount
            // that is the caller's own and has requests waiting is his doing.
            foreach (var device in map.UnnamedDevices())
            {
                if (device == ownDevice || control!.Owner(device) != caller.Uid || control.Waiting(device) <= 0) continue;
                if (control.Abort(device, caller.Uid) == 0) log.MountAborted(device, caller.Pid, caller.Uid);
            }
        }
    }
}
