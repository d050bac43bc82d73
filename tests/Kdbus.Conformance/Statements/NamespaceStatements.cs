using Kdbus.Engine.Processes;

namespace Kdbus.Conformance.Statements;

/// <summary>
/// Metadata is told in the words of who reads it: ids by the names of his user namespace, processes by the numbers of his pid namespace.
/// </summary>
[AlsoByExchange]
public class NamespaceStatements
{
    private const uint Overflow = 65534;
    private const AttachFlags Usual = AttachFlags.Creds | AttachFlags.Pids | AttachFlags.AuxGroups | AttachFlags.Caps | AttachFlags.Timestamp;

    [Theory, Worlds]
    public void MET_29_a_reader_in_another_user_namespace_knows_ids_by_their_names_there(WorldKind world)
    {
        const uint Inside = 7;
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer root = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        IProcess process = scene.World.Spawn();
        Handle opened = scene.Bus.Open(process); // as root, who may talk to everybody
        Assert.Equal(0, process.Become(Scene.User, Scene.User, Scene.OtherUser, 40009));
        Peer user = Peer.Hello(opened, Peer.HelloCommand(send: ulong.MaxValue));
        Peer b = scene.ConnectInside(Inside, Scene.User, 2);
        Assert.Equal(Errno.OK, root.Send(m => m.To(b.Id)));
        Assert.Equal(Errno.OK, user.Send(m => m.To(b.Id)));

        ReceivedMessage message = b.ReceiveAndFree();
        Metadata told = message.Metadata;
        Assert.Equal(Same(Overflow), told.Creds);
        Assert.Equal(root.Process.Self().Kinds & ~AttachFlags.Caps | AttachFlags.Timestamp, told.Kinds);
        Assert.Equal(root.Process.Self().Numbers, told.Pids);
        if (root.Process.Self().Audit is { } audit)
            Assert.Equal(audit with { LoginUid = uint.MaxValue }, told.Audit);

        told = b.Told();
        Assert.Equal(Same(Inside), told.Creds);
        Assert.Equal(user.Process.Self().Groups.Select(static g => g == Scene.OtherUser ? Inside + 1 : Overflow), told.AuxGroups);
        Assert.False(told.Kinds.HasFlag(AttachFlags.Caps));
        Assert.Equal(Same(Inside), b.Info(user.Id).Metadata.Creds);
        Assert.False(b.Info(user.Id).Metadata.Kinds.HasFlag(AttachFlags.Caps));
    }

    /// <summary>What is left out makes a message shorter, and its room in the pool stays what it was.</summary>
    [Theory, Worlds]
    public void MET_29_what_is_not_told_leaves_no_gap(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.HelloCommand(send: ulong.MaxValue));
        Peer outside = scene.Connect(Peer.HelloCommand(recv: (ulong)Usual));
        Peer inside = scene.ConnectInside(0, Scene.User, 1, Usual);
        byte[] payload = Payload.Random(1, 100);
        Assert.Equal(Errno.OK, a.Send(m => m.To(outside.Id).Vec(payload)));
        Assert.Equal(Errno.OK, a.Send(m => m.To(inside.Id).Vec(payload)));
        ReceivedMessage whole = outside.Receive();
        ReceivedMessage less = inside.Receive();
        Assert.Equal(whole.Header.Size - 56, less.Header.Size);
        Assert.Equal(whole.SliceSize, less.SliceSize);
        Assert.Equal(payload, whole.Payload);
        Assert.Equal(payload, less.Payload);
        Assert.Equal(Errno.OK, inside.Free(less.Offset));
    }

    [Theory, Worlds]
    public void MET_29_a_sender_in_another_user_namespace_is_known_by_his_outer_ids(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer b = scene.Connect(Peer.OpenHello());
        Peer first = scene.Connect(Peer.OpenHello());
        Assert.True(first.Process.ForkIntoUserNamespace(0, Scene.User, 1, out IProcess? child) > 0);
        Assert.Equal(Same(0), child!.Self().Creds);
        Metadata told = first.In(child).Tells(b);
        Assert.Equal(Same(Scene.User), told.Creds);
        Assert.False(told.Kinds.HasFlag(AttachFlags.Caps));

        // Among themselves they have their capabilities.
        Metadata own = first.In(child).Tells(first.In(child));
        Assert.Equal(Same(0), own.Creds);
        Assert.Equal(child.Self().Caps, own.Caps);
    }

    [Theory, Worlds]
    public void MET_30_a_reader_in_a_child_pid_namespace_sees_nobody_outside(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(Peer.OpenHello());
        Peer parent = scene.Connect(Peer.OpenHello());
        Assert.True(parent.Process.ForkIntoPidNamespace(out IProcess? child) > 0);
        Peer inside = parent.In(child!);
        Assert.Equal(new TaskNumbers(1, 1, 0), child!.Self().Numbers);
        Metadata told = a.Tells(inside);
        Assert.Equal(default, told.Pids);
        told.IsAbout(a.Process.Self() with { Numbers = default });
        Assert.Equal(default, inside.Info(a.Id).Metadata.Pids);

        // To itself it is what it says.
        Assert.Equal(child.Self().Numbers, inside.Tells(inside).Pids);
        // And to others what they call it, and its parent.
        Assert.Equal(new TaskNumbers((ulong)child.Id, (ulong)child.Id, (ulong)parent.Process.Id), inside.Tells(a).Pids);
    }

    [Theory, Worlds]
    public void MET_30_each_level_has_its_own_numbers(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer top = scene.Connect(Peer.OpenHello());
        Peer outer = scene.Connect(Peer.OpenHello());
        Assert.True(outer.Process.ForkIntoPidNamespace(out IProcess? middle) > 0);
        int inMiddle = middle!.ForkIntoPidNamespace(out IProcess? bottom);
        Assert.True(inMiddle > 1);
        Peer sender = outer.In(bottom!);
        Assert.Equal(new TaskNumbers((ulong)bottom!.Id, (ulong)bottom.Id, (ulong)middle.Id), sender.Tells(top).Pids);
        Assert.Equal(Errno.OK, sender.Send(m => m.To(outer.Id)));
        Assert.Equal(new TaskNumbers((ulong)inMiddle, (ulong)inMiddle, 1), outer.In(middle).Told().Pids);
        Assert.Equal(new TaskNumbers(1, 1, 0), sender.Tells(sender).Pids);

        // They are those of the process as long as anybody asks, also when it has ended.
        Assert.Equal(Errno.OK, sender.Send(m => m.To(outer.Id)));
        Assert.Equal(0, bottom.Exit());
        Assert.Equal(new TaskNumbers((ulong)inMiddle, (ulong)inMiddle, 1), outer.In(middle).Told().Pids);
    }

    [Theory, Worlds]
    public void MET_30_both_namespaces_at_once(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer a = scene.Connect(scene.SpawnAs(Scene.User), Peer.OpenHello());
        Peer parent = scene.Connect(scene.World.Spawn(), Peer.OpenHello());
        scene.Connect(Peer.PolicyHolderHello("a.b", static p => p.World(PolicyAccessLevel.Talk)));
        parent.Owns("a.b");
        Assert.True(parent.Process.ForkIntoUserAndPidNamespace(3, Scene.User, 1, out IProcess? child) > 0);
        Assert.Equal((Same(3), new TaskNumbers(1, 1, 0)), (child!.Self().Creds, child.Self().Numbers));
        Metadata told = a.Tells(parent.In(child));
        Assert.Equal((Same(3), default(TaskNumbers)), (told.Creds, told.Pids));
        told = parent.In(child).Tells(a);
        Assert.Equal((Same(Scene.User), (ulong)child.Id), (told.Creds, told.Pids.Pid));
    }

    /// <summary>A synchronous caller reads where it waits.</summary>
    [Theory, Worlds]
    public void MET_29_an_answer_is_told_in_the_words_of_the_waiting_caller(WorldKind world)
    {
        using Scene scene = new(world, attachMask: AttachFlags.Any);
        Peer b = scene.Connect(scene.SpawnAs(Scene.User), Peer.OpenHello());
        Peer a = scene.ConnectInside(7, Scene.User, 1);
        SynchronousCall call = a.Call(m => m.To(b.Id).ExpectReply(9, a.Deadline(600_000)));
        b.AwaitReadable();
        Assert.Equal(Same(Scene.User), b.Told().Creds);
        Assert.Equal(Errno.OK, b.Send(m => m.To(a.Id).Answers(9)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal(Same(7), call.Reply.Metadata.Creds);
        Assert.False(call.Reply.Metadata.Kinds.HasFlag(AttachFlags.Caps));
    }

    private static TaskCreds Same(uint id) => new(id, id, id, id, id, id, id, id);
}
