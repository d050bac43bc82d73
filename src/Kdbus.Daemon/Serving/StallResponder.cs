using System.Collections.Concurrent;
using Kdbus.Fuse;
using Kdbus.Linux;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Frees a reader that is stuck in a caller's memory, where that is possible: when the memory is mapped from a FUSE mount
/// of the caller's own, whose server does not answer, that mount is aborted. Memory that blocks for another reason is left
/// alone; the number of readers that one user can tie down so is limited. Nobody else waits meanwhile, so there is time to
/// let a server that is merely slow answer. The caller may be killed in that time, and take the list of his mappings with
/// him while the reader stays stuck: so it is read early.
/// </summary>
internal sealed class StallResponder(uint ownDevice, ILogger log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(int Pid, ulong Address), Stall> _stalls = new();

    /// <summary>Told by the session, on its watchdog's thread, again and again while the reader is stuck.</summary>
    public void Stalled(in BlockingCaller caller, TimeSpan stuckFor)
    {
        if (caller.Pid == 0) return; // our own doing, see PoolPublisher
        var now = Environment.TickCount64;
        var stall = _stalls.GetOrAdd((caller.Pid, caller.Tag), static (_, told) => new Stall(told), caller);
        if (stall.SeenAt == 0)
        {
            log.ReaderStuck(caller.Pid, caller.Uid, (int)stuckFor.TotalMilliseconds);
            Forget(now);
        }

        stall.SeenAt = now;
        stall.MayAbort = stuckFor >= Patience;
        // The watchdog must go on watching, whatever the caller's /proc files do.
        if (stall.TryBegin()) ThreadPool.UnsafeQueueUserWorkItem(Respond, stall, preferLocal: false);
    }

    private void Respond(Stall stall)
    {
        try
        {
            if (ProcessMap.Open(stall.Caller.Pid, out var map) >= 0)
            {
                using (map) stall.Devices.UnionWith(map!.UnnamedDevices());
            }

            if (!stall.MayAbort || FuseControl.Open(out var control) < 0) return;
            using (control) Abort(stall, control!);
        }
        finally
        {
            stall.End();
        }
    }

    /// <summary>
    /// Which of the caller's buffers blocks is not known, and he may have remapped it: any mapping of a FUSE mount that is
    /// his own and has requests waiting is his doing.
    /// </summary>
    private void Abort(Stall stall, FuseControl control)
    {
        var caller = stall.Caller;
        Mounts.Read(out var mounts);
        foreach (var device in stall.Devices)
        {
            if (device == ownDevice || control.Owner(device) != caller.Uid || control.Waiting(device) <= 0) continue;
            // Another domain of the same owner has calls that wait by their nature.
            if (mounts.Any(mount => mount.DeviceMinor == device && mount.FileSystemType == "fuse.kdbusfs")) continue;
            if (control.Abort(device, caller.Uid) == 0) log.MountAborted(device, caller.Pid, caller.Uid);
        }
    }

    private void Forget(long now)
    {
        foreach (var (key, stall) in _stalls)
        {
            if (stall.SeenAt != 0 && now - stall.SeenAt > Memory.TotalMilliseconds) _stalls.TryRemove(key, out _);
        }
    }

    /// <summary>One reader that is stuck, or was a moment ago.</summary>
    private sealed class Stall(BlockingCaller caller)
    {
        private int _busy;

        public BlockingCaller Caller { get; } = caller;

        /// <summary>When the watchdog saw it last; only the watchdog's thread looks.</summary>
        public long SeenAt { get; set; }

        public volatile bool MayAbort;

        /// <summary>Devices without a disk that the caller has mapped, as far as seen; belongs to who is <see cref="TryBegin">busy</see> with it.</summary>
        public HashSet<uint> Devices { get; } = [];

        public bool TryBegin() => Interlocked.Exchange(ref _busy, 1) == 0;

        public void End() => Volatile.Write(ref _busy, 0);
    }
}
