using Kdbus.Engine;

namespace Kdbus.Conformance.Statements;

/// <summary>
/// How long the files in messages live: until the last message is gone that has them, and no longer than the command that takes it away. The
/// reader of a pipe sees its end when the last writer is closed, so a writer is what is sent.
/// </summary>
public class FileLifeStatements
{
    private const string Name = "a.name";

    [Theory, Worlds]
    public void LIF_01_what_was_received_lives_in_the_receiver(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.To(b.Id));
        ReceivedMessage message = b.ReceiveWithDescriptors();
        Assert.Equal(4, b.Process.Write(message.Fds[0], "ping"u8));
        Assert.Equal(4, a.Process.Read(pipe.Reader, new byte[4]));
        b.Free(message);
        pipe.IsOpen();
        Assert.Equal(0, b.Process.Close(message.Fds[0]));
        pipe.HasEnded();
    }

    [Theory, Worlds]
    public void LIF_02_a_message_dropped_takes_its_files_along(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.To(b.Id));
        Assert.Equal(Errno.OK, b.Recv(RecvFlags.Peek).Result);
        pipe.IsOpen();
        Assert.Equal(Errno.OK, b.Recv(RecvFlags.Drop).Result);
        pipe.HasEnded();
    }

    [Theory, Worlds]
    public void LIF_03_a_message_received_without_them_leaves_them_to_nobody(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.To(b.Id));
        b.Receive();
        pipe.HasEnded();

        DescriptorChannel full = new(b.Process);
        full.Fill();
        pipe = CarriedPipe.Sent(world, a, m => m.To(b.Id));
        Assert.Equal(Errno.OK, b.RecvOn(full.Socket).Result);
        pipe.HasEnded();
    }

    [Theory, Worlds]
    public void LIF_04_the_end_of_the_receiver_is_that_of_what_it_has_not_received(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer closed = scene.Connect();
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.To(closed.Id));
        closed.Close();
        Ask(a);
        pipe.HasEnded();

        Peer exited = scene.Connect();
        pipe = CarriedPipe.Sent(world, a, m => m.To(exited.Id));
        Assert.Equal(0, exited.Process.Exit());
        Ask(a);
        pipe.HasEnded();
    }

    [Theory, Worlds]
    public void LIF_05_the_end_of_the_bus_is_that_of_all_in_its_queues(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.To(b.Id));
        scene.Bus.Owner.Close();
        Ask(a);
        pipe.HasEnded();
    }

    [Theory, Worlds]
    public void LIF_05_the_end_of_an_endpoint_is_that_of_all_in_the_queues_of_its_connections(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Handle endpoint = scene.Bus.MakeEndpoint(scene.Process, "0-side");
        Peer b = scene.ConnectAt("0-side");
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.To(b.Id));
        endpoint.Close();
        Ask(a);
        pipe.HasEnded();
    }

    [Theory, Worlds]
    public void LIF_06_the_end_of_the_sender_is_nothing_to_them(WorldKind world)
    {
        using Scene scene = new(world);
        Peer watcher = scene.Connect();
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        int counter = a.Process.EventFd(5);
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Fds(counter)));
        Assert.Equal(0, a.Process.Exit());
        byte[] value = new byte[8];
        Assert.Equal(8, b.Process.Read(Assert.Single(b.ReceiveWithDescriptors().Fds), value));
        Assert.Equal(5UL, BitConverter.ToUInt64(value));
        Assert.Equal(Errno.ENXIO, watcher.Send(m => m.To(a.Id)));
    }

    [Theory, Worlds]
    public void LIF_07_who_leaves_with_BYEBYE_has_none_left(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.To(b.Id));
        Assert.Equal(Errno.EBUSY, b.Byebye());
        pipe.IsOpen();

        // An answer that waits to be picked up by a call that goes on is in no queue.
        Assert.Equal(Errno.OK, b.Recv(RecvFlags.Drop).Result);
        CarriedPipe answer = AnswerThatIsKept(world, b, a, b.Deadline(600_000));
        Assert.Equal(Errno.OK, b.Byebye());
        answer.HasEnded();
    }

    [Theory, Worlds]
    public void LIF_08_an_answer_that_nobody_picks_up_ends_with_the_time_of_the_call(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        long deadline = a.Deadline(700);
        CarriedPipe answer = AnswerThatIsKept(world, a, b, deadline);
        Assert.Equal(PollEvents.Hup, a.Process.Poll(answer.ReaderOf(a), PollEvents.In, 20_000) & PollEvents.Hup);
        Assert.True(a.Process.Now() >= deadline);
    }

    [Theory, Worlds]
    public void LIF_09_a_message_that_is_refused_has_taken_nothing(WorldKind world)
    {
        using Scene scene = new(world, new DomainLimits { FilesInFlight = 40 });
        Peer a = scene.Connect();
        Peer refuses = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        (Errno, Action<OutgoingMessage>)[] refused =
        [
            (Errno.ECOMM, m => m.To(refuses.Id)), (Errno.ENXIO, m => m.To(0xffff_ffff)), (Errno.ESRCH, m => m.ToName("not.there")),
            (Errno.ENOBUFS, m => m.To(small.Id).Vec(new byte[3000])), (Errno.EFAULT, m => m.To(a.Id).Vec(a.Process.Scratch.Nowhere(), 8)),
            (Errno.EFAULT, m => m.To(a.Id).Vec(a.Process.Scratch.Nowhere(), 100_000)), (Errno.EPERM, m => m.To(a.Id).Answers(77)),
            (Errno.EINVAL, m => m.To(a.Id).NullVec(0)), (Errno.EBADF, m => m.To(a.Id).Memfd(-1, 0, 8)), (Errno.EINVAL, m => m.To(a.Id).From(a.Id + 1)),
            (Errno.EDESTADDRREQ, m => m.To(0)), (Errno.EBADMSG, m => m.To(a.Id).BloomFilter(TestBus.BloomSize)),
        ];
        foreach ((Errno error, Action<OutgoingMessage> build) in refused)
        {
            for (int i = 0; i < 5; i++)
                CarriedPipe.Refused(world, a, build, error).HasEnded();
        }
        for (int i = 0; i < 40; i++)
            Assert.Equal(Errno.ETIMEDOUT, a.SendInFull(m => m.To(a.Id).ExpectReply(1, 1).Fds(a.Handle.Process.EventFd()), SendFlags.SyncReply).Result);
    }

    [Theory, Worlds]
    public void LIF_10_the_last_of_several_that_have_them_ends_them(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer one = scene.Connect(Peer.MonitorHello());
        Peer other = scene.Connect(Peer.MonitorHello());
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.To(b.Id));
        b.Receive();
        pipe.IsOpen();
        one.Close();
        Ask(a);
        pipe.IsOpen();
        Assert.Equal(Errno.OK, other.Recv(RecvFlags.Drop).Result);
        pipe.HasEnded();

        // Also where only a monitor has them, since the receiver had no room.
        other.Close();
        Peer small = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Peer monitor = scene.Connect(Peer.MonitorHello());
        pipe = CarriedPipe.Sent(world, a, m => m.To(small.Id).Vec(new byte[3000]), Errno.ENOBUFS);
        int writer = monitor.ReceiveWithDescriptors().Fds[0];
        pipe.IsOpen();
        Assert.Equal(0, monitor.Process.Close(writer));
        pipe.HasEnded();
    }

    [Theory, Worlds]
    public void LIF_11_files_move_with_their_message(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer b = scene.Connect();
        CarriedPipe pipe = CarriedPipe.Sent(world, a, m => m.ToName(Name));
        b.Owns(Name);
        pipe.IsOpen();
        b.Close();
        Ask(a);
        pipe.IsOpen();
        activator.Close();
        Ask(a);
        pipe.HasEnded();

        Peer again = scene.Connect(Peer.ActivatorHello(Name));
        Peer refuses = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        pipe = CarriedPipe.Sent(world, a, m => m.ToName(Name));
        refuses.Owns(Name);
        pipe.HasEnded();
        Assert.Equal(0, again.Handle.Poll() & PollEvents.In);
    }

    [Theory, Worlds]
    public void LIF_12_what_a_memfd_holds_by_value_needs_the_memfd_no_more(WorldKind world)
    {
        using Scene scene = new(world, new DomainLimits { FilesInFlight = 16 });
        Peer a = scene.Connect();
        int memfd = a.Process.SealedFile("content"u8);
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Memfd(memfd, 0, 7)));
            Assert.Equal("content"u8, a.Receive().Payload);
        }
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Fds([.. Enumerable.Repeat(memfd, 16)])));
    }

    [Theory, Worlds]
    public void LIF_13_a_reply_to_nobody_takes_its_files_along(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(7, a.Deadline(600_000)));
        b.AwaitMessage();
        a.Process.Kill();
        call.Result();
        CarriedPipe.Refused(world, b, m => m.To(a.Id).Answers(7), Errno.ENXIO).HasEnded();
    }

    /// <summary>close(2) does not wait for the daemon, but that hears of it before it hears of anything that is asked afterwards.</summary>
    private static void Ask(Peer peer) => peer.ConnInfo(peer.Id);

    /// <summary>A call that was interrupted, and answered with a pipe before it went on.</summary>
    private static CarriedPipe AnswerThatIsKept(WorldKind world, Peer caller, Peer answerer, long deadline)
    {
        Assert.Equal(0, caller.Process.Handle(Signals.User1, restart: false));
        // The caller has the reader, so that it can wait for its end.
        Assert.Equal(0, answerer.Process.Pipe(out int reader, out int writer));
        Assert.Equal(Errno.OK, answerer.Send(m => m.To(caller.Id).Fds(reader)));
        int theirs = caller.ReceiveWithDescriptors().Fds[0];
        SynchronousCall call = caller.Call(m => m.To(answerer.Id).ExpectReply(7, deadline));
        answerer.AwaitMessage();
        Assert.Equal(0, caller.Process.SignalThread(call.Thread, Signals.User1));
        Assert.Equal(Errno.EINTR, call.Result());
        Assert.Equal(Errno.OK, answerer.Send(m => m.To(caller.Id).Answers(7).Fds(writer)));
        Assert.Equal(0, answerer.Process.Close(writer));
        return new CarriedPipe(world, caller.Process, theirs);
    }

    /// <summary>A pipe whose writer is nowhere but in messages.</summary>
    private sealed class CarriedPipe(WorldKind world, IProcess process, int reader)
    {
        /// <summary>Its reader, which the sender keeps.</summary>
        public int Reader => reader;

        /// <summary>Sends its writer, and closes it.</summary>
        public static CarriedPipe Sent(WorldKind world, Peer sender, Action<OutgoingMessage> build, Errno expected = Errno.OK)
        {
            CarriedPipe pipe = Refused(world, sender, build, expected);
            pipe.IsOpen();
            return pipe;
        }

        /// <summary>The same where the result tells what has become of it.</summary>
        public static CarriedPipe Refused(WorldKind world, Peer sender, Action<OutgoingMessage> build, Errno expected)
        {
            Assert.Equal(0, sender.Process.Pipe(out int reader, out int writer));
            Assert.Equal(expected, sender.Send(m => build(m.Fds(writer))));
            Assert.Equal(0, sender.Process.Close(writer));
            return new CarriedPipe(world, sender.Process, reader);
        }

        public int ReaderOf(Peer peer) => ReferenceEquals(peer.Process, process) ? reader : -1;

        /// <summary>Somebody has the writer.</summary>
        public void IsOpen() => Assert.Equal(0, process.Poll(reader, PollEvents.In, 0));

        /// <summary>
        /// Nobody has it, from this moment on. Where all is one process of the machine, a child that it is about to have may have a copy for a moment.
        /// </summary>
        public void HasEnded() =>
            Assert.Equal(PollEvents.Hup, process.Poll(reader, PollEvents.In, world == WorldKind.Memory ? 20_000 : 0) & PollEvents.Hup);
    }
}
