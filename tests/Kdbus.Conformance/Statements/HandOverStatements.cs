namespace Kdbus.Conformance.Statements;

/// <summary>What was sent to a name that has an activator goes with the name.</summary>
[AlsoByExchange]
public class HandOverStatements
{
    private const string Name = "x.y";
    private const int Large = 1 << 20;

    [Theory, Worlds]
    public void ACT_02_who_acquires_the_name_gets_what_has_waited_in_its_order(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SendToName(a, 1, 2, 3, 4, 5);
        b.Owns(Name);
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, activator.Handle.Poll());
        activator.HasNothingAndLost(0);
        SendToName(a, 6);
        Assert.Equal([1, 2, 3, 4, 5, 6], Cookies(b));
        activator.HasNothing();
    }

    [Theory, Worlds]
    public void ACT_02_a_moved_message_is_what_was_sent(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(HelloFlags.None));
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Cookie(8).Priority(-3).PayloadType(77).Vec("abcde"u8).NullVec(13).Vec("xyz"u8)));
        ReceivedMessage before = activator.Receive(RecvFlags.Peek);
        activator.Free(before);
        b.Owns(Name);
        ReceivedMessage message = b.Receive();
        Assert.Equal((a.Id, 0UL, 8UL, -3L, 77UL), (
            message.Header.SrcId, message.Header.DstId, message.Header.Cookie, message.Header.Priority, message.Header.PayloadType));
        Assert.Equal(Name, message.DestinationName);
        Assert.Equal(before.Items.Select(static i => i.Type), message.Items.Select(static i => i.Type));
        Assert.Equal(before.Pieces, message.Pieces);
        Assert.Equal(before.Payload, message.Payload);
        Assert.Equal((before.SliceSize, "abcde"), (message.SliceSize, System.Text.Encoding.ASCII.GetString(message.Payload.AsSpan(0, 5))));
    }

    [Theory, Worlds]
    public void ACT_02_moved_messages_keep_their_priorities(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(10).Priority(0)));
        foreach ((ulong cookie, long priority) in ((ulong, long)[])[(1, 5), (2, -5), (3, 5), (4, -5)])
            Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Cookie(cookie).Priority(priority)));
        b.Owns(Name);
        Assert.Equal(2UL, b.Receive(RecvFlags.UsePriority, -5).Header.Cookie);
        Assert.Equal(10UL, b.Receive().Header.Cookie);
        Assert.Equal(4UL, b.Receive(RecvFlags.UsePriority, long.MaxValue).Header.Cookie);
        Assert.Equal(Errno.EAGAIN, b.Recv(RecvFlags.UsePriority, 4).Result);
        Assert.Equal([1, 3], Cookies(b));
    }

    [Theory, Worlds]
    public void ACT_02_who_waits_for_messages_is_woken_by_those_that_are_moved(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SendToName(a, 1, 2);
        Pending poll = b.Process.PollInThread(b.Handle.Descriptor, PollEvents.In, Pending.Forever);
        Assert.True(poll.StaysBlocked(50));
        b.Owns(Name);
        Assert.Equal(PollEvents.In, poll.Result());
        Assert.Equal([1, 2], Cookies(b));
    }

    [Theory, Worlds]
    public void ACT_03_the_new_owner_hears_of_the_change_behind_the_moved_messages(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Matches(static m => m.NameChange());
        SendToName(a, 1, 2);
        b.Owns(Name);
        Assert.Equal([1, 2], (ulong[])[b.ReceiveAndFree().Header.Cookie, b.ReceiveAndFree().Header.Cookie]);
        Assert.Equal(Notification.NameChange(activator.Id, NameFlags.Activator, b.Id, NameFlags.None, Name), b.ReceiveNotification());
        b.HasNothing();
    }

    [Theory, Worlds]
    public void ACT_04_what_the_owner_has_not_read_goes_back_when_he_releases_the_name(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Owns(Name);
        SendToName(a, 1, 2, 3, 4);
        Assert.Equal(1UL, b.ReceiveAndFree().Header.Cookie);
        b.GivesUp(Name);
        b.HasNothing();
        Assert.Equal(activator.Id, a.OwnerOf(Name));
        SendToName(a, 5);
        Peer c = scene.Connect();
        c.Owns(Name);
        Assert.Equal([2, 3, 4, 5], Cookies(c));
    }

    [Theory, Worlds]
    public void ACT_05_what_was_sent_by_id_or_to_another_name_stays_with_who_it_was_sent_to(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Owns(Name);
        b.Owns("x.z");
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(1)));
        SendToName(a, 2);
        Assert.Equal(Errno.OK, a.Send(m => m.ToName("x.z").Cookie(3)));
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name, b.Id).Cookie(4)));
        b.GivesUp(Name);
        Assert.Equal([1, 3], Cookies(b));
        Assert.Equal([2, 4], Cookies(activator));
    }

    /// <summary>A name that nobody had for a while is another one, even if it is spelled the same.</summary>
    [Theory, Worlds]
    public void ACT_05_what_was_sent_to_an_earlier_life_of_the_name_stays(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        b.Owns(Name);
        SendToName(a, 1);
        b.GivesUp(Name);
        Assert.Equal(Errno.ESRCH, a.Send(m => m.ToName(Name)));
        b.Owns(Name);
        SendToName(a, 2);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        b.GivesUp(Name);
        Assert.Equal([1], Cookies(b));
        Assert.Equal([2], Cookies(activator));
    }

    [Theory, Worlds]
    public void ACT_06_what_the_owner_has_not_read_goes_back_when_he_ends(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer watcher = scene.ConnectWatcher();
        Peer a = scene.Connect();
        ulong cookie = 0;
        for (int round = 0; round < 3; round++)
        {
            Peer b = scene.Connect();
            b.Owns(Name);
            SendToName(a, ++cookie, ++cookie);
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id)));
            if (round == 0)
                b.Close();
            else
                Assert.Equal(0, b.Process.Exit());
            Assert.Equal(PollEvents.In, activator.Handle.Poll() & PollEvents.In);
            Assert.Equal(
                [
                    Notification.NameChange(activator.Id, NameFlags.Activator, b.Id, 0, Name),
                    Notification.NameChange(b.Id, 0, activator.Id, NameFlags.Activator, Name),
                ],
                watcher.Notifications());
        }
        Assert.Equal([1, 2, 3, 4, 5, 6], Cookies(activator));
    }

    [Theory, Worlds]
    public void ACT_08_a_request_that_waited_is_answered_by_who_took_it_over(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).ExpectReply(7, a.Deadline(600_000))));
        SynchronousCall call = a.Call(m => m.ToName(Name).ExpectReply(8, a.Deadline(600_000)).Vec("question"u8));
        Assert.True(call.StaysBlocked(50));
        b.Owns(Name);
        Assert.Equal(7UL, b.AwaitMessage().Header.Cookie);
        Assert.Equal("question"u8, b.AwaitMessage().Payload);
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(9)));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(8).Vec("eight"u8)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal("eight"u8, call.Reply.Payload);
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7).Vec("seven"u8)));
        Assert.Equal("seven"u8, a.Receive().Payload);
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
    }

    [Theory, Worlds]
    public void ACT_08_a_request_that_goes_back_is_answered_by_the_next_owner_and_not_by_the_last(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer first = scene.Connect();
        Peer second = scene.Connect();
        first.Owns(Name);
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).ExpectReply(7, a.Deadline(600_000))));
        Assert.Equal(Errno.OK, a.Send(m => m.To(first.Id).ExpectReply(8, a.Deadline(600_000))));
        first.GivesUp(Name);
        Assert.Equal(Errno.EPERM, first.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(Errno.OK, first.Send(m => m.To(a.Id).Answers(8)));
        first.Close();
        Assert.Equal(8UL, a.ReceiveAndFree().Header.CookieReply);
        a.HasNothing();
        Assert.Equal(7UL, activator.Receive(RecvFlags.Peek).Header.Cookie);
        second.Owns(Name);
        Assert.Equal(Errno.OK, second.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(7UL, a.Receive().Header.CookieReply);
    }

    /// <summary>Who releases the name gives the permission to answer away even for requests he has read.</summary>
    [Theory, Worlds]
    public void ACT_08_the_permission_to_answer_goes_with_the_name(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer first = scene.Connect();
        Peer second = scene.Connect();
        first.Owns(Name);
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).ExpectReply(7, a.Deadline(600_000))));
        first.ReceiveAndFree();
        first.GivesUp(Name);
        Assert.Equal(Errno.EPERM, first.Send(m => m.To(a.Id).Answers(7)));
        first.Close();
        a.HasNothing();
        second.Owns(Name);
        second.HasNothing();
        Assert.Equal(Errno.OK, second.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(7UL, a.Receive().Header.CookieReply);
    }

    [Theory, Worlds]
    public void ACT_10_what_the_new_owner_has_no_room_for_is_lost_and_counted(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (int i = 0; i < 254; i++)
            Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).Cookie(100)));
        SendToName(a, 1, 2, 3, 4, 5);
        b.Owns(Name);
        activator.HasNothingAndLost(0);
        Received first = b.Recv();
        Assert.Equal((Errno.OK, 3UL, RecvReturnFlags.DroppedMsgs), (
            first.Result, first.Command.DroppedMsgs, (RecvReturnFlags)first.Command.ReturnFlags));
        Assert.Equal([1, 2], Cookies(b).Where(static c => c != 100));
        b.HasNothingAndLost(0);
    }

    /// <summary>A request that was lost in a move is still expected from who has the name, and ends with him.</summary>
    [Theory, Worlds]
    public void ACT_10_a_request_lost_in_a_move_is_not_over(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect(Peer.HelloCommand(poolSize: 4096));
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).ExpectReply(7, a.Deadline(600_000)).Vec(new byte[2000])));
        b.Owns(Name);
        b.HasNothingAndLost(1);
        Assert.Equal(Errno.OK, b.Byebye());
        activator.HasNothing();
        a.HasNothing();
        activator.Close();
        ReceivedMessage notice = a.Receive();
        Assert.Equal((Notification.ReplyDead, 7UL), (notice.Notification, notice.Header.CookieReply));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void ACT_12_what_is_unread_is_lost_when_the_owner_ends_and_somebody_waits(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        b.Owns(Name);
        c.WaitsFor(Name);
        SendToName(a, 1);
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).ExpectReply(2, a.Deadline(600_000))));
        b.Close();
        ReceivedMessage notice = a.ReceiveAndFree();
        Assert.Equal((Notification.ReplyDead, 2UL), (notice.Notification, notice.Header.CookieReply));
        a.HasNothing();
        c.HasNothingAndLost(0);
        activator.HasNothingAndLost(0);
    }

    [Theory, Worlds]
    public void ACT_12_a_replaced_owner_who_does_not_queue_passes_nothing_to_the_activator(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        b.Owns(Name, NameFlags.AllowReplacement);
        SendToName(a, 1);
        c.Owns(Name, NameFlags.ReplaceExisting);
        c.HasNothing();
        activator.HasNothing();
        SendToName(a, 2);
        c.GivesUp(Name);
        Assert.Equal([1], Cookies(b));
        Assert.Equal([2], Cookies(activator));
    }

    [Theory, Worlds]
    public void ACT_22_who_acquires_the_name_gets_what_he_sent_there_himself(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        SendToName(a, 1, 2);
        a.Owns(Name);
        Assert.Equal([1, 2], Cookies(a));
    }

    /// <summary>What was asked by the new owner himself cannot be answered by him, and ends at its deadline.</summary>
    [Theory, Worlds]
    public void ACT_22_a_request_of_the_new_owner_is_his_to_read_and_not_to_answer(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).ExpectReply(7, a.Deadline(1000))));
        a.Owns(Name);
        Assert.Equal(7UL, a.ReceiveAndFree().Header.Cookie);
        Assert.Equal(Errno.EPERM, a.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(Notification.ReplyTimeout, a.AwaitMessage().Notification);
    }

    [Theory, Worlds]
    public void ACT_24_large_messages_are_moved_whole(WorldKind world)
    {
        using Scene scene = new(world);
        foreach (int flags in (int[])[OpenFlags.ReadWrite, OpenFlags.ReadOnly])
        {
            Peer activator = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.Endpoint, flags), Peer.ActivatorHello(Name));
            Peer b = Peer.Hello(Handle.Open(scene.World.Spawn(), scene.Bus.Endpoint, flags));
            Peer a = scene.Connect();
            byte[][] payloads = [Payload.Random(1, Large), Payload.Random(2, Large)];
            foreach (byte[] payload in payloads)
                Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Vec(payload)));
            b.Owns(Name);
            Assert.Equal(payloads[0], b.ReceiveAndFree().Payload);
            b.GivesUp(Name);
            Assert.Equal(payloads[1], activator.Receive(RecvFlags.Peek).Payload);
            b.Owns(Name);
            Assert.Equal(payloads[1], b.ReceiveAndFree().Payload);
            b.HasNothingAndLost(0);
            activator.Close();
            b.Close();
        }
    }

    [Theory, Worlds]
    public void ACT_25_a_moved_message_does_not_count_at_the_activator_any_more(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 256; i++)
                Assert.Equal((i, Errno.OK), (i, a.Send(m => m.ToName(Name))));
            Assert.Equal(Errno.ENOBUFS, a.Send(m => m.ToName(Name)));
            b.Owns(Name);
            Assert.Equal(Errno.ENOBUFS, a.Send(m => m.ToName(Name)));
            Assert.Equal(256, b.ReceiveAll().Count);
            Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name)));
            b.GivesUp(Name);
            Assert.Single(activator.ReceiveAll());
        }
    }

    [Theory, Worlds]
    public void ACT_27_what_is_sent_while_the_name_changes_hands_is_not_lost(WorldKind world)
    {
        using Scene scene = new(world);
        scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        const ulong Messages = 400;
        Task sending = Task.Run(
            () =>
            {
                for (ulong cookie = 1; cookie <= Messages; cookie++)
                {
                    Errno result;
                    while ((result = a.Send(m => m.ToName(Name).Cookie(cookie).Vec(PayloadOf(cookie)))) == Errno.ENOBUFS)
                        Thread.Sleep(1);
                    Assert.Equal(Errno.OK, result);
                }
            },
            TestContext.Current.CancellationToken);
        long until = b.Process.Now() + (long)Pending.Patience.TotalNanoseconds;
        for (ulong received = 0; received < Messages;)
        {
            b.Owns(Name);
            foreach (ReceivedMessage message in b.ReceiveAll())
            {
                Assert.Equal(++received, message.Header.Cookie);
                Assert.Equal(PayloadOf(received), message.Payload);
            }
            b.GivesUp(Name);
            Assert.True(b.Process.Now() < until, $"message {received + 1} has not come");
        }
        Assert.True(Pending.Await(sending.ContinueWith(static t => t.IsCompletedSuccessfully, TestContext.Current.CancellationToken), "the sender"));

        static byte[] PayloadOf(ulong cookie) => Payload.Random((int)cookie, (int)(cookie * 97 % 20_000) + 1);
    }

    private static void SendToName(Peer sender, params ReadOnlySpan<ulong> cookies)
    {
        foreach (ulong cookie in cookies)
            Assert.Equal(Errno.OK, sender.Send(m => m.ToName(Name).Cookie(cookie)));
    }

    private static ulong[] Cookies(Peer receiver) => [.. receiver.ReceiveAll().Select(static m => m.Header.Cookie)];
}
