namespace Kdbus.Hostile.Tests;

/// <summary>An EXCHANGE whose caller's memory does not answer when it has done something already.</summary>
public sealed class StuckExchangeTests
{
    private const int Large = 100_000;
    private const uint Stranger = 40003;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_signal_ends_it_and_when_it_is_repeated_nothing_is_sent_twice(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer sender = scene.ConnectAs(Scene.User);
        Assert.Equal(0, sender.Process.Handle(Signals.User1, restart: false));
        ulong memory = slow.MapHeld(sender.Process, 0, new byte[Large]);
        ExchangeCall batch = sender.Exchange()
            .Sends(receiver, 1, "first"u8)
            .Sends(m => m.To(receiver.Id).Cookie(2).Vec(memory, Large))
            .Sends(receiver, 3, "last"u8)
            .Start();
        slow.AwaitHeld(0);
        others.GoesOn($"{kind} stuck");

        Assert.Equal(0, sender.Process.SignalThread(batch.Thread, Signals.User1));
        Exchanged interrupted = batch.Result();
        Assert.Equal((Errno.EINTR, 2UL), (interrupted.Result, interrupted.Command.Progress));
        slow.Answer(0);

        Assert.Equal(3U, batch.Again().Succeeds().Sent);
        Assert.Equal([1, 2, 3], receiver.ReceiveAll().Select(static m => m.Header.Cookie));
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_fifth_stuck_command_of_a_user_is_the_error_of_its_message(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer sender = scene.ConnectAs(Scene.User);
        ulong memory = slow.MapHeld(sender.Process, 0, []);
        List<Pending> stuck = [];
        for (int i = 0; i < 4; i++)
        {
            stuck.Add(sender.Process.IoctlInThread(sender.Handle.Descriptor, (uint)Command.Recv, memory + (ulong)i * 0x40000));
            slow.AwaitHeld(0, i + 1);
        }

        // What the command carries itself needs nobody's memory.
        Exchanged some = sender.Exchange().Sends(receiver, 1, "carried"u8).Sends(m => m.To(receiver.Id).Cookie(2).Vec("elsewhere"u8)).Run();
        Assert.Equal((Errno.OK, 1U, Errno.EUSERS), (some.Result, some.Command.Sent, some.Error));
        Assert.Equal([1UL], receiver.Exchange().Receives().Succeeds().Cookies);
        others.GoesOn($"{kind} four stuck");
        slow.Answer(0);
        foreach (Pending command in stuck)
            Assert.True(command.Result() < 0);
    }
}
