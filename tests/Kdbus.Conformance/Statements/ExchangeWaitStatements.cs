namespace Kdbus.Conformance.Statements;

/// <summary>EXCHANGE that waits for something to receive, and all that ends it.</summary>
public class ExchangeWaitStatements
{
    [Theory, Worlds]
    public void XCH_40_a_message_ends_the_wait(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (ulong cookie = 1; cookie <= 20; cookie++)
        {
            ExchangeCall waiting = b.Exchange().Receives(Exchange.Forever).Start();
            if (cookie == 1)
                Assert.True(waiting.StaysBlocked());
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(cookie).Vec("late"u8)));
            Exchanged done = waiting.Succeeds();
            Assert.Equal(cookie, done.Message.Header.Cookie);
            Assert.Equal("late"u8, done.Message.Payload);
        }
        b.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_40_a_large_message_ends_it_too(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[] large = Payload.Random(1, 1_000_000);
        ExchangeCall waiting = b.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(waiting.StaysBlocked());
        a.Exchange().Sends(m => m.To(b.Id).Vec(large)).Succeeds();
        Exchanged done = waiting.Succeeds();
        Assert.False(done.Arrival.IsInline);
        Assert.True(large.AsSpan().SequenceEqual(done.Message.Payload));
        b.Free(done.Message);
    }

    [Theory, Worlds]
    public void XCH_40_messages_of_one_command_come_together(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall waiting = b.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(waiting.StaysBlocked());
        a.Exchange().Sends(b, 1, "one"u8).Sends(b, 2, "two"u8).Sends(b, 3, "three"u8).Succeeds();
        Assert.Equal([1UL, 2UL, 3UL], waiting.Succeeds().Cookies);
    }

    [Theory, Worlds]
    public void XCH_41_nothing_until_its_time_is_a_success_without_a_message(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        long until = a.Deadline(80);
        Exchanged done = a.Exchange().Receives(until).Succeeds();
        Assert.InRange(a.Process.Now() - until, 0, 5_000_000_000);
        Assert.Equal((0U, 0UL), (done.Command.Received, done.Command.MsgsSize));
        Assert.Empty(a.Exchange().Receives(1).Succeeds().Messages);
    }

    [Theory, Worlds]
    public void XCH_42_the_end_of_the_connection_is_ECONNRESET(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ExchangeCall first = a.Exchange().Receives(Exchange.Forever).Start();
        ExchangeCall second = a.Exchange().Receives(a.Deadline(600_000)).Start();
        Assert.True(first.StaysBlocked());
        Assert.Equal(Errno.OK, a.Byebye());
        Assert.Equal(Errno.ECONNRESET, first.Result().Result);
        Assert.Equal(Errno.ECONNRESET, second.Result().Result);
    }

    [Theory, Worlds]
    public void XCH_42_the_end_of_the_bus_is_ECONNRESET(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        ExchangeCall waiting = a.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(waiting.StaysBlocked());
        scene.Bus.Owner.Close();
        Assert.Equal(Errno.ECONNRESET, waiting.Result().Result);
    }

    [Theory, Worlds]
    public void XCH_43_a_signal_is_EINTR_and_repeating_sends_and_gives_back_nothing_twice(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: false));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        ulong slice = a.Receive().Offset;
        ExchangeCall waiting = a.Exchange().Frees(slice).Sends(b, 1, "one"u8).Sends(b, 2, "two"u8).Receives(Exchange.Forever).Start();
        b.AwaitReadable();
        Assert.True(waiting.StaysBlocked());
        Assert.Equal(0, a.Process.SignalThread(waiting.Thread, Signals.User1));
        Exchanged interrupted = waiting.Result();
        Assert.Equal((Errno.EINTR, 3UL), (interrupted.Result, interrupted.Command.Progress));
        Assert.Equal(Errno.ENXIO, a.Free(slice));

        ExchangeCall again = waiting.Again();
        Assert.True(again.StaysBlocked());
        Assert.Equal([1UL, 2UL], b.ReceiveAll().Select(static m => m.Header.Cookie));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(7)));
        Exchanged done = again.Succeeds();
        Assert.Equal((2U, 7UL), (done.Sent, done.Message.Header.Cookie));
        b.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_43_the_kernel_repeats_it_by_itself_where_the_handler_restarts(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: true));
        ExchangeCall waiting = a.Exchange().Sends(b, 1, "once"u8).Receives(Exchange.Forever).Start();
        b.AwaitReadable();
        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal(0, a.Process.SignalThread(waiting.Thread, Signals.User1));
            Assert.True(waiting.StaysBlocked());
            Assert.Equal(i, a.Process.Handled());
        }
        Assert.Equal(1UL, b.ReceiveAndFree().Header.Cookie);
        b.HasNothing();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(2)));
        Exchanged done = waiting.Succeeds();
        Assert.Equal((1U, 2UL), (done.Sent, done.Message.Header.Cookie));
    }

    [Theory, Worlds]
    public void XCH_43_a_process_that_waits_can_be_killed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall waiting = a.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(waiting.StaysBlocked());
        a.Process.Kill();
        waiting.Ends();
        Assert.Equal(Errno.ENXIO, b.Send(m => m.To(a.Id)));
    }

    [Theory, Worlds]
    public void XCH_44_two_that_wait_on_one_connection_get_a_message_each(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall first = b.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(first.StaysBlocked());
        ExchangeCall second = b.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(second.StaysBlocked());
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(1)));
        Assert.Equal([1UL], first.Succeeds().Cookies);
        Assert.True(second.StaysBlocked());
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(2)));
        Assert.Equal([2UL], second.Succeeds().Cookies);
    }

    [Theory, Worlds]
    public void XCH_44_of_two_messages_sent_at_once_each_gets_what_it_has_room_for(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall first = b.Exchange().Receives(Exchange.Forever).AtMost(1).Start();
        Assert.True(first.StaysBlocked());
        ExchangeCall second = b.Exchange().Receives(Exchange.Forever).AtMost(1).Start();
        Assert.True(second.StaysBlocked());
        a.Exchange().Sends(b, 1, "one"u8).Sends(b, 2, "two"u8).Succeeds();
        Assert.Equal([1UL], first.Succeeds().Cookies);
        Assert.Equal([2UL], second.Succeeds().Cookies);
    }

    [Theory, Worlds]
    public void XCH_45_who_waits_for_what_is_urgent_is_not_woken_by_what_is_not(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall waiting = b.Exchange().Receives(Exchange.Forever).Urgent(-1).Start();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(1)));
        Assert.True(waiting.StaysBlocked());
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(2).Priority(-1)));
        Assert.Equal([2UL], waiting.Succeeds().Cookies);
        Assert.Equal(1UL, b.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void XCH_46_poll_is_woken_for_what_nobody_waits_for(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall waiting = b.Exchange().Receives(Exchange.Forever).AtMost(1).Start();
        Assert.True(waiting.StaysBlocked());
        a.Exchange().Sends(b, 1, "one"u8).Sends(b, 2, "two"u8).Succeeds();
        Assert.Equal([1UL], waiting.Succeeds().Cookies);
        b.AwaitReadable();
        Assert.Equal([2UL], b.Exchange().Receives().Succeeds().Cookies);
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, b.Handle.Poll());
    }

    [Theory, Worlds]
    public void XCH_47_a_loss_ends_the_wait(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        b.MatchesEverything();
        ExchangeCall waiting = b.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(waiting.StaysBlocked());
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Vec(new byte[5000])));
        Exchanged done = waiting.Succeeds();
        Assert.Equal((0U, 1UL), (done.Command.Received, done.Command.DroppedMsgs));
    }

    [Theory, Worlds]
    public void XCH_47_news_of_the_bus_end_it_in_the_smallest_room_too(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer silent = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(silent.Id).ExpectReply(5, a.Deadline(200))));
        // Nobody asks anything of the bus when the time has come: it has to tell by itself.
        Arrival news = a.Exchange().Room(Exchange.Header + 24).Receives(Exchange.Forever).Start().Succeeds().Arrival;
        Assert.False(news.IsInline);
        Assert.Equal((Notification.ReplyTimeout, 5UL), (news.Message.Notification, news.Message.Header.CookieReply));
    }

    [Theory, Worlds]
    public void XCH_48_the_wait_of_one_holds_up_no_other_command_of_the_connection(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall waiting = a.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(waiting.StaysBlocked());
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(1)));
        a.Owns("a.name");
        a.HasNothing();
        Assert.Empty(a.Exchange().Receives().Succeeds().Messages);
        Assert.Equal(1UL, b.Receive().Header.Cookie);
        Assert.Equal(Errno.OK, b.Send(static m => m.ToName("a.name").Cookie(2)));
        Assert.Equal([2UL], waiting.Succeeds().Cookies);
    }
}
