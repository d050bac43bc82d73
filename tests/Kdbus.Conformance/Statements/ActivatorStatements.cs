namespace Kdbus.Conformance.Statements;

/// <summary>Activators: a name that is there before its owner.</summary>
[AlsoByExchange]
public class ActivatorStatements
{
    private const string Name = "x.y";

    [Theory, Worlds]
    public void ACT_01_a_message_to_the_name_waits_at_the_activator(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, activator.Handle.Poll());
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Cookie(1).Vec("wake"u8)));
        Assert.Equal(PollEvents.In | PollEvents.ReadNormal | PollEvents.Out | PollEvents.WriteNormal, activator.Handle.Poll());
        ReceivedMessage message = activator.Receive(RecvFlags.Peek);
        Assert.Equal((a.Id, 0UL, Name), (message.Header.SrcId, message.Header.DstId, message.DestinationName));
        Assert.Equal(activator.Id, a.OwnerOf(Name));

        // With the id of the activator the name is right too, but the id alone reaches nobody.
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name, activator.Id)));
        Assert.Equal(Errno.EREMCHG, a.Send(m => m.ToName(Name, a.Id)));
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(activator.Id)));
    }

    [Theory, Worlds]
    public void ACT_03_the_change_is_told_as_one_from_the_activator(WorldKind world)
    {
        using Scene scene = new(world);
        Peer watcher = scene.ConnectWatcher();
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer b = scene.Connect();
        b.Owns(Name, NameFlags.AllowReplacement);
        b.GivesUp(Name);
        Assert.Equal(
            [
                Notification.NameAdd(activator.Id, NameFlags.Activator, Name),
                Notification.NameChange(activator.Id, NameFlags.Activator, b.Id, NameFlags.AllowReplacement, Name),
                Notification.NameChange(b.Id, NameFlags.AllowReplacement, activator.Id, NameFlags.Activator, Name),
            ],
            watcher.Notifications());
    }

    [Theory, Worlds]
    public void ACT_07_the_end_of_the_activator_leaves_the_owner_alone(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer b = scene.Connect();
        b.Owns(Name);
        Peer watcher = scene.ConnectWatcher();
        activator.Close();
        watcher.HasNothing();
        Assert.Equal(b.Id, watcher.OwnerOf(Name));
        b.GivesUp(Name);
        Assert.Equal([Notification.NameRemove(b.Id, 0, Name)], watcher.Notifications());
        Assert.Equal(Errno.ESRCH, b.Send(m => m.ToName(Name)));
    }

    [Theory, Worlds]
    public void ACT_11_an_activator_for_a_name_that_has_an_owner_stands_behind_him(WorldKind world)
    {
        using Scene scene = new(world);
        Peer watcher = scene.ConnectWatcher();
        Peer c = scene.Connect();
        c.Owns(Name, NameFlags.AllowReplacement);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Assert.Equal(c.Id, watcher.OwnerOf(Name));
        SendToName(watcher, 1);
        activator.HasNothing();
        c.GivesUp(Name);
        Assert.Equal(
            [
                Notification.NameAdd(c.Id, NameFlags.AllowReplacement, Name),
                Notification.NameChange(c.Id, NameFlags.AllowReplacement, activator.Id, NameFlags.Activator, Name),
            ],
            watcher.Notifications());
        Assert.Equal([1], Cookies(activator));
    }

    [Theory, Worlds]
    public void ACT_12_who_waits_for_the_name_comes_before_the_activator(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer watcher = scene.ConnectWatcher();
        Peer b = scene.Connect();
        Peer c = scene.Connect();
        b.Owns(Name);
        c.WaitsFor(Name);
        SendToName(watcher, 1);
        Assert.Equal(Errno.OK, watcher.Send(m => m.ToName(Name).ExpectReply(2, watcher.Deadline(600_000))));
        b.GivesUp(Name);
        Assert.Equal(c.Id, watcher.OwnerOf(Name));
        Assert.Equal(Notification.NameChange(b.Id, 0, c.Id, NameFlags.Queue, Name), watcher.Notifications()[^1]);

        // Nothing moves on that way, nor does the permission to answer.
        Assert.Equal([1, 2], Cookies(b));
        Assert.Equal(Errno.EPERM, c.Send(m => m.To(watcher.Id).Answers(2)));
        Assert.Equal(Errno.OK, b.Send(m => m.To(watcher.Id).Answers(2)));
        activator.HasNothing();
        c.HasNothing();
        c.GivesUp(Name);
        Assert.Equal(activator.Id, watcher.OwnerOf(Name));
    }

    [Theory, Worlds]
    public void ACT_13_an_activator_only_receives(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Assert.Equal(Errno.EOPNOTSUPP, activator.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EOPNOTSUPP, activator.Byebye());
        Assert.Equal(Errno.EOPNOTSUPP, activator.AddMatch(static _ => { }));
        Assert.Equal(Errno.EOPNOTSUPP, activator.RemoveMatch(0));
        foreach (Command command in (Command[])[Command.Send, Command.Byebye, Command.MatchAdd, Command.MatchRemove])
            Assert.Equal((command, Errno.EOPNOTSUPP), (command, activator.Handle.RunOnGarbage(command)));
        Assert.Equal(Errno.ENXIO, a.Send(m => m.To(activator.Id)));
        Assert.Equal(activator.Id, a.OwnerOf(Name));
        a.HasNothing();
    }

    [Theory, Worlds]
    public void ACT_14_an_activator_may_give_its_name_to_a_user(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name, static p => p.User(Scene.User, PolicyAccessLevel.Own)));
        Peer user = scene.ConnectAs(Scene.User);
        Peer other = scene.ConnectAs(Scene.OtherUser);
        Assert.Equal(Errno.EPERM, other.Acquire(Name));
        Assert.Equal(Errno.OK, user.Send(m => m.ToName(Name).Cookie(1)));
        user.Owns(Name);
        Assert.Equal(1UL, user.Receive().Header.Cookie);
        user.GivesUp(Name);
        activator.Close();
        Assert.Equal(Errno.EPERM, user.Acquire(Name));
    }

    [Theory, Worlds]
    public void ACT_15_without_policy_a_user_gets_nothing_from_an_activator(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name, static p => p.User(Scene.OtherUser, PolicyAccessLevel.Talk)));
        Peer user = scene.ConnectAs(Scene.User);
        Peer talker = scene.ConnectAs(Scene.OtherUser);
        Assert.Equal(Errno.EPERM, user.Acquire(Name));
        Assert.Equal(Errno.EPERM, user.Send(m => m.ToName(Name)));
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, activator.Handle.Poll());
        Assert.Equal(Errno.EPERM, talker.Acquire(Name));
        Assert.Equal(Errno.OK, talker.Send(m => m.ToName(Name).Cookie(1)));
        Assert.Equal([1], Cookies(activator));
    }

    [Theory, Worlds]
    public void ACT_16_an_activator_updates_what_it_wants_to_be_told_and_nothing_else(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Assert.Equal(Errno.OK, activator.Update(recv: (ulong)AttachFlags.Timestamp));
        Assert.Equal(Errno.EINVAL, activator.Update(recv: 0x4000));
        Assert.Equal(Errno.EOPNOTSUPP, activator.Update(send: 0));
        Assert.Equal(Errno.EOPNOTSUPP, activator.Update(send: 0x4000));
        Assert.Equal(Errno.EOPNOTSUPP, activator.Update(static p => p.World(PolicyAccessLevel.Own)));
        Assert.Equal(Errno.EOPNOTSUPP, activator.Update(static p => p.Name(Name)));
        Assert.Equal(Errno.OK, activator.Update());

        // Nothing is changed by halves.
        WireStruct both = WireStruct.Of(Command.Update).Item(ItemType.AttachFlagsRecv, 0UL).Text(ItemType.Name, Name);
        Assert.Equal(Errno.EOPNOTSUPP, activator.Handle.Run(Command.Update, both).Result);
        Peer a = scene.Connect(Peer.HelloCommand(send: (ulong)AttachFlags.All));
        SendToName(a, 1);
        Assert.Equal(ItemType.Timestamp, activator.Receive().Items[^1].Type);
    }

    [Theory, Worlds]
    public void ACT_17_an_activator_may_look_at_a_message_and_leave_it(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).Vec("look"u8)));
        ReceivedMessage seen = activator.Receive(RecvFlags.Peek);
        Assert.Equal("look"u8, seen.Payload);
        Assert.Equal(seen.Offset, activator.Receive(RecvFlags.Peek).Offset);
        b.Owns(Name);
        Assert.Equal("look"u8, b.Receive().Payload);

        // What was seen stays in the activator's pool until it is freed.
        activator.HasNothing();
        Assert.Equal("look"u8, activator.Message(new KdbusMsgInfo { Offset = seen.Offset, MsgSize = (ulong)seen.SliceSize }).Payload);
        activator.Free(seen);
        Assert.Equal(Errno.ENXIO, activator.Free(seen.Offset));
    }

    [Theory, Worlds]
    public void ACT_18_the_end_of_an_activator_that_holds_its_name_ends_the_name_and_what_waits_there(WorldKind world)
    {
        using Scene scene = new(world);
        Peer watcher = scene.ConnectWatcher();
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        Peer b = scene.Connect();
        SendToName(a, 1);
        Assert.Equal(Errno.OK, a.Send(m => m.ToName(Name).ExpectReply(7, a.Deadline(600_000))));
        SynchronousCall call = b.Call(m => m.ToName(Name).ExpectReply(8, b.Deadline(600_000)));
        Assert.True(call.StaysBlocked(50));
        activator.Close();
        Assert.Equal(Errno.EPIPE, call.Result());
        ReceivedMessage notice = a.Receive();
        Assert.Equal((Notification.ReplyDead, 7UL), (notice.Notification, notice.Header.CookieReply));
        a.HasNothing();
        Assert.Equal(
            [Notification.NameAdd(activator.Id, NameFlags.Activator, Name), Notification.NameRemove(activator.Id, NameFlags.Activator, Name)],
            watcher.Notifications());
        b.Owns(Name);
        b.HasNothing();
    }

    [Theory, Worlds]
    public void ACT_19_an_activator_for_a_name_in_the_policy_of_a_holder_is_EEXIST_and_leaves_the_name_as_it_was(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name));
        Handle refused = scene.Bus.Open(scene.World.Spawn());
        Assert.Equal(Errno.EEXIST, refused.Run(Command.Hello, Peer.ActivatorHello(Name)).Result);
        Peer a = scene.Connect();
        Assert.Equal([new ListedConnection(holder.Id, HelloFlags.PolicyHolder), new ListedConnection(a.Id, HelloFlags.AcceptFd)],
            a.Listed(ListFlags.Unique | ListFlags.Names | ListFlags.Activators | ListFlags.Queued));
        a.Owns(Name);
        Assert.Equal(Errno.EEXIST, refused.Run(Command.Hello, Peer.ActivatorHello(Name)).Result);
        Assert.Equal(a.Id, a.OwnerOf(Name));
        a.GivesUp(Name);
        Assert.Equal(Errno.ESRCH, a.Release(Name));

        holder.Close();
        Peer activator = Peer.Hello(refused, Peer.ActivatorHello(Name));
        Assert.Equal(activator.Id, a.OwnerOf(Name));
    }

    [Theory, Worlds]
    public void ACT_20_the_policy_of_an_activator_is_gone_as_soon_as_it_is_closed(WorldKind world)
    {
        using Scene scene = new(world);
        for (int round = 0; round < 10; round++)
        {
            Peer activator = scene.Connect(Peer.ActivatorHello(Name));
            Handle endpoint = scene.Bus.Open(scene.World.Spawn());
            Assert.Equal(Errno.EEXIST, endpoint.Run(Command.Hello, Peer.PolicyHolderHello(Name)).Result);
            if (round % 2 == 0)
                activator.Close();
            else
                Assert.Equal(0, activator.Process.Exit());
            Peer holder = Peer.Hello(endpoint, Peer.PolicyHolderHello(Name));
            holder.Close();
        }
    }

    [Theory, Worlds]
    public void ACT_21_that_an_activator_cannot_be_reached_by_id_is_no_matter_of_policy(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer user = scene.ConnectAs(Scene.User);
        Assert.Equal(Errno.ENXIO, user.Send(m => m.To(activator.Id)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.ToName(Name)));
        Assert.Equal(PollEvents.Out | PollEvents.WriteNormal, activator.Handle.Poll());
    }

    /// <summary>An activator that cannot be made leaves the name, the list and the handle as they were.</summary>
    [Theory, Worlds]
    public void ACT_26_a_second_activator_for_a_name_is_refused_and_changes_nothing(WorldKind world)
    {
        using Scene scene = new(world);
        Peer activator = scene.Connect(Peer.ActivatorHello(Name));
        Peer a = scene.Connect();
        SendToName(a, 1);
        Handle refused = scene.Bus.Open(scene.World.Spawn());
        Assert.Equal(Errno.EEXIST, refused.Run(Command.Hello, Peer.ActivatorHello(Name)).Result);
        a.Owns(Name);
        Assert.Equal(Errno.EEXIST, refused.Run(Command.Hello, Peer.ActivatorHello(Name)).Result);
        a.GivesUp(Name);
        Assert.Equal(activator.Id, a.OwnerOf(Name));
        Assert.Equal([1], Cookies(activator));
        Assert.Equal(Errno.EBADFD, refused.Run(Command.Recv, WireStruct.Of(Command.Recv)).Result);
        Peer.Hello(refused, Peer.ActivatorHello("x.other"));
    }

    private static void SendToName(Peer sender, params ReadOnlySpan<ulong> cookies)
    {
        foreach (ulong cookie in cookies)
            Assert.Equal(Errno.OK, sender.Send(m => m.ToName(Name).Cookie(cookie)));
    }

    private static ulong[] Cookies(Peer receiver) => [.. receiver.ReceiveAll().Select(static m => m.Header.Cookie)];
}
