namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>How a mount ends, with and without users.</summary>
public class MountWorldTests
{
    private const int Aborted = 103;
    private const int NotConnected = 107;

    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_daemon_that_is_asked_to_end_takes_its_mount_along(WorldKind kind)
    {
        using Scene scene = new(kind);
        MountWorld world = (MountWorld)scene.World;
        scene.Connect();
        Assert.True(world.IsMounted());
        Assert.Equal(0, world.Terminate());
        Assert.False(world.IsMounted());
        Assert.Empty(Directory.EnumerateFileSystemEntries(world.Root));
    }

    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Who_waits_when_the_daemon_ends_is_let_go(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(1, a.Deadline(600_000)));
        b.AwaitMessage();
        Pending poll = b.Process.PollInThread(b.Handle.Descriptor, PollEvents.In, Pending.Forever);
        Assert.True(poll.StaysBlocked());
        Assert.Equal(0, ((MountWorld)scene.World).Terminate());
        Assert.True((int)call.Result() is Aborted or NotConnected or (int)Errno.ENODEV or (int)Errno.ECONNRESET);
        Assert.True((poll.Result() & PollEvents.Err) != 0);
        Assert.True((int)a.Recv().Result is Aborted or NotConnected);
    }
}
