namespace Kdbus.Hostile.Tests;

/// <summary>
/// The owner of a name has a writable mapping of its pool and writes over what lies there for the name. Whoever owns the name next gets what was
/// sent, byte for byte.
/// </summary>
public sealed class ScribblingOwnerTests
{
    private const string Name = "com.example.Contested";
    private const int PoolSize = 4 << 20;
    private const uint Stranger = 40003;

    private static readonly int[] s_sizes = [1, 100, 4096, 16_384, 16_385, 100_000];

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void What_an_activator_scribbled_over_arrives_as_it_was_sent(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name, poolSize: PoolSize));
        Peer next = scene.Connect();
        Peer sender = scene.Connect();
        SendAll(sender);
        // Having looked is no better a reason to be believed.
        activator.Free(activator.Receive(RecvFlags.Peek));
        Scribble(activator);
        next.Owns(Name);
        HasAll(next, sender);
        activator.HasNothingAndLost(0);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void What_went_through_the_pools_of_two_who_scribble_arrives_as_it_was_sent(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name, poolSize: PoolSize));
        Peer owner = scene.Connect(Peer.HelloCommand(poolSize: PoolSize));
        Peer next = scene.Connect();
        Peer sender = scene.Connect();
        owner.Owns(Name);
        SendAll(sender);
        Scribble(owner);
        owner.GivesUp(Name);
        Scribble(activator);
        next.Owns(Name);
        HasAll(next, sender);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void What_is_being_copied_when_the_name_goes_arrives_as_it_was_sent(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name, poolSize: PoolSize));
        Peer next = scene.Connect();
        Peer sender = scene.Connect();
        byte[] text = TextOf(100_000);
        ulong payload = slow.MapHeld(sender.Process, 0, text);
        ulong command = sender.Process.Scratch.Place(sender.SendCommand(m => m.ToName(Name).Cookie(5).Vec(payload, (ulong)text.Length)).ToArray());
        Pending send = sender.Process.IoctlInThread(sender.Handle.Descriptor, (uint)Command.Send, command);
        slow.AwaitHeld(0);
        Scribble(activator);
        next.Owns(Name);
        Scribble(activator);
        slow.Answer(0);
        Assert.Equal(Errno.OK, Handle.Outcome(send.Result()));
        ReceivedMessage message = next.ReceiveAndFree();
        Assert.Equal((sender.Id, 5UL, Name), (message.Header.SrcId, message.Header.Cookie, message.DestinationName));
        Assert.Equal(text, message.Payload);
    }

    private static void SendAll(Peer sender)
    {
        foreach (int size in s_sizes)
            Assert.Equal(Errno.OK, sender.Send(m => m.ToName(Name).Cookie((ulong)size).Priority(-size).NullVec(9).Vec(TextOf(size)).Vec("end"u8)));
    }

    private static void HasAll(Peer owner, Peer sender)
    {
        foreach (int size in s_sizes)
        {
            ReceivedMessage message = owner.ReceiveAndFree();
            Assert.Equal(
                (sender.Id, 0UL, (ulong)size, -(long)size, Constants.PayloadDBus, Name),
                (message.Header.SrcId, message.Header.DstId, message.Header.Cookie, message.Header.Priority, message.Header.PayloadType, message.DestinationName));
            Assert.Equal([.. new byte[9], .. TextOf(size), .. "end"u8], message.Payload);
        }
        owner.HasNothingAndLost(0);
    }

    /// <summary>Over all of its pool, through a mapping that it may write to.</summary>
    private static void Scribble(Peer owner)
    {
        long pool = owner.Process.Map(PoolSize, Protection.Read | Protection.Write, MapFlags.Shared, owner.Handle.Descriptor, 0);
        Assert.True(pool > 0, $"a writable mapping gave {(Errno)(-pool)}");
        byte[] junk = new byte[PoolSize];
        junk.AsSpan().Fill(0xee);
        owner.Process.Scratch.Write((ulong)pool, junk);
        Assert.Equal(0, owner.Process.Unmap((ulong)pool, PoolSize));
    }

    private static byte[] TextOf(int size)
    {
        byte[] text = new byte[size];
        for (int i = 0; i < size; i++)
            text[i] = (byte)(i * 31 + size);
        return text;
    }
}
