using System.Globalization;
using System.Runtime.InteropServices;

namespace Kdbus.Hostile.Tests;

/// <summary>
/// Callers whose memory does not answer when a result is to be stored there. By then the command has taken effect, and others depend on what it
/// caused: an answer, a wake-up, a deadline. None of that may wait for the memory of somebody else.
/// </summary>
public sealed class StuckResultTests
{
    private const uint Stranger = 40003;
    private const int Large = 100_000;
    private const ulong Kept = 0x1122334455667788;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_caller_stuck_where_its_answer_is_to_be_stored_can_be_killed(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        using Chatter others = new(scene);
        Peer service = scene.ConnectAs(Scene.User);
        Peer caller = scene.ConnectAs(Scene.User);
        _ = CallWithResultIn(slow, 0, caller, service, 30_000);
        ulong cookie = service.AwaitMessage().Header.Cookie;
        slow.Hold(0);
        slow.Drop(0);
        Assert.Equal(Errno.OK, service.Send(m => m.To(caller.Id).Answers(cookie).Vec("answer"u8)));
        slow.AwaitHeld(0);
        others.GoesOn($"{kind} answer stuck");
        Death.Of(caller.Process);
        others.GoesOn($"{kind} caller killed");
        slow.Answer(0);
        Moment.Await(() => service.Send(m => m.To(caller.Id)) == Errno.ENXIO, "the end of the caller's connection");
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_call_gets_its_answer_although_the_answerer_is_stuck_with_its_own_result(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        Peer service = scene.ConnectAs(Scene.User);
        Peer caller = scene.ConnectAs(Scene.User);
        SynchronousCall call = caller.Call(m => m.To(service.Id).ExpectReply(7, caller.Deadline(30_000)));
        Assert.Equal(7UL, service.AwaitMessage().Header.Cookie);

        // The payload is copied when the struct's page has gone: so the result is stuck, and the command has happened.
        SendStuckAtTheEnd(slow, service, m => m.To(caller.Id).Answers(7));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal(Large, call.Reply.Payload.Length);
        slow.Answer(0);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_sleeper_is_woken_although_the_sender_is_stuck_with_its_own_result(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        Peer receiver = scene.ConnectAs(Scene.User);
        Peer sender = scene.ConnectAs(Scene.User);
        Pending sleep = receiver.Process.PollInThread(receiver.Handle.Descriptor, PollEvents.In, 60_000);
        Assert.True(sleep.StaysBlocked(50));
        SendStuckAtTheEnd(slow, sender, m => m.To(receiver.Id));
        Assert.Equal(PollEvents.In, sleep.Result());
        Assert.Equal(Large, receiver.ReceiveAndFree().Payload.Length);
        slow.Answer(0);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_call_ends_at_its_deadline_although_its_answer_is_being_copied_from_memory_that_does_not_answer(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        Peer service = scene.ConnectAs(Scene.User);
        Peer caller = scene.ConnectAs(Scene.User);
        SynchronousCall call = caller.Call(m => m.To(service.Id).ExpectReply(7, caller.Deadline(1500)));
        service.AwaitMessage();
        ulong payload = slow.MapHeld(service.Process, 0, new byte[Large]);
        ulong command = service.Process.Scratch.Place(service.SendCommand(m => m.To(caller.Id).Answers(7).Vec(payload, Large)).ToArray());
        Pending answer = service.Process.IoctlInThread(service.Handle.Descriptor, (uint)Command.Send, command);
        slow.AwaitHeld(0);
        Assert.Equal(Errno.ETIMEDOUT, call.Result());
        slow.Answer(0);
        Assert.Equal(Errno.ECONNRESET, Handle.Outcome(answer.Result()));
        caller.HasNothing();
    }

    [Theory]
    [Worlds(WorldKind.Mount)]
    public void Nothing_is_written_into_a_process_that_has_got_the_id_of_a_dead_caller(WorldKind kind)
    {
        // The id may have gone to anybody on the machine: then with another one.
        Assert.Contains(Enumerable.Range(0, 10), _ => AnHeirOfTheCallersIdKeepsItsMemory(kind));
    }

    /// <summary>False if somebody else has got the id.</summary>
    private static bool AnHeirOfTheCallersIdKeepsItsMemory(WorldKind kind)
    {
        using Scene scene = new(kind);
        using SlowMount slow = new(Stranger);
        // A synchronous call has return_flags cleared before it waits. Where they stand in the caller, the heir of its id, of the same parent, keeps something.
        IProcess parent = scene.World.Spawn();
        ulong command = parent.Scratch.Place(new byte[Marshal.SizeOf<KdbusCmdSend>()]);
        ulong struck = command + 16;
        parent.Scratch.Write(struck, BitConverter.GetBytes(Kept));
        Assert.True(parent.Fork(out IProcess? process) > 0);
        Peer receiver = scene.Connect();
        Peer caller = scene.Connect(process!);
        ulong message = slow.MapHeld(
            process!, 0, process!.Scratch.Read(new OutgoingMessage(process.Scratch).To(receiver.Id).ExpectReply(1, caller.Deadline(30_000)).Place(), 64));
        process.Scratch.Write(
            command, WireStruct.Of(new KdbusCmdSend { Flags = (ulong)SendFlags.SyncReply, MsgAddress = message, ReturnFlags = 1 }).ToArray());
        Pending call = process.IoctlInThread(caller.Handle.Descriptor, (uint)Command.Send, command);
        slow.AwaitHeld(0);
        Death.Of(process);
        // The thread's own id: its process, a zombie, keeps the other.
        if (ForkAs(parent, call.Thread) is not IProcess heir)
            return false;

        slow.Answer(0);
        Assert.Equal(Errno.OK, receiver.Send(m => m.To(receiver.Id).Vec("meanwhile"u8)));
        Thread.Sleep(200);
        Assert.Equal(Kept, BitConverter.ToUInt64(heir.Scratch.Read(struck, 8)));
        Assert.Equal("meanwhile"u8.ToArray(), receiver.ReceiveAndFree().Payload);
        receiver.HasNothing();
        return true;
    }

    /// <summary>A child with a process id that has just become free; null if somebody else is quicker.</summary>
    private static IProcess? ForkAs(IProcess parent, int id)
    {
        for (int attempt = 0; attempt < 200; attempt++)
        {
            File.WriteAllText("/proc/sys/kernel/ns_last_pid", (id - 1).ToString(CultureInfo.InvariantCulture));
            int got = parent.Fork(out IProcess? child);
            if (got == id)
                return child!;
            child!.Exit();
        }
        return null;
    }

    /// <summary>A synchronous call whose struct lies in a slow file that the daemon can read for now.</summary>
    private static Pending CallWithResultIn(SlowMount slow, int file, Peer caller, Peer service, int milliseconds)
    {
        byte[] command = caller.SendCommand(m => m.To(service.Id).ExpectReply(7, caller.Deadline(milliseconds)), SendFlags.SyncReply).ToArray();
        slow.Fill(caller.Process, file, command);
        ulong address = slow.Map(caller.Process, file);
        return caller.Process.IoctlInThread(caller.Handle.Descriptor, (uint)Command.Send, address);
    }

    /// <summary>A SEND of a large payload that takes effect, and then is stuck where its result is to be stored: in file 0.</summary>
    private static void SendStuckAtTheEnd(SlowMount slow, Peer sender, Action<OutgoingMessage> build)
    {
        ulong payload = slow.MapHeld(sender.Process, 1, new byte[Large]);
        byte[] command = sender.SendCommand(m => build(m.Vec(payload, Large))).ToArray();
        slow.Fill(sender.Process, 0, command);
        ulong address = slow.Map(sender.Process, 0);
        _ = sender.Process.IoctlInThread(sender.Handle.Descriptor, (uint)Command.Send, address);
        slow.AwaitHeld(1);
        slow.Hold(0);
        slow.Drop(0);
        slow.Answer(1);
        slow.AwaitHeld(0);
    }
}
