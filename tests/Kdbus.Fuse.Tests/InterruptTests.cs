using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>A signal at a caller must find its request wherever that is, and must never make the kernel ask for ever.</summary>
public sealed class InterruptTests
{
    private static ulong Ioctl(RunningSession running, ulong handle = 0) =>
        running.Kernel.Submit(FuseOpcode.Ioctl, new FuseIoctlIn { Fh = handle });

    private static void Synchronise(RunningSession running) => running.Kernel.Wait(running.Kernel.Submit(FuseOpcode.Destroy));

    [Fact]
    public void A_held_request_can_be_answered_by_the_interrupt()
    {
        using var running = new RunningSession();
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => reply.Hold(55);
        ulong seen = 0;
        running.FileSystem.OnInterrupt = (unique, target) =>
        {
            seen = target.Tag;
            Assert.True(target.IsHeld);
            Assert.Equal(unique, target.Unique);
            Assert.True(target.Ioctl(-512));
        };
        ulong held = Ioctl(running);
        running.Kernel.Interrupt(held);
        Answer answer = running.Kernel.Wait(held);
        Assert.Equal((0, -512), (answer.Error, answer.As<FuseIoctlOut>().Result));
        Assert.Equal(55UL, seen);
        Assert.Empty(running.Bugs);
    }

    [Fact]
    public void A_file_system_may_ignore_the_signal()
    {
        using var running = new RunningSession();
        HeldReply held = default;
        int interrupts = 0;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => held = reply.Hold();
        running.FileSystem.OnInterrupt = (_, _) => interrupts++;
        ulong unique = Ioctl(running);
        running.Kernel.Interrupt(unique);
        Synchronise(running);
        Synchronise(running);
        Assert.False(running.Kernel.IsAnswered(unique));
        Assert.Equal(1, interrupts);
        Assert.True(held.Ioctl(0));
    }

    [Fact]
    public void A_request_whose_reader_is_stuck_is_answered_by_another_thread()
    {
        using var running = new RunningSession(new FuseSessionOptions { StallThreshold = TimeSpan.FromMilliseconds(2) });
        using var gate = new ManualResetEventSlim();
        bool? late = null;
        ulong tag = 0;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) =>
        {
            running.Session.EnterBlocking(new BlockingCaller(r.Context.Pid, r.Context.Uid, 0xABC));
            gate.Wait(TimeSpan.FromSeconds(60));
            running.Session.LeaveBlocking();
            late = reply.Ioctl(1);
        };
        running.FileSystem.OnInterrupt = (_, target) =>
        {
            tag = target.Tag;
            Assert.False(target.IsHeld);
            Assert.True(target.Error(4));
        };
        ulong stuck = Ioctl(running);
        Synchronise(running);
        running.Kernel.Interrupt(stuck);
        Assert.Equal(-4, running.Kernel.Wait(stuck).Error);
        gate.Set();
        RunningSession.Eventually(() => running.Session.StuckReaders == 0, "the reader comes back");
        Assert.False(late);
        Assert.Equal(0xABCUL, tag);
        Assert.Empty(running.Bugs);

        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => reply.Ioctl(3);
        for (int i = 0; i < 10; i++)
            Assert.Equal(3, running.Kernel.Wait(Ioctl(running)).As<FuseIoctlOut>().Result);
    }

    [Fact]
    public void A_stuck_request_that_was_answered_by_the_interrupt_may_still_be_held()
    {
        using var running = new RunningSession(new FuseSessionOptions { StallThreshold = TimeSpan.FromMilliseconds(2) });
        using var gate = new ManualResetEventSlim();
        HeldReply held = default;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) =>
        {
            running.Session.EnterBlocking(new BlockingCaller(1, 1, 1));
            gate.Wait(TimeSpan.FromSeconds(60));
            running.Session.LeaveBlocking();
            held = reply.Hold();
        };
        running.FileSystem.OnInterrupt = (_, target) => target.Error(4);
        ulong stuck = Ioctl(running);
        Synchronise(running);
        running.Kernel.Interrupt(stuck);
        Assert.Equal(-4, running.Kernel.Wait(stuck).Error);
        gate.Set();
        RunningSession.Eventually(() => running.Session.StuckReaders == 0, "the reader comes back");
        Assert.False(held.IsPending);
        Assert.False(held.Ioctl(0));
        // The thread that answered may still be about to say so.
        RunningSession.Eventually(() => running.Session.HeldReplies == 0, "nothing is held");
        Assert.Empty(running.Bugs);
    }

    [Fact]
    public void An_interrupt_for_an_answered_request_is_dropped()
    {
        using var running = new RunningSession();
        int interrupts = 0;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => reply.Ioctl(0);
        running.FileSystem.OnInterrupt = (_, _) => interrupts++;
        ulong unique = Ioctl(running);
        running.Kernel.Wait(unique);
        running.Kernel.Interrupt(unique);
        Synchronise(running);
        Assert.Equal(0, interrupts);
        Assert.Empty(running.Bugs);
    }

    [Fact]
    public void An_interrupt_that_comes_while_the_answer_is_being_written_does_not_disturb_it()
    {
        using var running = new RunningSession();
        using var writing = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        HeldReply held = default;
        int interrupts = 0;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => held = reply.Hold();
        running.FileSystem.OnInterrupt = (_, _) => interrupts++;
        ulong unique = Ioctl(running);
        Synchronise(running);
        running.Kernel.BeforeWrite = answer =>
        {
            if (answer.Unique != unique)
                return;
            writing.Set();
            go.Wait(TimeSpan.FromSeconds(60));
        };
        bool? taken = null;
        var writer = new Thread(() => taken = held.Ioctl(9));
        writer.Start();
        Assert.True(writing.Wait(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
        running.Kernel.Interrupt(unique);
        Synchronise(running);
        go.Set();
        writer.Join();
        Assert.Equal(9, running.Kernel.Wait(unique).As<FuseIoctlOut>().Result);
        Assert.True(taken);
        Assert.Equal(0, interrupts);
    }

    [Fact]
    public void A_request_only_a_predecessor_knows_is_not_asked_about_for_ever()
    {
        var lines = new List<string>();
        using var running = new RunningSession(new FuseSessionOptions { Trace = new FuseTextTrace(line =>
        {
            lock (lines)
                lines.Add(line);
        }) });
        ulong orphan = running.Kernel.Orphan();
        running.Kernel.Interrupt(orphan);
        Assert.Equal(-4, running.Kernel.Wait(orphan).Error);
        Synchronise(running);
        lock (lines)
            Assert.Contains(lines, line => line.StartsWith("!!", StringComparison.Ordinal) && line.Contains($"request {orphan}", StringComparison.Ordinal));
    }

    [Fact]
    public void An_interrupt_without_a_target_is_ignored()
    {
        using var running = new RunningSession();
        running.Kernel.SubmitRaw(FakeKernel.Message(FuseOpcode.Interrupt, 3, 0, new byte[4]));
        running.Kernel.SubmitRaw(FakeKernel.Message(FuseOpcode.Interrupt, 3, 0, []));
        Synchronise(running);
        Assert.Empty(running.Bugs);
    }
}
