namespace Kdbus.Conformance.Statements;

/// <summary>EXCHANGE that is a synchronous call.</summary>
public class ExchangeCallStatements
{
    [Theory, Worlds]
    public void XCH_60_the_answer_comes_with_the_command(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall call = Call(a, b, 7).Start();
        Assert.Equal("question"u8, b.AwaitMessage().Payload);
        Assert.True(call.StaysBlocked());
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("answer"u8)));
        Exchanged done = call.Succeeds();
        Assert.Equal((1U, true), (done.Sent, done.Arrival.IsInline));
        Assert.Equal((b.Id, 7UL), (done.Message.Header.SrcId, done.Message.Header.CookieReply));
        Assert.Equal("answer"u8, done.Message.Payload);
        a.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_60_an_answer_that_does_not_fit_is_in_the_pool(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[] large = Payload.Random(1, 300_000);
        ExchangeCall call = Call(a, b, 7).Start();
        b.AwaitMessage();
        b.Exchange().Sends(m => m.To(a.Id).Answers(7).Vec(large)).Succeeds();
        Exchanged done = call.Succeeds();
        Assert.False(done.Arrival.IsInline);
        Assert.True(large.AsSpan().SequenceEqual(done.Message.Payload));
        a.Exchange().Frees(done.Message.Offset).Succeeds();
    }

    [Theory, Worlds]
    public void XCH_60_a_large_question_is_answered_as_well(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        byte[] large = Payload.Random(1, 300_000);
        ExchangeCall call = a.Exchange().Calls().Sends(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)).Vec(large)).Start();
        Assert.True(large.AsSpan().SequenceEqual(b.AwaitMessage().Payload));
        b.Exchange().Sends(m => m.To(a.Id).Answers(7).Inline("ok"u8)).Succeeds();
        Assert.Equal("ok"u8, call.Succeeds().Message.Payload);
    }

    [Theory, Worlds]
    public void XCH_61_nobody_answers_is_ETIMEDOUT(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Exchanged done = a.Exchange().Calls().Sends(m => m.To(b.Id).ExpectReply(7, a.Deadline(80))).Run();
        Assert.Equal(Errno.ETIMEDOUT, done.Result);
        Assert.Equal(7UL, b.Receive().Header.Cookie);
        Assert.Equal(Errno.ETIMEDOUT, a.Exchange().Calls().Sends(m => m.To(b.Id).ExpectReply(8, 1)).Run().Result);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_62_the_end_of_who_was_asked_is_EPIPE(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall call = Call(a, b, 7).Start();
        b.AwaitReadable();
        b.Close();
        Assert.Equal(Errno.EPIPE, call.Result().Result);
    }

    [Theory, Worlds]
    public void XCH_62_our_own_end_is_ECONNRESET(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall call = Call(a, b, 7).Start();
        b.AwaitMessage();
        Assert.Equal(Errno.OK, a.Byebye());
        Assert.Equal(Errno.ECONNRESET, call.Result().Result);
    }

    [Theory, Worlds]
    public void XCH_63_it_is_cancelled_by_its_descriptor(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd();
        ExchangeCall call = Call(a, b, 7).Item(ItemType.CancelFd, cancel).Start();
        b.AwaitMessage();
        Assert.True(call.StaysBlocked());
        Assert.Equal(8, a.Process.Write(cancel, BitConverter.GetBytes(1UL)));
        Assert.Equal(Errno.ECANCELED, call.Result().Result);
        Assert.Equal(Errno.ECANCELED, Call(a, b, 8).Item(ItemType.CancelFd, cancel).Run().Result);
        Assert.Equal(8UL, b.Receive().Header.Cookie);
        Assert.Equal(Errno.EBADF, Call(a, b, 9).Item(ItemType.CancelFd, 77).Run().Result);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_63_a_descriptor_that_does_not_cancel_is_in_nobodys_way(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd();
        ExchangeCall call = Call(a, b, 7).Item(ItemType.CancelFd, cancel).Start();
        b.AwaitMessage();
        b.Exchange().Sends(m => m.To(a.Id).Answers(7).Inline("answer"u8)).Succeeds();
        Assert.Equal("answer"u8, call.Succeeds().Message.Payload);
    }

    [Theory, Worlds]
    public void XCH_64_an_interrupted_call_is_taken_up_by_its_cookie(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: false));
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id)));
        ulong slice = a.Receive().Offset;
        ExchangeCall call = Call(a, b, 7).Frees(slice).Start();
        b.AwaitReadable();
        Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
        Assert.Equal(Errno.EINTR, call.Result().Result);
        ExchangeCall again = call.Again();
        Assert.True(again.StaysBlocked());
        Assert.Equal(7UL, b.Receive().Header.Cookie);
        b.HasNothing();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("answer"u8)));
        Assert.Equal("answer"u8, again.Succeeds().Message.Payload);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_64_an_answer_that_came_meanwhile_is_there_when_the_call_is_repeated(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: false));
        foreach (int size in (int[])[6, 100_000])
        {
            byte[] answer = Payload.Random(size, size);
            ExchangeCall call = Call(a, b, 7).Start();
            b.AwaitMessage();
            Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
            Assert.Equal(Errno.EINTR, call.Result().Result);
            Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec(answer)));
            Assert.Equal(answer, call.Again().Succeeds().Message.Payload);
            b.HasNothing();
        }
    }

    [Theory, Worlds]
    public void XCH_64_the_kernel_repeats_a_call_where_the_handler_restarts(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: true));
        ExchangeCall call = Call(a, b, 7).Start();
        b.AwaitMessage();
        Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
        Assert.True(call.StaysBlocked());
        Assert.Equal(1, a.Process.Handled());
        b.HasNothing();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("answer"u8)));
        Assert.Equal("answer"u8, call.Succeeds().Message.Payload);
    }

    [Theory, Worlds]
    public void XCH_65_calls_of_either_kind_wait_beside_each_other(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        ExchangeCall first = Call(a, b, 7).Start();
        b.AwaitMessage();
        SynchronousCall second = a.Call(m => m.To(b.Id).ExpectReply(8, a.Deadline(600_000)));
        b.AwaitMessage();
        ExchangeCall third = a.Exchange().Receives(Exchange.Forever).Start();
        Assert.True(third.StaysBlocked());
        b.Exchange().Sends(m => m.To(a.Id).Answers(8).Inline("eight"u8)).Sends(m => m.To(a.Id).Answers(7).Inline("seven"u8)).Succeeds();
        Assert.Equal(Errno.OK, second.Result());
        Assert.Equal("eight"u8, second.Reply.Payload);
        Assert.Equal("seven"u8, first.Succeeds().Message.Payload);
        Assert.True(third.StaysBlocked());
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(1)));
        Assert.Equal([1UL], third.Succeeds().Cookies);
    }

    [Theory, Worlds]
    public void XCH_66_refusals_are_the_commands(WorldKind world)
    {
        using Scene scene = new(world);
        Peer service = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        service.Owns("a.service");
        Assert.Equal(Errno.EPERM, Call(user, service, 1).Run().Result);
        Assert.Equal(Errno.ENXIO, user.Exchange().Calls().Sends(m => m.To(0xdead).ExpectReply(7, user.Deadline(1000))).Run().Result);
        Assert.Equal(Errno.EINVAL, user.Exchange().Calls().Sends(m => m.To(service.Id).Cookie(7)).Run().Result);
        service.HasNothing();
    }

    [Theory, Worlds]
    public void XCH_67_descriptors_of_the_answer_come_on_the_socket(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = b.Process.EventFd(5);
        ExchangeCall call = Call(a, b, 7).Item(ItemType.FdSocket, a.Channel.Socket).Start();
        b.AwaitMessage();
        b.Exchange().Sends(m => m.To(a.Id).Answers(7).Fds(file)).Succeeds();
        Exchanged done = call.Succeeds();
        Assert.False(done.Arrival.IsInline);
        byte[] count = new byte[8];
        Assert.Equal(8, a.Process.Read(Assert.Single(a.Install(done.Arrival.Info).Fds), count));
        Assert.Equal(5UL, BitConverter.ToUInt64(count));
    }

    private static Exchange Call(Peer caller, Peer answerer, ulong cookie) =>
        caller.Exchange().Calls().Sends(m => m.To(answerer.Id).ExpectReply(cookie, caller.Deadline(600_000)).Inline("question"u8));
}
