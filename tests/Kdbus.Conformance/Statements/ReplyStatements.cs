namespace Kdbus.Conformance.Statements;

/// <summary>Requests without waiting: one reply each, a deadline, and word when nobody will answer.</summary>
[AlsoByExchange]
public class ReplyStatements
{
    [Theory, Worlds]
    public void REP_01_a_request_is_answered_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Request(a, b, 7);
        Assert.Equal(7UL, b.Receive().Header.Cookie);
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(99).Answers(7).Vec("answer"u8)));
        ReceivedMessage reply = a.Receive();
        Assert.Equal((b.Id, 7UL, 99UL, 0UL), (reply.Header.SrcId, reply.Header.CookieReply, reply.Header.Cookie, reply.Header.Flags));
        Assert.Equal("answer"u8, reply.Payload);
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void REP_02_only_who_was_asked_may_answer_and_only_that(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        Request(a, b, 7);
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(8)));
        Assert.Equal(Errno.EPERM, c.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(Errno.EPERM, a.Send(m => m.To(b.Id).Answers(7)));
        a.HasNothing();
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7)));
    }

    [Theory, Worlds]
    public void REP_03_a_request_is_the_permission_to_answer_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
        Request(a, user, 7);
        Assert.Equal(Errno.OK, user.Send(m => m.To(a.Id).Answers(7).Vec("from a stranger"u8)));
        Assert.Equal("from a stranger"u8, a.Receive().Payload);
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(a.Id)));
    }

    [Theory, Worlds]
    public void REP_04_deadlines_that_pass_are_told_in_their_order_and_never_early(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        (ulong Cookie, long Deadline)[] requests = [];
        for (long apart = 100_000_000; ; apart *= 3)
        {
            long now = a.Process.Now();
            requests = [(1, now + 3 * apart), (2, now + apart), (3, now + 2 * apart)];
            foreach ((ulong cookie, long deadline) in requests)
                Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).ExpectReply(cookie, deadline)));
            if (a.Process.Now() < now + apart)
                break;
            // The machine was so busy that a deadline passed before all were sent: once more, with more time.
            for (int i = 0; i < requests.Length; i++)
                a.AwaitMessage();
        }
        foreach ((ulong cookie, long deadline) in requests.OrderBy(static r => r.Deadline))
        {
            ReceivedMessage notice = a.AwaitMessage();
            Assert.True(a.Process.Now() >= deadline);
            ReceivedItem item = Assert.Single(notice.Items);
            Assert.Equal((ItemType.ReplyTimeout, 0), (item.Type, item.Payload.Length));
            KdbusMsg header = notice.Header;
            Assert.Equal((80UL, (ulong)MessageFlags.Signal, 0L), (header.Size, header.Flags, header.Priority));
            Assert.Equal((0UL, a.Id, 0UL, 0UL, cookie), (header.SrcId, header.DstId, header.PayloadType, header.Cookie, header.CookieReply));
        }
        a.HasNothing();
    }

    [Theory, Worlds]
    public void REP_05_a_reply_behind_the_deadline_is_EPERM(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).ExpectReply(7, a.Deadline(30))));
        Assert.Equal(ItemType.ReplyTimeout, a.AwaitMessage().Items[0].Type);
        Assert.Equal(7UL, b.Receive().Header.Cookie);
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
    }

    [Theory, Worlds]
    public void REP_06_a_deadline_in_the_past_passes_at_once_and_the_request_is_delivered(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(b.Id).ExpectReply(7, 1)));
        ReceivedMessage notice = a.AwaitMessage();
        Assert.Equal((ItemType.ReplyTimeout, 7UL), (notice.Items[0].Type, notice.Header.CookieReply));
        Assert.Equal(7UL, b.Receive().Header.Cookie);
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
    }

    [Theory, Worlds]
    public void REP_07_who_ends_with_a_request_in_his_hands_is_reported_dead_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer closed = scene.Connect();
        Request(a, closed, 7);
        closed.Receive();
        closed.Close();
        AssertDead(a, 7);

        Peer left = scene.Connect();
        Request(a, left, 8);
        left.Receive();
        Assert.Equal(Errno.OK, left.Byebye());
        AssertDead(a, 8);
    }

    [Theory, Worlds]
    public void REP_08_who_ends_before_reading_a_request_is_reported_dead_once(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer closed = scene.Connect();
        Request(a, closed, 7);
        closed.Close();
        AssertDead(a, 7);

        Peer exited = scene.Connect();
        Request(a, exited, 8);
        Assert.Equal(0, exited.Process.Exit());
        AssertDead(a, 8);
    }

    [Theory, Worlds]
    public void REP_09_a_requester_who_has_ended_cannot_be_answered(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Request(a, b, 7);
        a.Close();
        Assert.Equal(Errno.ENXIO, b.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(7UL, b.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void REP_11_a_reply_that_finds_no_room_uses_the_permission_up(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Request(a, b, 7);
        for (int i = 0; i < 256; i++)
            Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Cookie(1)));
        Assert.Equal(Errno.ENOBUFS, b.Send(m => m.To(a.Id).Answers(7)));
        a.ReceiveAndFree();
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
    }

    [Theory, Worlds]
    public void REP_12_one_cookie_may_be_used_for_several_requests(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Request(a, b, 7);
        Request(a, b, 7);
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(7)));
        Assert.Equal(Errno.EPERM, b.Send(m => m.To(a.Id).Answers(7)));
    }

    private static void Request(Peer requester, Peer answerer, ulong cookie) =>
        Assert.Equal(Errno.OK, requester.Send(m => m.To(answerer.Id).ExpectReply(cookie, requester.Deadline(600_000))));

    private static void AssertDead(Peer requester, ulong cookie)
    {
        ReceivedMessage notice = requester.ReceiveAndFree();
        Assert.Equal(ItemType.ReplyDead, Assert.Single(notice.Items).Type);
        Assert.Equal((80UL, 0UL, requester.Id, cookie, 0UL), (
            notice.Header.Size, notice.Header.SrcId, notice.Header.DstId, notice.Header.CookieReply, notice.Header.PayloadType));
        requester.HasNothing();
    }
}
