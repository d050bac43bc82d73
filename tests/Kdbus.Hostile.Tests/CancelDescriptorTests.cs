using System.Globalization;

namespace Kdbus.Hostile.Tests;

/// <summary>
/// Cancel descriptors by which clients mean no good, or which they use by the thousand. The daemon copies them, polls them and closes them, and
/// each of that may take as long as whoever is behind the file likes.
/// </summary>
public sealed class CancelDescriptorTests
{
    private const uint Stranger = 40003;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_thousand_cancelled_calls_leave_no_descriptor_behind(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer a = scene.ConnectAs(Scene.User);
        Peer b = scene.ConnectAs(Scene.User);
        int readable = a.Process.EventFd(1);
        int idle = a.Process.EventFd();
        // Once for what is made once: the user's watcher.
        CancelOne(a, b, readable);
        DaemonUse before = DaemonUse.Of(scene);
        for (int i = 0; i < 1000; i++)
            CancelOne(a, b, readable);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(Errno.OK, a.SendInFull(m => m.To(b.Id), SendFlags.None, idle).Result);
            b.ReceiveAndFree();
            Assert.Equal(Errno.ENXIO, a.SendInFull(m => m.To(1UL << 60).ExpectReply(1, long.MaxValue), SendFlags.SyncReply, idle).Result);
            Assert.Equal(Errno.EINVAL, a.SendInFull(m => m.To(b.Id), SendFlags.None, a.Process.MemoryFile()).Result);
        }
        DaemonUse after = DaemonUse.Of(scene);
        TestContext.Current.TestOutputHelper?.WriteLine($"before: {before}\nafter:  {after}");
        Assert.Equal(before.Descriptors, after.Descriptors);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Callers_killed_while_they_wait_leave_no_descriptor_behind(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer b = scene.ConnectAs(Scene.User);
        KillOne(scene, b);
        DaemonUse before = DaemonUse.Of(scene);
        for (int i = 0; i < 20; i++)
            KillOne(scene, b);
        Moment.Await(() => DaemonUse.Of(scene).Descriptors == before.Descriptors, "as many descriptors as before");
        Moment.Await(() => DaemonUse.Of(scene).ThreadDescriptors == 0, "threads that call no more being forgotten");
    }

    /// <summary>A file of another FUSE mount is not even looked at: its server may be the caller.</summary>
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_file_of_another_FUSE_mount_is_refused_at_once(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer a = scene.ConnectAs(Scene.User);
        Peer b = scene.ConnectAs(Scene.User);
        Handle file = Open(slow, a.Process);
        slow.Hold(0);
        Assert.Equal(Errno.EINVAL, a.SendInFull(m => m.To(b.Id), SendFlags.None, file.Descriptor).Result);
        Assert.Equal(Errno.EINVAL, a.SendInFull(m => m.To(b.Id).ExpectReply(1, long.MaxValue), SendFlags.SyncReply, file.Descriptor).Result);
        others.GoesOn($"{kind} refused");
        Assert.Equal(0, slow.Held(0));
        b.HasNothing();
    }

    /// <summary>Behind an epoll instance of the caller's the file cannot be seen, and polling that polls the file.</summary>
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_file_that_does_not_answer_its_poll_holds_up_nobody_else(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer a = scene.ConnectAs(Scene.User);
        Peer b = scene.ConnectAs(Scene.User);
        int set = a.Process.PollSet(Open(slow, a.Process).Descriptor);
        Assert.True(set >= 0, $"epoll gave {(Errno)(-set)}");
        slow.Hold(0);
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(1, long.MaxValue), set);
        slow.AwaitHeld(0);
        others.GoesOn($"{kind} stuck in poll");

        // Others cancel as before, and so can this one be killed.
        Peer c = scene.ConnectAs(Scene.OtherUser);
        Peer d = scene.ConnectAs(Scene.OtherUser);
        CancelOne(c, d, c.Process.EventFd(1));
        Assert.False(call.IsOver);
        Death.Of(a.Process);
        others.GoesOn($"{kind} killed");
        slow.Answer(0);
        Moment.Await(() => b.Send(m => m.To(a.Id)) == Errno.ENXIO, "the end of the caller");
        b.HasNothing();
    }

    /// <summary>It answers when the watch begins, and not when it is looked at again: then it has the thread that watches.</summary>
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_file_that_stops_answering_while_it_is_watched_holds_up_its_user_only(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer a = scene.ConnectAs(Scene.User);
        Peer b = scene.ConnectAs(Scene.User);
        slow.Quieten(0);
        int set = a.Process.PollSet(Open(slow, a.Process).Descriptor);
        Assert.True(set >= 0, $"epoll gave {(Errno)(-set)}");
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(1, long.MaxValue), set);
        b.AwaitMessage();
        slow.Hold(0);
        slow.Wake(0);
        slow.AwaitHeld(0);
        others.GoesOn($"{kind} watcher stuck");

        // The answer waits for the descriptor to be closed, and a signal waits for nothing; what others call, they cancel.
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(1).Vec("answer"u8)));
        Assert.True(call.StaysBlocked(100));
        Peer c = scene.ConnectAs(Scene.OtherUser);
        Peer d = scene.ConnectAs(Scene.OtherUser);
        CancelOne(c, d, c.Process.EventFd(1));
        Assert.Equal(0, a.Process.Handle(Signals.User1, restart: false));
        Assert.Equal(0, a.Process.SignalThread(call.Thread, Signals.User1));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal("answer"u8.ToArray(), call.Reply.Payload);

        // His other calls, with good descriptors, get stuck too, and are let go with the file.
        int readable = a.Process.EventFd(1);
        SynchronousCall second = a.Call(m => m.To(b.Id).ExpectReply(2, long.MaxValue), readable);
        others.GoesOn($"{kind} second stuck");
        Assert.True(second.StaysBlocked(100));
        slow.Answer(0);
        Assert.Equal(Errno.ECANCELED, second.Result());
        b.ReceiveAll();
        CancelOne(a, b, readable);
        Assert.Equal(0, a.Process.Close(set));
    }

    /// <summary>The daemon polls files of its own mount, and answers itself.</summary>
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Calls_that_are_cancelled_by_connections_of_the_same_domain_hold_up_nobody(WorldKind kind)
    {
        using Scene scene = new(kind);
        using Chatter others = new(scene);
        Peer a = scene.ConnectAs(Scene.User);
        Peer b = scene.ConnectAs(Scene.User);
        List<SynchronousCall> calls = [];
        List<Peer> waiting = [];
        for (int i = 0; i < 8; i++)
        {
            waiting.Add(scene.Connect(a.Process));
            Peer canceller = waiting[i];
            calls.Add(a.Call(m => m.To(b.Id).ExpectReply(1, long.MaxValue), canceller.Handle.Descriptor));
            b.Free(b.AwaitMessage());
        }
        others.GoesOn($"{kind} eight wait");
        foreach (Peer canceller in waiting)
            Assert.Equal(Errno.OK, b.Send(m => m.To(canceller.Id)));
        Assert.All(calls, static call => Assert.Equal(Errno.ECANCELED, call.Result()));
        others.GoesOn($"{kind} cancelled");
    }

    /// <summary>What must be known about a caller may become more while its message is taken in: it is found out before it is decided.</summary>
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_policy_of_groups_made_while_a_message_is_taken_in_finds_the_senders_groups(WorldKind kind)
    {
        const uint Group = 5000;
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        Peer service = scene.Connect();
        service.Owns("com.x.a");
        Peer member = scene.Connect(scene.SpawnAs(Scene.User, Group));
        IProcess process = member.Process;
        ulong message = new OutgoingMessage(process.Scratch).To(service.Id).Cookie(5).Place();
        ulong held = slow.MapHeld(process, 0, process.Scratch.Read(message, 64));
        ulong command = process.Scratch.Place(WireStruct.Of(new KdbusCmdSend { MsgAddress = held }).ToArray());
        Pending send = process.IoctlInThread(member.Handle.Descriptor, (uint)Command.Send, command);
        slow.AwaitHeld(0);
        scene.Connect(Peer.PolicyHolderHello("com.x.a", static p => p.Group(Group, PolicyAccessLevel.Talk)));
        slow.Answer(0);
        Assert.Equal(Errno.OK, Handle.Outcome(send.Result()));
        Assert.Equal(5UL, service.Receive().Header.Cookie);
    }

    private static void CancelOne(Peer caller, Peer answerer, int readable)
    {
        Assert.Equal(Errno.ECANCELED, caller.SendInFull(m => m.To(answerer.Id).ExpectReply(1, long.MaxValue), SendFlags.SyncReply, readable).Result);
        answerer.ReceiveAndFree();
    }

    private static void KillOne(Scene scene, Peer answerer)
    {
        Peer caller = scene.ConnectAs(Scene.User);
        caller.Call(m => m.To(answerer.Id).ExpectReply(1, long.MaxValue), caller.Process.EventFd());
        answerer.Free(answerer.AwaitMessage());
        Death.Of(caller.Process);
        Moment.Await(() => answerer.Send(m => m.To(caller.Id)) == Errno.ENXIO, "the end of the caller");
    }

    private static Handle Open(SlowMount slow, IProcess process) =>
        Handle.Open(process, Path.Combine(slow.Root, 0.ToString(CultureInfo.InvariantCulture)));
}
