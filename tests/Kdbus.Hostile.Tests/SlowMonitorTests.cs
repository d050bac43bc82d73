namespace Kdbus.Hostile.Tests;

/// <summary>Monitors get a copy of everything. One that does not keep up loses copies, and nobody else loses or waits for anything.</summary>
public sealed class SlowMonitorTests
{
    private const int Messages = 600;
    private const int Large = 200_000;
    private const long AllowedGrowth = 32 << 20;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_monitor_that_never_reads_loses_what_does_not_fit_and_holds_up_nobody(WorldKind kind)
    {
        using Scene scene = new(kind);
        (Peer sender, Peer receiver) = (scene.ConnectAs(Scene.User), scene.ConnectAs(Scene.User));
        Peer monitor = scene.Connect(Peer.MonitorHello(poolSize: 1 << 20));
        Exchange(sender, receiver, 1, 50);
        DaemonUse before = DaemonUse.Of(scene);
        Exchange(sender, receiver, 51, Messages);
        DaemonUse after = DaemonUse.Of(scene);
        TestContext.Current.TestOutputHelper?.WriteLine($"before: {before}\nafter:  {after}");
        Assert.InRange(after.PrivateBytes - before.PrivateBytes, long.MinValue, AllowedGrowth);

        Received first = monitor.Recv();
        Assert.Equal(Errno.OK, first.Result);
        Assert.InRange(first.Command.DroppedMsgs, 1UL, (ulong)Messages);
        IReadOnlyList<ReceivedMessage> rest = monitor.ReceiveAll();
        Assert.Equal((ulong)Messages, 1 + (ulong)rest.Count + first.Command.DroppedMsgs);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_monitor_that_reads_slowly_gets_what_it_gets_in_order_and_unharmed(WorldKind kind)
    {
        using Scene scene = new(kind);
        (Peer sender, Peer receiver) = (scene.ConnectAs(Scene.User), scene.ConnectAs(Scene.User));
        Peer monitor = scene.Connect(Peer.MonitorHello(poolSize: 1 << 20));
        ulong got = 0, lost = 0, last = 0;
        for (int sent = 0; sent < Messages; sent += 10)
        {
            Exchange(sender, receiver, sent + 1, sent + 10);
            Take();
        }

        while (Take())
        {
        }
        Assert.Equal((ulong)Messages, got + lost);
        Assert.InRange(lost, 1UL, (ulong)Messages);
        Assert.InRange(got, Messages / 10UL, (ulong)Messages);

        bool Take()
        {
            Received received = monitor.Recv();
            lost += received.Command.DroppedMsgs;
            if (received.Result == Errno.EAGAIN)
                return false;
            Assert.Equal(Errno.OK, received.Result);
            ReceivedMessage message = monitor.Message(received.Command.Msg);
            Assert.InRange(message.Header.Cookie, last + 1, (ulong)Messages);
            last = message.Header.Cookie;
            Assert.Equal(PayloadOf(last), message.Payload);
            monitor.Free(message);
            got++;
            return true;
        }
    }

    /// <summary>Messages that all must arrive, some of them by the way of large payloads.</summary>
    private static void Exchange(Peer sender, Peer receiver, int first, int last)
    {
        for (ulong cookie = (ulong)first; cookie <= (ulong)last; cookie++)
        {
            Assert.Equal(Errno.OK, sender.Send(m => m.To(receiver.Id).Cookie(cookie).Vec(PayloadOf(cookie))));
            ReceivedMessage message = receiver.ReceiveAndFree();
            Assert.Equal(cookie, message.Header.Cookie);
            Assert.Equal(PayloadOf(cookie), message.Payload);
        }
    }

    private static byte[] PayloadOf(ulong cookie)
    {
        byte[] payload = new byte[cookie % 40 == 0 ? Large : 3000];
        Array.Fill(payload, (byte)cookie);
        return payload;
    }
}
