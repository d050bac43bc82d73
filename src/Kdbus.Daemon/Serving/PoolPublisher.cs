using Kdbus.Engine;
using Kdbus.Fuse;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// Makes a slice visible through its owner's mapping before the command that tells its offset returns. With passthrough
/// there is nothing to do. In the page cache profile the slice is stored into the page cache of the file; before that a
/// page may show anything, since nobody was told to look there.
/// </summary>
internal sealed unsafe class PoolPublisher(DomainHost host, FuseSession session)
{
    /// <summary>The kernel takes this much in one store.</summary>
    private const int MaxStore = 128 * 1024;

    /// <summary>Set when the mount knows what it can do.</summary>
    public PoolProfile Profile { get; set; }

    /// <summary>Shows the slice to the owner of the handle.</summary>
    public void Publish(OpenFile file, PoolRange slice)
    {
        if (Profile == PoolProfile.Passthrough) return;

        // The owner may free a slice that he was not told of yet; the mapping must outlast this.
        var pool = file.Pool!;
        using (host.Enter()) pool.Pin();
        // A page may be locked by a fault that waits for our answer to its READ: another reader gives that answer.
        var entered = session.EnterBlocking(new BlockingCaller(0, Credentials.Uid, slice.Offset));
        for (var done = 0UL; done < slice.Size; done += MaxStore)
        {
            var size = (int)Math.Min(slice.Size - done, MaxStore);
            session.Notify.Store(file.Node.NodeId, slice.Offset + done, new ReadOnlySpan<byte>(pool.Address(slice.Offset + done), size));
        }

        if (entered) session.LeaveBlocking();
        using (host.Enter()) pool.Unpin();
    }

    /// <summary>HELLO gave the pool its size: a mapping of any part of it is good from now on.</summary>
    public void Grow(OpenFile file)
    {
        if (Profile == PoolProfile.Passthrough) return;
        session.Notify.Store(file.Node.NodeId, file.Pool!.Size - 1, [0]);
    }
}
