namespace Kdbus.Conformance.Statements;

/// <summary>SEND that waits for the reply, and all that can end the wait.</summary>
[AlsoByExchange]
public class SynchronousCallStatements
{
    [Theory, Worlds]
    public void SYN_01_the_reply_is_handed_to_who_waits_and_passes_no_queue(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = Call(a, b, 7);
        Assert.Equal("question"u8, b.AwaitMessage().Payload);
        Assert.Equal(0, a.Process.Poll(a.Handle.Descriptor, PollEvents.In, 0));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("answer"u8)));
        Assert.Equal(Errno.OK, call.Result());
        ReceivedMessage reply = call.Reply;
        Assert.Equal("answer"u8, reply.Payload);
        Assert.Equal((b.Id, 7UL, 0UL), (reply.Header.SrcId, reply.Header.CookieReply, call.ReplyInfo.ReturnFlags));
        a.HasNothing();
        Assert.Equal(Errno.OK, a.Free(reply.Offset));
        Assert.Equal(Errno.ENXIO, a.Free(reply.Offset));
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
    }

    [Theory, Worlds]
    public void SYN_01_many_calls_in_a_row_are_each_answered(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (ulong cookie = 1; cookie <= 100; cookie++)
        {
            SynchronousCall call = Call(a, b, cookie);
            b.Free(b.AwaitMessage());
            Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(cookie).Vec(BitConverter.GetBytes(cookie))));
            Assert.Equal(Errno.OK, call.Result());
            Assert.Equal(BitConverter.GetBytes(cookie), call.Reply.Payload);
            a.Free(call.Reply);
        }
    }

    [Theory, Worlds]
    public void SYN_02_nobody_answers_is_ETIMEDOUT_at_the_deadline(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        long deadline = a.Deadline(100);
        CommandRun run = a.SendInFull(m => m.To(b.Id).ExpectReply(7, deadline), SendFlags.SyncReply);
        Assert.Equal(Errno.ETIMEDOUT, run.Result);
        Assert.InRange(a.Process.Now() - deadline, 0, 5_000_000_000);
        Assert.Equal(7UL, b.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void SYN_03_a_deadline_in_the_past_sends_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.ETIMEDOUT, a.SendInFull(m => m.To(b.Id).ExpectReply(7, 1), SendFlags.SyncReply).Result);
        Assert.Equal(Errno.ETIMEDOUT, a.SendInFull(m => m.To(b.Id).ExpectReply(7, long.MinValue), SendFlags.SyncReply).Result);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void SYN_04_the_end_of_who_was_asked_is_EPIPE(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();

        Peer closed = scene.Connect();
        SynchronousCall call = Call(a, closed, 7);
        closed.AwaitReadable();
        closed.Close();
        Assert.Equal(Errno.EPIPE, call.Result());

        Peer left = scene.Connect();
        call = Call(a, left, 8);
        left.AwaitMessage();
        Assert.Equal(Errno.OK, left.Byebye());
        Assert.Equal(Errno.EPIPE, call.Result());

        Peer exited = scene.Connect();
        call = Call(a, exited, 9);
        exited.AwaitReadable();
        Assert.Equal(0, exited.Process.Exit());
        Assert.Equal(Errno.EPIPE, call.Result());
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SYN_07_a_signal_whose_handler_restarts_does_not_disturb_the_call(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: true));
        SynchronousCall call = Call(a, b, 7);
        b.AwaitReadable();
        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
            AwaitHandled(a.Process, i);
            Assert.True(call.StaysBlocked(20));
        }
        Assert.Equal(7UL, b.Receive().Header.Cookie);
        b.HasNothing();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("answer"u8)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal("answer"u8, call.Reply.Payload);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void SYN_08_a_signal_whose_handler_does_not_restart_is_EINTR(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: false));
        SynchronousCall call = Call(a, b, 7);
        b.AwaitReadable();
        Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
        Assert.Equal(Errno.EINTR, call.Result());
        Assert.Equal(1, a.Process.Handled());
        Assert.Equal(7UL, b.Receive().Header.Cookie);
    }

    /// <summary>Issued again with the same cookie, an interrupted call goes on waiting for the reply to the request that was sent.</summary>
    [Theory, Worlds]
    public void SYN_08_an_interrupted_call_can_be_taken_up_again(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: false));
        SynchronousCall call = Call(a, b, 7);
        b.AwaitReadable();
        Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
        Assert.Equal(Errno.EINTR, call.Result());
        SynchronousCall again = Call(a, b, 7);
        Assert.True(again.StaysBlocked(50));
        Assert.Equal(7UL, b.Receive().Header.Cookie);
        b.HasNothing();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("answer"u8)));
        Assert.Equal(Errno.OK, again.Result());
        Assert.Equal("answer"u8, again.Reply.Payload);
    }

    [Theory, Worlds]
    public void SYN_10_a_reply_behind_the_deadline_is_EPERM(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.ETIMEDOUT, a.SendInFull(m => m.To(b.Id).ExpectReply(7, a.Deadline(100)), SendFlags.SyncReply).Result);
        b.Receive();
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SYN_11_another_thread_may_use_the_connection_meanwhile(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = Call(a, b, 7);
        b.AwaitMessage();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(1)));
        Assert.Equal(1UL, a.AwaitMessage().Header.Cookie);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(2)));
        Assert.Equal(2UL, b.Receive().Header.Cookie);
        Assert.False(call.IsOver);
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(Errno.OK, call.Result());
    }

    [Theory, Worlds]
    public void SYN_11_two_threads_may_wait_on_one_connection(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall first = Call(a, b, 7);
        b.AwaitMessage();
        SynchronousCall second = Call(a, b, 8);
        b.AwaitMessage();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(8).Vec("eight"u8)));
        Assert.Equal(Errno.OK, second.Result());
        Assert.True(first.StaysBlocked(20));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("seven"u8)));
        Assert.Equal(Errno.OK, first.Result());
        Assert.Equal("eight"u8, second.Reply.Payload);
        Assert.Equal("seven"u8, first.Reply.Payload);
    }

    [Theory, Worlds]
    public void SYN_12_a_synchronous_call_leaves_no_notification(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.ETIMEDOUT, a.SendInFull(m => m.To(b.Id).ExpectReply(7, a.Deadline(100)), SendFlags.SyncReply).Result);
        SynchronousCall call = Call(a, b, 8);
        b.Receive();
        b.AwaitMessage();
        b.Close();
        Assert.Equal(Errno.EPIPE, call.Result());
        Assert.Equal(0, a.Process.Poll(a.Handle.Descriptor, PollEvents.In, 100));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SYN_13_a_reply_too_large_for_the_callers_pool_fails_on_both_sides(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(poolSize: 65536));
        Peer b = scene.Connect();
        SynchronousCall call = Call(a, b, 7);
        b.AwaitMessage();
        Assert.Equal(Errno.ENOBUFS, b.Send(m => m.To(a.Id).Answers(7).Vec(new byte[65536])));
        Assert.Equal(Errno.ENOBUFS, call.Result());
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
    }

    /// <summary>What is refused before the permission to answer is looked for does not use it up.</summary>
    [Theory, Worlds]
    public void SYN_15_a_reply_refused_for_its_form_leaves_the_call_waiting(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = Call(a, b, 7);
        b.AwaitMessage();
        Assert.Equal(Errno.EINVAL, b.Send(m => m.To(a.Id).Answers(7).NullVec(0)));
        Assert.Equal(Errno.EMSGSIZE, b.Send(m => m.To(a.Id).Answers(7).NullVec((2 << 20) + 1)));
        Assert.True(call.StaysBlocked(50));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("good"u8)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal("good"u8, call.Reply.Payload);
    }

    [Theory, Worlds]
    public void SYN_16_an_interrupted_call_that_restarts_keeps_its_deadline(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: true));
        long deadline = a.Deadline(400);
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(7, deadline));
        b.AwaitReadable();
        Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
        Assert.Equal(Errno.ETIMEDOUT, call.Result());
        Assert.InRange(a.Process.Now() - deadline, 0, 5_000_000_000);
        Assert.Equal(1, a.Process.Handled());
        b.Receive();
        b.HasNothing();
    }

    [Theory, Worlds]
    public void SYN_18_the_end_of_the_bus_ends_the_call(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = Call(a, b, 7);
        b.AwaitReadable();
        scene.Bus.Owner.Close();
        Assert.Equal(Errno.ECONNRESET, call.Result());
    }

    [Theory, Worlds]
    public void SYN_19_closing_the_descriptor_does_not_end_a_call_under_way(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = Call(a, b, 7);
        b.AwaitMessage();
        a.Handle.Close();
        Assert.True(call.StaysBlocked(50));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("answer"u8)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal("answer"u8, call.Reply.Payload);
    }

    /// <summary>A request that the server keeps makes its caller immortal, unless the server lets go of it when there is a signal.</summary>
    [Theory, Worlds]
    public void SYN_20_a_process_that_waits_can_be_killed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = Call(a, b, 7);
        b.AwaitMessage();
        a.Process.Kill();
        call.Result();
        Assert.Equal(Errno.ENXIO, b.Send(m => m.To(a.Id).Answers(7)));
    }

    private static SynchronousCall Call(Peer caller, Peer answerer, ulong cookie) =>
        caller.Call(m => m.To(answerer.Id).ExpectReply(cookie, caller.Deadline(600_000)).Vec("question"u8));

    private static void AwaitHandled(IProcess process, int count)
    {
        long until = process.Now() + (long)Pending.Patience.TotalNanoseconds;
        while (process.Handled() < count)
            Assert.True(process.Now() < until, "the handler has not run");
    }
}
