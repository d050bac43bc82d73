namespace Kdbus.Hostile.Tests;

/// <summary>
/// Callers whose memory does not answer: it is mapped from a FUSE mount whose server keeps its READs. Nobody else may notice, the caller must be
/// killable, and what a caller was stuck with when it was killed must not happen afterwards.
/// </summary>
public sealed class StuckCallerTests
{
    /// <summary>More than the daemon takes in with the message: it is copied by itself, straight into the receiver's pool.</summary>
    private const int Large = 100_000;

    private const uint Stranger = 40003;

    /// <summary>Which piece of a command lies in the memory that does not answer.</summary>
    public enum Piece
    {
        Command,
        Message,
        SmallPayload,
        LargePayload,
    }

    public static TheoryData<WorldKind, Piece> Pieces()
    {
        TheoryData<WorldKind, Piece> rows = [];
        foreach (WorldKind kind in (WorldKind[])[WorldKind.Mount, WorldKind.PageCache])
        {
            foreach (Piece piece in Enum.GetValues<Piece>())
                rows.Add(kind, piece);
        }
        return rows;
    }

    [Theory]
    [MemberData(nameof(Pieces))]
    public void Others_go_on_and_the_culprits_own_mount_is_aborted(WorldKind kind, Piece piece)
    {
        using Scene scene = new(kind);
        using Chatter others = new(scene);
        using SlowMount slow = new(Scene.User);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer culprit = scene.ConnectAs(Scene.User);
        Pending send = SendFrom(culprit, receiver, slow, piece);
        slow.AwaitHeld(0);
        others.GoesOn($"{kind} {piece} stuck");

        // Nobody answers; the culprit's mount is aborted and its memory fails.
        Assert.Equal(Errno.EFAULT, Handle.Outcome(send.Result()));
        others.GoesOn($"{kind} {piece} freed");
        receiver.HasNothing();
        Assert.Equal(Errno.OK, culprit.Send(m => m.To(receiver.Id).Vec("again"u8)));
        Assert.Equal("again"u8.ToArray(), receiver.ReceiveAndFree().Payload);
    }

    [Theory]
    [MemberData(nameof(Pieces))]
    public void A_caller_can_be_killed_and_its_message_is_never_delivered(WorldKind kind, Piece piece)
    {
        using Scene scene = new(kind);
        // Nobody aborts the mount of a stranger: the memory stays stuck until the test says otherwise.
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer culprit = scene.ConnectAs(Scene.User);
        _ = SendFrom(culprit, receiver, slow, piece);
        slow.AwaitHeld(0);
        Death.Of(culprit.Process);

        others.GoesOn($"{kind} {piece} killed");

        // A thread of the daemon is still in its memory. That keeps its mappings, and one of the page cache keeps the connection.
        if (kind == WorldKind.PageCache)
            slow.Answer(0);
        Moment.Await(() => receiver.Send(m => m.To(culprit.Id)) == Errno.ENXIO, "the end of the culprit's connection");
        slow.Answer(0);
        Thread.Sleep(100);
        receiver.HasNothing();
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_fifth_stuck_command_of_a_user_is_refused_at_once(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer culprit = scene.ConnectAs(Scene.User);
        ulong memory = slow.MapHeld(culprit.Process, 0, []);
        List<Pending> stuck = [];
        for (int i = 0; i < 4; i++)
        {
            // Pages far from each other, so that each command waits for a READ of its own.
            stuck.Add(culprit.Process.IoctlInThread(culprit.Handle.Descriptor, (uint)Command.Recv, memory + (ulong)i * 0x40000));
            slow.AwaitHeld(0, i + 1);
        }
        Assert.Equal(Errno.EUSERS, culprit.Send(m => m.To(receiver.Id).Vec("fifth"u8)));
        // Others of the same user cannot send either, but everybody else can.
        Assert.Equal(Errno.EUSERS, receiver.Send(m => m.To(culprit.Id).Vec("fifth"u8)));
        others.GoesOn($"{kind} four stuck");
        slow.Answer(0);
        foreach (Pending command in stuck)
            Assert.True(command.Result() < 0);
        Assert.Equal(Errno.OK, culprit.Send(m => m.To(receiver.Id).Vec("after"u8)));
        Assert.Equal("after"u8.ToArray(), receiver.ReceiveAndFree().Payload);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_mount_of_somebody_else_is_not_aborted(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer culprit = scene.ConnectAs(Scene.User);
        Pending send = SendFrom(culprit, receiver, slow, Piece.LargePayload);
        slow.AwaitHeld(0);
        Assert.True(send.StaysBlocked(4000));
        others.GoesOn($"{kind} 4 s");
        slow.Answer(0);
        Assert.Equal(Errno.OK, Handle.Outcome(send.Result()));
        Assert.Equal(Large, receiver.ReceiveAndFree().Payload.Length);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_killed_callers_own_mount_is_aborted_too(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Scene.User);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer culprit = scene.ConnectAs(Scene.User);
        _ = SendFrom(culprit, receiver, slow, Piece.Message);
        slow.AwaitHeld(0);
        // One that goes before it was noticed takes the list of its mappings with it, and is only counted.
        Thread.Sleep(1000);
        Death.Of(culprit.Process);
        Moment.Await(() => slow.IsAborted, "the abort of the mount of a caller that is gone");
        Assert.Equal(Errno.OK, receiver.Send(m => m.To(receiver.Id).Vec("alive"u8)));
    }

    /// <summary>A command by a thread of its own, of which one piece lies in file 0: a SEND, or a RECV where it is the command itself, since FUSE carries that of a SEND.</summary>
    private static Pending SendFrom(Peer culprit, Peer receiver, SlowMount slow, Piece piece)
    {
        IProcess process = culprit.Process;
        if (piece == Piece.Command)
        {
            ulong commandAt = slow.MapHeld(process, 0, WireStruct.Of(new KdbusCmdRecv()).ToArray());
            return process.IoctlInThread(culprit.Handle.Descriptor, (uint)Command.Recv, commandAt);
        }

        byte[] payload = new byte[piece == Piece.LargePayload ? Large : 100];
        ulong payloadAt = piece == Piece.Message ? process.Scratch.Place(payload) : slow.MapHeld(process, 0, payload);
        ulong messageAt = new OutgoingMessage(process.Scratch).To(receiver.Id).Vec(payloadAt, (ulong)payload.Length).Place();
        if (piece == Piece.Message)
            messageAt = slow.MapHeld(process, 0, process.Scratch.Read(messageAt, 64 + 32));
        ulong sendAt = process.Scratch.Place(WireStruct.Of(new KdbusCmdSend { MsgAddress = messageAt }).ToArray());
        return process.IoctlInThread(culprit.Handle.Descriptor, (uint)Command.Send, sendAt);
    }
}
