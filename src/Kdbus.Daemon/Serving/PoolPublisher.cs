using Kdbus.Engine;
using Kdbus.Fuse;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Makes a slice visible through its owner's mapping before the command that tells its offset returns. With passthrough
/// there is nothing to do. In the page cache profile the slice is stored into the page cache of the file; before that a
/// page may show anything, since nobody was told to look there.
/// </summary>
internal sealed unsafe class PoolPublisher(DomainHost host, FuseSession session)
{
    /// <summary>A user id that no user has.</summary>
    private const uint NobodysAccount = uint.MaxValue;

    /// <summary>The kernel takes this much in one store.</summary>
    private const int MaxStore = 128 * 1024;

    /// <summary>Set when the mount knows what it can do.</summary>
    public PoolProfile Profile { get; set; }

    /// <summary>Shows the slice to the owner of the handle, and ends the pin that its pool has had since the slice was published.</summary>
    public void Publish(OpenFile file, PoolRange slice)
    {
        if (Profile == PoolProfile.PageCache) Store(file, slice);
        using (host.Enter()) file.Pool!.Unpin();
    }

    /// <summary>HELLO gave the pool its size: a mapping of any part of it is good from now on.</summary>
    public void Grow(OpenFile file)
    {
        if (Profile == PoolProfile.Passthrough) return;
        session.Notify.Store(file.Node.NodeId, file.Pool!.Size - 1, [0]);
    }

    private void Store(OpenFile file, PoolRange slice)
    {
        var pool = file.Pool!;
        // A page may be locked by a fault that waits for our answer to its READ: another reader gives that answer. It is
        // our own doing and on no user's account: whoever has four callers stuck must not make us wait for ourselves.
        var entered = session.EnterBlocking(new BlockingCaller(0, NobodysAccount, slice.Offset));
        for (var done = 0UL; done < slice.Size; done += MaxStore)
        {
            var size = (int)Math.Min(slice.Size - done, MaxStore);
            session.Notify.Store(file.Node.NodeId, slice.Offset + done, new ReadOnlySpan<byte>(pool.Address(slice.Offset + done), size));
        }

        if (entered) session.LeaveBlocking();
    }
}
