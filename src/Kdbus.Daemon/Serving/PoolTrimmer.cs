using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Gives the memory of pools that nobody uses back to the host. Not at once, for a busy pool is empty between any two
/// messages: a pool is trimmed when it was idle from one look to the next, a second later. Nobody looks while there is
/// nothing to look at.
/// </summary>
internal sealed class PoolTrimmer : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly DomainHost _host;
    private readonly FuseSession _session;
    private readonly PoolProfile _profile;
    private readonly Timer _timer;
    private readonly List<PoolFile> _watched = [];

    public PoolTrimmer(DomainHost host, FuseSession session, PoolProfile profile)
    {
        _host = host;
        _session = session;
        _profile = profile;
        _timer = new Timer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>A pool has become idle; called under the lock of the engine.</summary>
    public void Watch(PoolFile pool)
    {
        pool.IsWatched = true;
        pool.WasUsed = true;
        _watched.Add(pool);
        if (_watched.Count == 1) _timer.Change(Period, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Trims what has been idle since the last look, and looks again if there is more.</summary>
    public void Look()
    {
        List<PoolFile>? trimmed = null;
        using (_host.Enter())
        {
            for (var i = _watched.Count - 1; i >= 0; i--)
            {
                var pool = _watched[i];
                var idle = pool.IsIdle && !pool.WasUsed;
                if (idle)
                {
                    pool.Trim();
                    (trimmed ??= []).Add(pool);
                }

                // One that is in use becomes idle again some day, and is watched again then.
                if (idle || !pool.IsIdle)
                {
                    pool.IsWatched = false;
                    _watched.RemoveAt(i);
                }

                pool.WasUsed = false;
            }

            if (_watched.Count > 0) _timer.Change(Period, Timeout.InfiniteTimeSpan);
        }

        if (_profile == PoolProfile.Passthrough || trimmed == null) return;

        // Not a reader's work: it waits for pages that a client may be reading at this moment.
        foreach (var pool in trimmed) _session.Notify.InvalInode(pool.NodeId, 0, 0);
    }

    public void Dispose() => _timer.Dispose();
}
