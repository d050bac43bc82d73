namespace Kdbus.Hostile.Tests;

/// <summary>What a connection costs the daemon while nothing happens on it.</summary>
public sealed class IdleMemoryTests
{
    private const int Connections = 1000;
    private const long BytesForEach = 8 * 1024;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void An_idle_connection_costs_the_daemon_at_most_8_KiB_and_its_pool_no_page(WorldKind kind)
    {
        using Scene scene = new(kind);
        int daemon = DaemonUse.IdOf(scene);
        // Once to warm up: what a hundred connections make the daemon take once is not what each of them costs.
        Peer sender = scene.Connect();
        List<Peer> peers = Connect(scene, 100);
        Thread.Sleep(3500);
        DaemonUse before = DaemonUse.Of(daemon);
        long pagesBefore = PoolPages(daemon);
        peers.AddRange(Connect(scene, Connections));
        foreach (Peer peer in peers)
        {
            Assert.Equal(Errno.OK, sender.Send(m => m.To(peer.Id).Vec(new byte[20_000])));
            peer.ReceiveAndFree();
        }

        // What was used is given back when nobody has used it for a while.
        Moment.Await(() => PoolPages(daemon) <= pagesBefore, "no pages in unused pools");
        Thread.Sleep(1500);
        DaemonUse after = DaemonUse.Of(daemon);
        long each = (after.PrivateBytes - before.PrivateBytes) / Connections;
        TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: {each} bytes for each connection\nbefore: {before}\nafter:  {after}");
        Assert.Equal(Connections, after.PoolDescriptors - before.PoolDescriptors);
        Assert.InRange(after.PoolMappings, 0, 1);
        Assert.InRange(each, 0, BytesForEach);
    }

    /// <summary>Connections of several processes and users, for there are limits for each.</summary>
    private static List<Peer> Connect(Scene scene, int count)
    {
        List<Peer> peers = [];
        IProcess process = scene.Process;
        for (int i = 0; i < count; i++)
        {
            if (i % 100 == 0)
                process = scene.SpawnAs(Scene.User + (uint)(i / 100));
            peers.Add(scene.Connect(process, Peer.HelloCommand(poolSize: 1 << 20)));
        }
        return peers;
    }

    /// <summary>Blocks of 512 bytes in all pools.</summary>
    private static long PoolPages(int daemon)
    {
        long blocks = 0;
        foreach (string path in Directory.EnumerateFileSystemEntries($"/proc/{daemon}/fd"))
        {
            if (new FileInfo(path).LinkTarget?.Contains("kdbus-pool", StringComparison.Ordinal) is true
                && Linux.FileStatus.Of(path, out Linux.FileStatus status) >= 0)
            {
                blocks += (long)status.Blocks;
            }
        }
        return blocks;
    }
}
