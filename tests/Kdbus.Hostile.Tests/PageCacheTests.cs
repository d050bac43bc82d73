using System.Globalization;

namespace Kdbus.Hostile.Tests;

/// <summary>A pool shows its owner the bytes of the messages in it and never what lay there before, however pages come and go.</summary>
public sealed class PageCacheTests
{
    private const int Rounds = 3000;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void No_stale_page_is_ever_seen(WorldKind kind)
    {
        using Scene scene = new(kind);
        using Chatter others = new(scene);
        using Tool pages = new("pages", scene.Bus.Endpoint, Rounds.ToString(CultureInfo.InvariantCulture));
        Moment.Await(
            () =>
            {
                // Memory pressure, as far as it can be made: whatever of the page cache can go, goes.
                File.WriteAllText("/proc/sys/vm/drop_caches", "3");
                Thread.Sleep(200);
                return pages.HasEnded;
            },
            "the end of the rounds");
        Assert.Equal(Rounds.ToString(CultureInfo.InvariantCulture), pages.ReadAtTheEnd());
        others.GoesOn($"{kind} pages dropped");
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_client_that_scribbles_over_its_pool_hurts_only_itself(WorldKind kind)
    {
        const int Size = 1 << 20;
        using Scene scene = new(kind);
        using Chatter others = new(scene);
        Peer sender = scene.Connect();
        Peer scribbler = scene.Connect(Peer.HelloCommand(poolSize: Size));
        IProcess process = scribbler.Process;
        long pool = process.Map(Size, Protection.Read | Protection.Write, MapFlags.Shared, scribbler.Handle.Descriptor, 0);
        Assert.True(pool > 0, $"a writable mapping gave {(Errno)(-pool)}");
        byte[] junk = Enumerable.Repeat((byte)0xff, Size).ToArray();

        for (int round = 0; round < 20; round++)
        {
            process.Scratch.Write((ulong)pool, junk);
            Assert.Equal(Errno.OK, sender.Send(m => m.To(scribbler.Id).Vec(new byte[40_000])));
            // Over what is queued, too: neither the queue nor the allocator is kept where the client can write.
            process.Scratch.Write((ulong)pool, junk);
            KdbusMsgInfo at = scribbler.Recv().Command.Msg;
            Assert.InRange(at.Offset, 0UL, Size - at.MsgSize);
            Assert.InRange(at.MsgSize, 40_000UL, 41_000UL);
            process.Scratch.Write((ulong)pool, junk);
            Assert.Equal(Errno.OK, scribbler.Free(at.Offset));
            Assert.Equal(Errno.ENXIO, scribbler.Free(at.Offset));
        }
        others.GoesOn($"{kind} scribbling");
        Assert.Equal(Errno.OK, sender.Send(m => m.To(scribbler.Id).Vec("clean"u8)));
        Assert.Equal("clean"u8.ToArray(), scribbler.ReceiveAndFree().Payload);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_pool_cannot_be_resized_or_written_by_its_owner(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer sender = scene.Connect();
        Peer owner = scene.Connect(Peer.HelloCommand(poolSize: 1 << 20));
        Assert.Equal(Errno.OK, sender.Send(m => m.To(owner.Id).Vec(new byte[40_000])));
        Assert.Equal(-(int)Errno.EINVAL, owner.Process.Write(owner.Handle.Descriptor, new byte[8192]));
        Assert.Equal(-(int)Errno.EPERM, owner.Process.Truncate(scene.Bus.Endpoint, 0));
        Assert.Equal(-(int)Errno.EPERM, owner.Process.Open(scene.Bus.Endpoint, OpenFlags.ReadWrite | 0x200 /* O_TRUNC */));
        KdbusMsgInfo at = owner.Recv().Command.Msg;
        Assert.InRange(at.MsgSize, 40_000UL, 41_000UL);
        Assert.Equal(Errno.OK, owner.Free(at.Offset));
        Assert.Equal(Errno.OK, sender.Send(m => m.To(owner.Id).Vec("after"u8)));
        Assert.Equal("after"u8.ToArray(), owner.ReceiveAndFree().Payload);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_message_may_lie_in_the_senders_own_pool(WorldKind kind)
    {
        using Scene scene = new(kind);
        using Chatter others = new(scene);
        Peer sender = scene.Connect();
        Peer receiver = scene.Connect();
        byte[] text = [.. Enumerable.Range(0, 90_000).Select(static i => (byte)(i * 7))];
        Assert.Equal(Errno.OK, receiver.Send(m => m.To(sender.Id).Vec(text)));
        ReceivedMessage own = sender.Receive();
        ulong payload = sender.PoolAddress + own.Offset + own.Pieces[0].Offset;
        for (int round = 0; round < 10; round++)
        {
            // Its pages must be asked for from the daemon, while the daemon is in the middle of reading them.
            File.WriteAllText("/proc/sys/vm/drop_caches", "1");
            Assert.Equal(Errno.OK, sender.Send(m => m.To(receiver.Id).Vec(payload, 90_000)));
            Assert.Equal(text, receiver.ReceiveAndFree().Payload);
            Assert.Equal(Errno.OK, sender.Send(m => m.To(sender.Id).Vec(payload, 5000)));
            Assert.Equal(text[..5000], sender.ReceiveAndFree().Payload);
        }
        others.GoesOn($"{kind} messages out of pools");
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_file_of_the_domain_that_is_no_pool_is_no_memory(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer peer = scene.Connect();
        foreach (string path in (string[])[scene.PathOf("control"), scene.Bus.Endpoint])
        {
            Handle file = Handle.Open(peer.Process, path);
            long at = peer.Process.Map(1 << 20, Protection.Read, MapFlags.Shared, file.Descriptor, 0);
            if (at < 0)
                continue;
            Assert.Equal(Errno.EFAULT, peer.Handle.Run(Command.Recv, (ulong)at));
            Assert.Equal(Errno.EFAULT, peer.Send(m => m.To(peer.Id).Vec((ulong)at, 100)));
            Assert.Equal(Errno.EFAULT, peer.Send(m => m.To(peer.Id).Vec((ulong)at, 100_000)));
        }
        peer.HasNothing();
    }
}
