namespace Kdbus.Conformance.Statements;

/// <summary>
/// Whose identity counts, when: privilege is decided when the endpoint is opened, and stays with the handle; what a user may do is decided by who
/// makes the call, each time anew.
/// </summary>
public class IdentityStatements
{
    private const string Name = "com.x.a";

    private const PolicyAccessLevel Talk = PolicyAccessLevel.Talk;
    private const PolicyAccessLevel Own = PolicyAccessLevel.Own;

    [Theory, Worlds]
    public void POL_24_the_effective_user_of_the_moment_counts(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Talk)));
        scene.Connect(Peer.PolicyHolderHello("com.x.b", static p => p.User(Scene.OtherUser, Own)));
        IProcess process = scene.World.Spawn();
        Assert.Equal(0, process.SetUsers(Scene.User, Scene.User, Scene.OtherUser));
        Peer changing = scene.Connect(process);
        Assert.Equal(Errno.OK, changing.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.EPERM, changing.Acquire("com.x.b"));
        Assert.Equal(0, process.SetUsers(Scene.User, Scene.OtherUser, Scene.OtherUser));
        Assert.Equal(Errno.EPERM, changing.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.EPERM, changing.Send(m => m.To(a.Id)));
        changing.Owns("com.x.b");
        Assert.Equal(0, process.SetUsers(Scene.User, Scene.User, Scene.OtherUser));
        Assert.Equal(Errno.OK, changing.Send(m => m.ToName(Name)));
    }

    /// <summary>Whom one may talk to without policy is decided by the effective user of who asks and the real one of who is asked.</summary>
    [Theory, Worlds]
    public void POL_24_the_same_user_is_the_effective_one_of_the_sender_and_the_real_one_of_the_receiver(WorldKind world)
    {
        using Scene scene = new(world);
        Peer user = scene.ConnectAs(Scene.User);
        IProcess process = scene.World.Spawn();
        Assert.Equal(0, process.SetUsers(Scene.OtherUser, Scene.User, Scene.OtherUser));
        Peer mixed = scene.Connect(process);
        Assert.Equal(Errno.OK, mixed.Send(m => m.To(user.Id)));
        Assert.Equal(Errno.EPERM, user.Send(m => m.To(mixed.Id)));
        Assert.Equal(Errno.OK, scene.ConnectAs(Scene.OtherUser).Send(m => m.To(mixed.Id)));
        Assert.Equal(0, process.SetUsers(Scene.OtherUser, Scene.OtherUser, Scene.OtherUser));
        Assert.Equal(Errno.EPERM, mixed.Send(m => m.To(user.Id)));
    }

    /// <summary>A receiver is who it was when it said HELLO.</summary>
    [Theory, Worlds]
    public void POL_24_broadcasts_go_by_who_a_receiver_was_at_hello(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.User(Scene.User, Talk)));
        IProcess process = scene.World.Spawn();
        Assert.Equal(0, process.SetUsers(Scene.User, Scene.User, Scene.OtherUser));
        Peer changing = scene.Connect(process);
        changing.Matches(static m => m.Id());
        Assert.Equal(0, process.SetUsers(Scene.User, Scene.OtherUser, Scene.OtherUser));
        Assert.Equal(Errno.OK, a.Broadcast(static m => m.Cookie(1)));
        Assert.Equal(1UL, changing.Receive().Header.Cookie);
    }

    [Theory, Worlds]
    public void POL_25_the_capability_makes_a_user_privileged(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        IProcess process = scene.World.Spawn();
        Assert.Equal(0, process.BecomeIpcOwner(Scene.User, Scene.User));
        Peer user = scene.Connect(process);
        user.Owns(Name);
        Assert.Equal(Errno.OK, user.Send(m => m.To(a.Id)));
        scene.Connect(process, Peer.MonitorHello());
        scene.Connect(process, Peer.PolicyHolderHello("com.x.b"));
        Assert.Equal(Errno.OK, scene.Bus.Open(process).Run(Command.EndpointMake, TestBus.EndpointCommand($"{Scene.User}-e")).Result);
    }

    /// <summary>Privilege stays with the handle when the capability is gone.</summary>
    [Theory, Worlds]
    public void POL_25_privilege_is_decided_when_the_file_is_opened(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        IProcess process = scene.World.Spawn();
        Handle opened = scene.Bus.Open(process);
        Assert.Equal(0, process.Become(Scene.User, Scene.User));
        Peer before = Peer.Hello(opened);
        Peer after = scene.Connect(process);
        Assert.Equal(Errno.OK, before.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, after.Send(m => m.To(a.Id)));
        before.Owns(Name);
        Assert.Equal(Errno.EPERM, after.Acquire("com.x.b"));
    }

    [Theory, Worlds]
    public void POL_26_a_handle_keeps_its_privilege_in_the_hands_of_a_user(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess owner = scene.World.Spawn();
        Handle opened = scene.Bus.Open(owner);
        Handle second = scene.Bus.Open(owner);
        Assert.True(owner.Fork(out IProcess? child) > 0);
        Assert.Equal(0, child!.Become(Scene.User, Scene.User));
        Peer monitor = Peer.Hello(opened.In(child), Peer.MonitorHello());
        Peer a = scene.Connect();
        Assert.Equal(Errno.OK, a.Send(m => m.To(a.Id).Cookie(5)));
        Assert.Contains(monitor.ReceiveAll(), static m => m.Header.Cookie == 5);
        Peer.Hello(second.In(child), Peer.PolicyHolderHello(Name));
        Handle own = scene.Bus.Open(child);
        Assert.Equal(Errno.EPERM, own.Run(Command.Hello, Peer.MonitorHello()).Result);
    }

    /// <summary>And the other way round: root gains nothing by using what a user has opened.</summary>
    [Theory, Worlds]
    public void POL_26_a_users_handle_has_no_privilege_in_the_hands_of_anybody(WorldKind world)
    {
        using Scene scene = new(world);
        IProcess process = scene.World.Spawn();
        Assert.Equal(0, process.SetUsers(0, Scene.User, 0));
        Handle opened = scene.Bus.Open(process);
        Assert.Equal(0, process.SetUsers(0, 0, 0));
        Assert.Equal(Errno.EPERM, opened.Run(Command.Hello, Peer.MonitorHello()).Result);
        Assert.Equal(Errno.EPERM, opened.Run(Command.EndpointMake, TestBus.EndpointCommand("0-e")).Result);
        Peer.Hello(opened);
    }

    [Theory, Worlds]
    public void POL_30_who_has_the_handle_of_a_policy_holder_changes_its_policy(WorldKind world)
    {
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name));
        Assert.True(holder.Process.Fork(out IProcess? child) > 0);
        Assert.Equal(0, child!.Become(Scene.OtherUser, Scene.OtherUser));
        Assert.Equal(Errno.OK, holder.In(child).Update(static p => p.Name(Name).User(Scene.User, Own)));
        scene.ConnectAs(Scene.User).Owns(Name);
    }

    [Theory, Worlds]
    public void POL_30_ids_in_policy_are_those_of_the_user_namespace_of_who_states_it(WorldKind world)
    {
        const uint Inside = 7;
        using Scene scene = new(world);
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name));
        Handle door = scene.Bus.MakeEndpoint(holder.Process, "0-door");
        Assert.True(holder.Process.ForkIntoUserNamespace(Inside, Scene.User, 2, out IProcess? child) > 0);
        Peer inherited = holder.In(child!);
        Assert.Equal(Errno.OK, inherited.Update(static p => p.Name(Name).User(Inside + 1, Own)));
        Assert.Equal(Errno.EPERM, scene.ConnectAs(Scene.User).Acquire(Name));
        Peer other = scene.ConnectAs(Scene.OtherUser);
        other.Owns(Name);
        other.GivesUp(Name);
        Assert.Equal(Errno.OK, inherited.Update(static p => p.Name(Name).Group(Inside, Own)));
        Assert.Equal(Errno.EPERM, other.Acquire(Name));
        Peer user = scene.ConnectAs(Scene.User);
        user.Owns(Name);
        user.GivesUp(Name);

        // Ids that have no name there cannot be meant, and nothing changes.
        foreach (uint unknown in (uint[])[Inside - 1, Inside + 2, Scene.User, 0, uint.MaxValue])
        {
            Assert.Equal(Errno.EINVAL, inherited.Update(p => p.Name(Name).User(unknown, Own)));
            Assert.Equal(Errno.EINVAL, inherited.Update(p => p.Name(Name).Group(unknown, Own)));
            Assert.Equal(Errno.EINVAL, door.In(child!).UpdateEndpoint(p => p.Name(Name).User(unknown, Own)));
        }
        user.Owns(Name);
        user.GivesUp(Name);

        // The parent's numbers are its own as before.
        Assert.Equal(Errno.OK, holder.Update(static p => p.Name(Name).User(Scene.OtherUser, Own)));
        other.Owns(Name);
    }

    [Theory, Worlds]
    public void POL_32_capabilities_in_a_user_namespace_of_ones_own_are_none_here(WorldKind world)
    {
        using Scene scene = new(world);
        Peer a = scene.Connect();
        a.Owns(Name);
        IProcess user = scene.SpawnAs(Scene.User);
        Assert.True(user.ForkIntoUserNamespace(0, Scene.User, 1, out IProcess? child) > 0);
        Handle handle = scene.Bus.Open(child!);
        Assert.Equal(Errno.EPERM, handle.Run(Command.Hello, Peer.MonitorHello()).Result);
        Assert.Equal(Errno.EPERM, handle.Run(Command.EndpointMake, TestBus.EndpointCommand($"{Scene.User}-e")).Result);
        Peer inside = Peer.Hello(handle);
        Assert.Equal(Errno.EPERM, inside.Send(m => m.To(a.Id)));
        Assert.Equal(Errno.EPERM, inside.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.EPERM, inside.Acquire("com.x.b"));
        Peer holder = scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(Talk)));
        Assert.Equal(Errno.OK, inside.Send(m => m.ToName(Name)));
        // He is the user he is outside.
        Assert.Equal(Errno.OK, holder.Update(static p => p.Name(Name).User(Scene.User, Talk)));
        Assert.Equal(Errno.OK, inside.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.OK, holder.Update(static p => p.Name(Name).User(0, Talk)));
        Assert.Equal(Errno.EPERM, inside.Send(m => m.ToName(Name)));
        Assert.Equal(Errno.OK, inside.Send(m => m.To(scene.ConnectAs(Scene.User).Id)));
    }
}
