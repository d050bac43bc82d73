namespace Kdbus.Hostile.Tests;

/// <summary>The memory of pools is given back when nobody uses it, and only then.</summary>
public sealed class PoolMemoryTests
{
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_end_of_one_pool_leaves_the_others_alone(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer sender = scene.Connect();
        byte[] text = Enumerable.Repeat((byte)'k', 100_000).ToArray();

        // A pool that has just become idle is about to be given back when its owner goes. What takes its place must not suffer.
        for (int round = 0; round < 3; round++)
        {
            Peer leaving = scene.Connect();
            Assert.Equal(Errno.OK, sender.Send(m => m.To(leaving.Id).Vec(text)));
            leaving.ReceiveAndFree();
            leaving.Handle.Close();
            Peer coming = scene.Connect();
            Assert.Equal(Errno.OK, sender.Send(m => m.To(coming.Id).Vec(text)));
            ReceivedMessage kept = coming.Receive();
            Assert.Equal(text, kept.Payload);
            Thread.Sleep(2500);
            Assert.Equal(text, coming.Message(new KdbusMsgInfo { Offset = kept.Offset, MsgSize = (ulong)kept.SliceSize }).Payload);
        }
    }
}
