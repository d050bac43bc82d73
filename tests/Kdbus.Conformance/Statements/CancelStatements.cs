namespace Kdbus.Conformance.Statements;

/// <summary>The descriptor by which a synchronous call can be ended from outside: becoming readable is all it has to do.</summary>
[AlsoByExchange]
public class CancelStatements
{
    [Theory, Worlds]
    public void SYN_05_a_call_is_cancelled_by_writing_to_its_descriptor(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd();
        SynchronousCall call = Call(a, b, 7, cancel);
        Assert.Equal(7UL, b.AwaitMessage().Header.Cookie);
        Assert.True(call.StaysBlocked(50));
        Write(a.Process, cancel);
        Assert.Equal(Errno.ECANCELED, call.Result());
        a.HasNothing();
        b.HasNothing();
    }

    /// <summary>The request is sent all the same.</summary>
    [Theory, Worlds]
    public void SYN_05_a_descriptor_that_is_readable_before_the_call_cancels_it_at_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd(1);
        CommandRun run = a.SendInFull(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)), SendFlags.SyncReply, cancel);
        Assert.Equal(Errno.ECANCELED, run.Result);
        Assert.Equal(7UL, b.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void SYN_05_a_large_call_is_cancelled_as_well(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd(1);
        CommandRun run = a.SendInFull(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)).Vec(new byte[100_000]), SendFlags.SyncReply, cancel);
        Assert.Equal(Errno.ECANCELED, run.Result);
        Assert.Equal(100_000, b.Receive().Payload.Length);
    }

    [Theory, Worlds]
    public void SYN_05_one_descriptor_cancels_all_calls_that_name_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd();
        int other = a.Process.EventFd();
        SynchronousCall first = Call(a, b, 7, cancel);
        SynchronousCall second = Call(a, b, 8, cancel);
        SynchronousCall third = Call(a, b, 9, other);
        for (int i = 0; i < 3; i++)
            b.AwaitMessage();
        Write(a.Process, cancel);
        Assert.Equal(Errno.ECANCELED, first.Result());
        Assert.Equal(Errno.ECANCELED, second.Result());
        Assert.True(third.StaysBlocked(50));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(9)));
        Assert.Equal(Errno.OK, third.Result());
    }

    /// <summary>POLLHUP is not POLLIN.</summary>
    [Theory, Worlds]
    public void SYN_05_a_hang_up_does_not_cancel(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Pipe(out int readEnd, out int writeEnd));
        SynchronousCall during = Call(a, b, 7, readEnd);
        b.AwaitMessage();
        Assert.Equal(0, a.Process.Close(writeEnd));
        Assert.True(during.StaysBlocked(100));
        SynchronousCall before = Call(a, b, 8, readEnd);
        b.AwaitMessage();
        Assert.True(before.StaysBlocked(50));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(8)));
        Assert.Equal(Errno.OK, during.Result());
        Assert.Equal(Errno.OK, before.Result());
    }

    [Theory, Worlds]
    public void SYN_05_data_in_a_pipe_cancels(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Pipe(out int readEnd, out int writeEnd));
        SynchronousCall call = Call(a, b, 7, readEnd);
        b.AwaitMessage();
        Assert.Equal(1, a.Process.Write(writeEnd, "x"u8));
        Assert.Equal(Errno.ECANCELED, call.Result());
    }

    [Theory, Worlds]
    public void SYN_06_a_descriptor_that_is_never_written_to_changes_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd();
        SynchronousCall call = Call(a, b, 7, cancel);
        b.AwaitMessage();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("answer"u8)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal("answer"u8, call.Reply.Payload);

        // What is written afterwards concerns nobody.
        Write(a.Process, cancel);
        Assert.Equal(Errno.ETIMEDOUT, a.SendInFull(m => m.To(b.Id).ExpectReply(8, a.Deadline(30)), SendFlags.SyncReply).Result);
        int idle = a.Process.EventFd();
        Assert.Equal(Errno.ETIMEDOUT, a.SendInFull(m => m.To(b.Id).ExpectReply(9, a.Deadline(30)), SendFlags.SyncReply, idle).Result);
    }

    /// <summary>It is the file that is watched: what becomes of the number is the caller's affair.</summary>
    [Theory, Worlds]
    public void SYN_06_closing_the_descriptor_during_the_call_does_not_end_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd();
        int second = a.Process.Duplicate(cancel);
        SynchronousCall call = Call(a, b, 7, cancel);
        b.AwaitMessage();
        Assert.Equal(0, a.Process.Close(cancel));
        Assert.True(call.StaysBlocked(50));
        Write(a.Process, second);
        Assert.Equal(Errno.ECANCELED, call.Result());
    }

    [Theory, Worlds]
    public void SYN_06_the_other_ends_of_a_call_are_what_they_are_without_a_descriptor(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        int cancel = a.Process.EventFd();
        Peer dying = scene.Connect();
        SynchronousCall call = Call(a, dying, 7, cancel);
        dying.AwaitReadable();
        dying.Close();
        Assert.Equal(Errno.EPIPE, call.Result());

        Peer b = scene.Connect();
        call = Call(a, b, 8, cancel);
        b.AwaitReadable();
        scene.Bus.Owner.Close();
        Assert.Equal(Errno.ECONNRESET, call.Result());
    }

    /// <summary>The call is issued again, and with it the number: what it means by then is what counts.</summary>
    [Theory, Worlds]
    public void SYN_07_a_restarted_call_looks_for_its_descriptor_again(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: true));
        int cancel = a.Process.EventFd();
        SynchronousCall call = Call(a, b, 7, cancel);
        b.AwaitReadable();
        Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
        Assert.True(call.StaysBlocked(50));
        Write(a.Process, cancel);
        Assert.Equal(Errno.ECANCELED, call.Result());
        b.Receive();
        b.HasNothing();

        int gone = a.Process.EventFd();
        call = Call(a, b, 8, gone);
        b.AwaitReadable();
        Assert.Equal(0, a.Process.Close(gone));
        Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
        Assert.Equal(Errno.EBADF, call.Result());
    }

    [Theory, Worlds]
    public void SYN_10_a_reply_to_a_cancelled_call_is_EPERM(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd(1);
        Assert.Equal(Errno.ECANCELED, a.SendInFull(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)), SendFlags.SyncReply, cancel).Result);
        Assert.Equal(7UL, b.Receive().Header.Cookie);
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
        a.HasNothing();
    }

    /// <summary>Whoever comes first: both sides agree on who that was.</summary>
    [Theory, Worlds]
    public async Task SYN_10_answer_and_cancellation_at_the_same_time_have_one_result(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancelled = 0;
        for (ulong cookie = 1; cookie <= 60; cookie++)
        {
            int cancel = a.Process.EventFd();
            SynchronousCall call = Call(a, b, cookie, cancel);
            b.Free(b.AwaitMessage());
            Task writing = Task.Run(() => Write(a.Process, cancel), TestContext.Current.CancellationToken);
            Errno answered = b.Send(m => m.To(a.Id).Answers(cookie).Vec("answer"u8));
            Errno result = call.Result();
            await writing.WaitAsync(Pending.Patience, TestContext.Current.CancellationToken);
            Assert.True(
                (answered, result) is (Errno.OK, Errno.OK) or (Errno.EPERM or Errno.ECONNRESET, Errno.ECANCELED),
                $"the answer was {answered}, the call {result}");
            if (result == Errno.OK)
                a.Free(call.Reply);
            else
                cancelled++;
            a.HasNothing();
            Assert.Equal(0, a.Process.Close(cancel));
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{cancelled} of 60 were cancelled");
    }

    [Theory, Worlds, NotByExchange]
    public void SND_36_a_cancel_descriptor_that_is_not_open_is_EBADF(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int closed = a.Process.EventFd();
        Assert.Equal(0, a.Process.Close(closed));
        foreach (int number in (int[])[closed, -1, int.MinValue, int.MaxValue, 1000])
        {
            Assert.Equal(Errno.EBADF, a.SendInFull(m => m.To(b.Id), SendFlags.None, number).Result);
            Assert.Equal(Errno.EBADF, a.SendInFull(m => m.To(b.Id).ExpectReply(7, a.Deadline(1000)), SendFlags.SyncReply, number).Result);
        }
        b.HasNothing();
    }

    /// <summary>It is looked for when the command's own form has been checked, and before its message is.</summary>
    [Theory, Worlds]
    public void SND_36_the_descriptor_comes_behind_the_form_of_the_command_and_before_the_message(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        WireStruct unaligned = WireStruct.Of(new KdbusCmdSend { MsgAddress = 4 });
        Assert.Equal(Errno.EBADF, a.Handle.Run(Command.Send, unaligned.Item(ItemType.CancelFd, -1)).Result);
        WireStruct unknownFlag = WireStruct.Of(new KdbusCmdSend { Flags = 1UL << 32 });
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.Send, unknownFlag.Item(ItemType.CancelFd, -1)).Result);
        WireStruct twice = WireStruct.Of(new KdbusCmdSend()).Item(ItemType.CancelFd, -1).Item(ItemType.CancelFd, -1);
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.Send, twice).Result);
        WireStruct tooLong = WireStruct.Of(new KdbusCmdSend()).Item(ItemType.CancelFd, -1L);
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.Send, tooLong).Result);
        WireStruct unknownItem = WireStruct.Of(new KdbusCmdSend()).Item(ItemType.CancelFd, -1).Item(ItemType.Id, 1UL);
        Assert.Equal(Errno.EINVAL, a.Handle.Run(Command.Send, unknownItem).Result);
    }

    [Theory, Worlds]
    public void SND_37_a_file_that_cannot_be_polled_is_EINVAL_also_where_nobody_waits(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = a.Process.MemoryFile();
        Assert.Equal(Errno.EINVAL, a.SendInFull(m => m.To(b.Id), SendFlags.None, file).Result);
        Assert.Equal(Errno.EINVAL, a.SendInFull(m => m.To(b.Id).ExpectReply(7, a.Deadline(1000)), SendFlags.SyncReply, file).Result);
        b.HasNothing();
    }

    [Theory, Worlds, NotByExchange]
    public void SND_37_a_good_descriptor_means_nothing_where_nobody_waits(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int cancel = a.Process.EventFd(1);
        Assert.Equal(Errno.OK, a.SendInFull(m => m.To(b.Id).Cookie(1), SendFlags.None, cancel).Result);
        Assert.Equal(Errno.OK, a.SendInFull(m => m.To(b.Id).ExpectReply(2, a.Deadline(600_000)), SendFlags.None, cancel).Result);
        Assert.Equal(1UL, b.Receive().Header.Cookie);
        Assert.Equal(2UL, b.Receive().Header.Cookie);
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(2)));
        Assert.Equal(2UL, a.Receive().Header.CookieReply);
        Assert.Equal(Errno.ENXIO, a.SendInFull(m => m.To(ulong.MaxValue - 1).ExpectReply(3, a.Deadline(1000)), SendFlags.SyncReply, cancel).Result);
    }

    /// <summary>
    /// Polling such a file asks the very daemon that polls it. Not in the world without a machine: the daemon has no descriptor there that the
    /// kernel it is behind would know.
    /// </summary>
    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void SYN_05_a_connection_of_the_same_domain_cancels_when_it_has_a_message(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect(a.Process);
        SynchronousCall call = Call(a, b, 7, c.Handle.Descriptor);
        b.AwaitMessage();
        Assert.True(call.StaysBlocked(50));
        Assert.Equal(Errno.OK, b.Send(m => m.To(c.Id)));
        Assert.Equal(Errno.ECANCELED, call.Result());

        // It may be the very connection that calls, and one that has ended hangs up, which does not count.
        call = Call(a, b, 8, a.Handle.Descriptor);
        b.AwaitMessage();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.ECANCELED, call.Result());
        Handle untyped = scene.Bus.Open(a.Process);
        call = Call(a, b, 9, untyped.Descriptor);
        b.AwaitMessage();
        Assert.True(call.StaysBlocked(50));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(9)));
        Assert.Equal(Errno.OK, call.Result());
    }

    /// <summary>When a call is over the bus holds nothing of its caller's any more, so that closing is as synchronous as ever.</summary>
    [Theory, Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void SYN_05_a_connection_that_cancelled_a_call_ends_when_it_is_closed(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (ulong cookie = 1; cookie <= 20; cookie++)
        {
            Peer c = scene.Connect(a.Process, Peer.HelloCommand(poolSize: 65536));
            Assert.Equal(Errno.OK, b.Send(m => m.To(c.Id)));
            CommandRun run = a.SendInFull(m => m.To(b.Id).ExpectReply(cookie, a.Deadline(600_000)), SendFlags.SyncReply, c.Handle.Descriptor);
            Assert.Equal(Errno.ECANCELED, run.Result);
            c.Close();
            Assert.Equal(Errno.ENXIO, b.Send(m => m.To(c.Id)));
            Assert.Equal(Errno.OK, a.SendInFull(m => m.To(b.Id), SendFlags.None, a.Handle.Descriptor).Result);
        }
    }

    private static SynchronousCall Call(Peer caller, Peer answerer, ulong cookie, int cancel) =>
        caller.Call(m => m.To(answerer.Id).ExpectReply(cookie, caller.Deadline(600_000)).Vec("question"u8), cancel);

    private static void Write(IProcess process, int eventFd) => Assert.Equal(8, process.Write(eventFd, BitConverter.GetBytes(1UL)));
}
