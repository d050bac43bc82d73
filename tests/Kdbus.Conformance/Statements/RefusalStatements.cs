using Kdbus.Conformance.Worlds.Simulated;

namespace Kdbus.Conformance.Statements;

/// <summary>What the operator is told when a message finds no room.</summary>
public class RefusalStatements
{
    [Theory, Worlds]
    public void REF_01_a_full_queue_is_told_once_with_who_fills_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer receiver = scene.Connect(Peer.HelloCommand().Text(ItemType.ConnDescription, "clock"));
        Peer flood = scene.Connect();
        Peer drop = scene.Connect();
        Assert.Equal(Errno.OK, receiver.Handle.Run(
            Command.NameAcquire, WireStruct.Of(Command.NameAcquire).Text(ItemType.Name, "org.example.Clock")).Result);
        for (int i = 0; i < 6; i++)
            Assert.Equal(Errno.OK, drop.Send(m => m.To(receiver.Id)));
        for (int i = 0; i < 250; i++)
            Assert.Equal(Errno.OK, flood.Send(m => m.To(receiver.Id)));
        for (int i = 0; i < 20; i++)
            Assert.Equal(Errno.ENOBUFS, flood.Send(m => m.To(receiver.Id)));

        string line = Assert.Single(Await(scene, 1));
        Assert.Contains($"connection {receiver.Id} (org.example.Clock, pid {Process(receiver)}, 'clock') on bus 0-test has no room for ", line, StringComparison.Ordinal);
        Assert.Contains($" from connection {flood.Id} (pid {Process(flood)}) (ENOBUFS): user 0 holds 256 of 256 messages and ", line, StringComparison.Ordinal);
        Assert.Contains(
            $" bytes there: connection {flood.Id} (pid {Process(flood)}) 250 messages 16,000 bytes, connection {drop.Id} (pid {Process(drop)}) 6 messages 384 bytes; it has never been read.",
            line,
            StringComparison.Ordinal);

        // Another sender is another matter.
        receiver.Receive(RecvFlags.Peek);
        Assert.Equal(Errno.ENOBUFS, drop.Send(m => m.To(receiver.Id)));
        line = Await(scene, 2)[1];
        Assert.Contains($" from connection {drop.Id} ", line, StringComparison.Ordinal);
        Assert.Contains("; it was last read 0 s ago.", line, StringComparison.Ordinal);

        string Process(Peer peer) => world == WorldKind.Memory ? $"{peer.Process.Id}" : $"{peer.Process.Id} puppet";
    }

    [Theory, Worlds(WorldKind.Memory)]
    public void REF_02_what_was_not_told_is_counted_in_the_next_line(WorldKind world)
    {
        using Scene scene = new(world);
        Peer receiver = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Peer sender = scene.Connect();
        byte[] large = new byte[4096];
        for (int i = 0; i < 18; i++)
            Assert.Equal(Errno.ENOBUFS, sender.Send(m => m.To(receiver.Id).Vec(large)));
        ((MemoryWorld)scene.World).Time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(Errno.ENOBUFS, sender.Send(m => m.To(receiver.Id).Vec(large)));
        IReadOnlyList<string> lines = Await(scene, 2);
        Assert.DoesNotContain("times more", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("; it has never been read; the same 17 times more since last told.", lines[1], StringComparison.Ordinal);
    }

    [Theory, Worlds(WorldKind.Memory)]
    public void REF_03_many_different_ones_are_told_up_to_a_number_and_then_counted(WorldKind world)
    {
        using Scene scene = new(world);
        byte[] large = new byte[4096];
        Peer receiver = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Peer[] senders = [.. Enumerable.Range(0, 300).Select(_ => scene.Connect(scene.Process, Peer.HelloCommand(poolSize: 4096)))];
        foreach (Peer sender in senders)
            Assert.Equal(Errno.ENOBUFS, sender.Send(m => m.To(receiver.Id).Vec(large)));
        Assert.Equal(256, Await(scene, 256).Count);
        ((MemoryWorld)scene.World).Time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(Errno.ENOBUFS, senders[299].Send(m => m.To(receiver.Id).Vec(large)));
        Assert.EndsWith("; 44 others were not told.", Await(scene, 257)[256], StringComparison.Ordinal);
    }

    [Theory, Worlds]
    public void REF_04_a_pool_that_nobody_frees_is_told_as_such(WorldKind world)
    {
        using Scene scene = new(world);
        Peer receiver = scene.Connect(Peer.HelloCommand(poolSize: 8192));
        Peer sender = scene.Connect();
        while (sender.Send(m => m.To(receiver.Id).Vec(new byte[1000])) == Errno.OK)
            receiver.Receive();
        string line = Await(scene, 1)[0];
        Assert.Contains("(EXFULL): of its pool of 8,192 bytes ", line, StringComparison.Ordinal);
        Assert.Contains(" are in use, queued or received and not freed, and the largest free range has ", line, StringComparison.Ordinal);
    }

    /// <summary>Lines come after the answer that they are about. A loaded machine may cause warnings of another kind.</summary>
    private static IReadOnlyList<string> Await(Scene scene, int count)
    {
        SpinWait.SpinUntil(() => Lines(scene).Count >= count, Pending.Patience);
        Thread.Sleep(50);
        IReadOnlyList<string> lines = Lines(scene);
        Assert.Equal(count, lines.Count);
        return lines;
    }

    private static IReadOnlyList<string> Lines(Scene scene) =>
        [.. scene.World.Warnings.Where(static line => line.Contains(" has no room for ", StringComparison.Ordinal))];
}
