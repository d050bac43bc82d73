namespace Kdbus.Conformance.Statements;

/// <summary>Requests and replies with descriptors.</summary>
[AlsoByExchange]
public class DescriptorReplyStatements
{
    [Theory, Worlds]
    public void REP_10_a_reply_with_descriptors_to_who_accepts_none_is_ECOMM_and_uses_up_the_permission(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Peer b = scene.Connect();
        int file = b.Process.EventFd();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000))));
        b.Receive();
        Assert.Equal(Errno.ECOMM, b.Send(m => m.To(a.Id).Answers(7).Fds(file)));
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SYN_09_who_waits_and_accepts_none_is_told_that_the_answer_is_lost(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Peer b = scene.Connect();
        int file = b.Process.EventFd();
        SynchronousCall call = Call(a, b, 7);
        b.AwaitMessage();
        Assert.Equal(Errno.ECOMM, b.Send(m => m.To(a.Id).Answers(7).Fds(file)));
        Assert.Equal(Errno.EREMOTEIO, call.Result());
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
    }

    [Theory, Worlds]
    public void SYN_14_a_request_with_descriptors_to_who_accepts_none_does_not_wait(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        int file = a.Process.EventFd();
        for (ulong cookie = 1; cookie <= 129; cookie++)
        {
            CommandRun run = a.SendInFull(m => m.To(b.Id).ExpectReply(cookie, a.Deadline(600_000)).Fds(file), SendFlags.SyncReply);
            Assert.Equal(Errno.ECOMM, run.Result);
        }
        b.HasNothing();
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(1)));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void SYN_15_a_reply_with_a_file_that_may_not_travel_leaves_the_call_waiting(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int unix = b.Process.Socket(Sockets.Unix, Sockets.Stream);
        SynchronousCall call = Call(a, b, 7);
        b.AwaitMessage();
        Assert.Equal(Errno.EOPNOTSUPP, b.Send(m => m.To(a.Id).Answers(7).Fds(b.Handle.Descriptor)));
        Assert.Equal(Errno.EOPNOTSUPP, b.Send(m => m.To(a.Id).Answers(7).Fds(unix)));
        Assert.Equal(Errno.EBADF, b.Send(m => m.To(a.Id).Answers(7).Fds(-1)));
        Assert.Equal(Errno.ETXTBSY, b.Send(m => m.To(a.Id).Answers(7).Memfd(b.Process.SealedFile([1], 0), 0, 1)));
        Assert.True(call.StaysBlocked(50));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("good"u8)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal("good"u8, call.Reply.Payload);
    }

    [Theory, Worlds, NotByExchange]
    public void SYN_17_a_message_behind_a_lost_answer_arrives(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Peer b = scene.Connect();
        int file = b.Process.EventFd();
        SynchronousCall call = Call(a, b, 7);
        b.AwaitMessage();
        Assert.Equal(Errno.ECOMM, b.Send(m => m.To(a.Id).Answers(7).Fds(file).Vec(new byte[100])));
        Assert.Equal(Errno.EREMOTEIO, call.Result());
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(8).Vec("later"u8)));
        ReceivedMessage message = a.AwaitMessage();
        Assert.Equal((8UL, 0UL), (message.Header.Cookie, message.Offset));
        Assert.Equal("later"u8, message.Payload);
        a.HasNothing();
    }

    [Theory, Worlds]
    public void FDS_20_the_descriptors_of_a_reply_come_on_the_socket_of_who_waits(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int memfd = b.Process.SealedFile("content"u8);
        Assert.Equal(0, b.Process.Pipe(out int reader, out int writer));
        SynchronousCall call = a.CallOn(a.Channel.Socket, m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)));
        b.AwaitMessage();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Memfd(memfd, 0, 7).Fds(writer).Vec("answer"u8)));
        Assert.Equal(0, b.Process.Close(writer));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal(0UL, call.ReplyInfo.ReturnFlags);
        ReceivedMessage reply = a.Install(call.ReplyInfo);
        Assert.Equal("answer"u8, reply.Payload);
        Assert.Equal(4, a.Process.Write(Assert.Single(reply.Fds), "ping"u8));
        Assert.Equal(4, b.Process.Read(reader, new byte[8]));
        Assert.Equal(7, a.Process.ReadAt(Assert.Single(reply.Memfds).Fd, new byte[8], 0));
        a.Free(reply);
    }

    /// <summary>Where the socket comes again with the call that goes on, it is that one which counts.</summary>
    [Theory, Worlds]
    public void FDS_21_a_call_that_is_taken_up_again_has_the_descriptors_of_its_answer(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = b.Process.EventFd();
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: false));
        foreach (bool answeredMeanwhile in (bool[])[false, true])
        {
            SynchronousCall call = Call(a, b, 7);
            b.AwaitMessage();
            Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
            Assert.Equal(Errno.EINTR, call.Result());
            if (answeredMeanwhile)
                Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Fds(file)));
            SynchronousCall again = a.CallOn(a.Channel.Socket, m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)).Vec("question"u8));
            if (!answeredMeanwhile)
            {
                Assert.True(again.StaysBlocked(50));
                Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Fds(file)));
            }
            Assert.Equal(Errno.OK, again.Result());
            Assert.NotEqual(-1, Assert.Single(a.Install(again.ReplyInfo).Fds));
        }
        b.HasNothing();
    }

    [Theory, Worlds]
    public void FDS_22_without_a_socket_a_reply_says_that_descriptors_are_missing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int file = b.Process.EventFd();
        int pipe = a.Process.EventFd();
        foreach (int socket in (int[])[-1, pipe])
        {
            SynchronousCall call = socket < 0 ? Call(a, b, 7) : a.CallOn(socket, m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)));
            b.AwaitMessage();
            Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Fds(file).Vec("answer"u8)));
            Assert.Equal(Errno.OK, call.Result());
            Assert.Equal(RecvReturnFlags.IncompleteFds, (RecvReturnFlags)call.ReplyInfo.ReturnFlags);
            Assert.Equal([-1], call.Reply.Fds);
            Assert.Equal("answer"u8, call.Reply.Payload);
            Assert.Equal(Errno.ENXIO, a.FdsInstalled(call.ReplyInfo.Offset, 5));
        }
    }

    private static SynchronousCall Call(Peer caller, Peer answerer, ulong cookie) =>
        caller.Call(m => m.To(answerer.Id).ExpectReply(cookie, caller.Deadline(600_000)).Vec("question"u8));
}
