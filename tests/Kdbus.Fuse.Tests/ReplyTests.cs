using System.Collections.Concurrent;
using Kdbus.Fuse.Tests.Infrastructure;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse.Tests;

/// <summary>One answer per request: who wins, who loses, what happens to a request nobody answers.</summary>
public sealed class ReplyTests
{
    private static ulong Ioctl(RunningSession running, ulong handle = 0, uint outSize = 0) =>
        running.Kernel.Submit(FuseOpcode.Ioctl, new FuseIoctlIn { Fh = handle, OutSize = outSize });

    private static int Result(Answer answer) => answer.As<FuseIoctlOut>().Result;

    [Fact]
    public void The_first_answer_counts_and_the_second_reports_that_it_does_not()
    {
        using var running = new RunningSession();
        bool[] taken = new bool[3];
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) =>
        {
            Assert.False(reply.IsAnswered);
            taken[0] = reply.Ioctl(1);
            Assert.True(reply.IsAnswered);
            taken[1] = reply.Ioctl(2);
            taken[2] = reply.Error(5);
        };
        Assert.Equal(1, Result(running.Kernel.Wait(Ioctl(running))));
        Assert.Equal(FuseSessionEnd.Unmounted, running.Unmount());
        Assert.Equal([true, false, false], taken);
        Assert.Empty(running.Bugs);
    }

    [Fact]
    public void A_forgotten_request_fails_with_an_io_error_and_is_a_bug()
    {
        using var running = new RunningSession();
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => { };
        Assert.Equal(-5, running.Kernel.Wait(Ioctl(running)).Error);
        Assert.Equal(0, running.Kernel.Wait(running.Kernel.Submit(FuseOpcode.Destroy)).Error);
        Assert.Contains("without answering", Assert.Single(running.Bugs).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_handler_that_throws_fails_its_request_and_the_session_goes_on()
    {
        using var running = new RunningSession();
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => throw new InvalidOperationException("oh");
        running.FileSystem.OnForget = (_, _) => throw new InvalidOperationException("no");
        Assert.Equal(-5, running.Kernel.Wait(Ioctl(running)).Error);
        running.Kernel.Submit(FuseOpcode.Forget, new FuseForgetIn());
        Assert.Equal(0, running.Kernel.Wait(running.Kernel.Submit(FuseOpcode.Destroy)).Error);
        Assert.Equal("oh no", string.Join(" ", running.Bugs.Select(bug => bug.InnerException!.Message)));
    }

    [Fact]
    public void Without_anybody_to_tell_a_bug_ends_the_session()
    {
        var kernel = new FakeKernel();
        var files = new ScriptedFileSystem { OnIoctl = (in IoctlRequest r, FuseReply reply) => { } };
        using var session = new FuseSession(kernel, files);
        kernel.Submit(FuseOpcode.Init, new FuseInitIn { Major = 7, Minor = 45 });
        ulong forgotten = kernel.Submit(FuseOpcode.Ioctl, new FuseIoctlIn());
        FuseBugException bug = Assert.Throws<FuseBugException>(() => session.Run());
        Assert.Contains("Ioctl", bug.Message, StringComparison.Ordinal);
        Assert.Equal(-5, kernel.Wait(forgotten).Error);
        Assert.Equal(1, files.Destroyed);
    }

    [Fact]
    public void What_the_kernel_refuses_becomes_an_io_error_and_is_a_bug()
    {
        using var running = new RunningSession();
        bool? taken = null;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => taken = reply.Ioctl(0, new byte[r.OutputSize + 1]);
        Assert.Equal(-5, running.Kernel.Wait(Ioctl(running, outSize: 8)).Error);
        RunningSession.Eventually(() => running.Bugs.Count == 1, "the bug is reported");
        Assert.False(taken);
        Assert.Contains("refused", Assert.Single(running.Bugs).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(13, -13, true)]
    [InlineData(-13, -13, true)]
    [InlineData(511, -511, true)]
    [InlineData(512, -5, false)]
    [InlineData(-512, -5, false)]
    [InlineData(int.MaxValue, -5, false)]
    [InlineData(int.MinValue, -5, false)]
    public void An_error_is_understood_with_either_sign_and_must_fit_the_header(int given, int sent, bool valid)
    {
        using var running = new RunningSession();
        bool? taken = null;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => taken = reply.Error(given);
        Assert.Equal(sent, running.Kernel.Wait(Ioctl(running)).Error);
        running.Unmount();
        Assert.Equal(valid, taken);
        Assert.Equal(valid ? 0 : 1, running.Bugs.Count);
    }

    [Fact]
    public void An_answer_nobody_waits_for_any_more_reports_false_and_is_no_bug()
    {
        using var running = new RunningSession();
        bool? taken = null;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => taken = reply.Ioctl(0);
        running.Kernel.SubmitRaw(FakeKernel.Message(FuseOpcode.Ioctl, 999_998, 1, new byte[32]));
        running.Unmount();
        Assert.False(taken);
        Assert.Empty(running.Bugs);
    }

    [Fact]
    public void A_held_request_is_answered_later_from_another_thread()
    {
        using var running = new RunningSession();
        HeldReply held = default;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => held = reply.Hold(tag: 17);
        ulong unique = Ioctl(running, outSize: 3);
        Assert.Equal(0, running.Kernel.Wait(running.Kernel.Submit(FuseOpcode.Destroy)).Error);
        Assert.False(running.Kernel.IsAnswered(unique));
        Assert.Equal((unique, 17UL, FuseOpcode.Ioctl, true, true), (held.Unique, held.Tag, held.Opcode, held.IsHeld, held.IsPending));
        Assert.Equal(1, running.Session.HeldReplies);

        Assert.True(held.Ioctl(4, "abc"u8));
        Assert.Equal(4, Result(running.Kernel.Wait(unique)));
        Assert.Equal((0UL, FuseOpcode.None, false, false), (held.Tag, held.Opcode, held.IsHeld, held.IsPending));
        Assert.Equal(0, running.Session.HeldReplies);
        Assert.False(held.Ioctl(5));
        Assert.Empty(running.Bugs);
    }

    [Fact]
    public void A_late_copy_of_a_held_reply_cannot_answer_another_request()
    {
        using var running = new RunningSession();
        var held = new ConcurrentQueue<HeldReply>();
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => held.Enqueue(reply.Hold(r.Handle));
        var old = new List<HeldReply>();
        for (ulong i = 1; i <= 100; i++)
        {
            ulong unique = Ioctl(running, i);
            HeldReply current = default;
            RunningSession.Eventually(() => held.TryDequeue(out current), "the request is held");
            Assert.Equal(i, current.Tag);
            Assert.All(old, stale => Assert.False(stale.Error(1)));
            Assert.False(running.Kernel.IsAnswered(unique));
            Assert.True(current.Ioctl((int)i));
            Assert.Equal((int)i, Result(running.Kernel.Wait(unique)));
            old.Add(current);
        }
        Assert.Equal(0, running.Session.HeldReplies);
    }

    [Fact]
    public void An_answer_given_before_holding_stands()
    {
        using var running = new RunningSession();
        HeldReply held = default;
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) =>
        {
            reply.Ioctl(1);
            held = reply.Hold();
        };
        Assert.Equal(1, Result(running.Kernel.Wait(Ioctl(running))));
        running.Unmount();
        Assert.False(held.Ioctl(2));
        Assert.Equal(0, running.Session.HeldReplies);
        Assert.Empty(running.Bugs);
    }

    [Fact]
    public void Nothing_is_not_a_request()
    {
        HeldReply none = default;
        Assert.True(none.IsNone);
        Assert.False(none.IsPending);
        Assert.False(none.Error(5));
        Assert.False(none.Ioctl(0));
        Assert.Equal(default, none);
    }

    /// <summary>Many threads want to answer the same requests, held and not, while INTERRUPTs come for them; each is answered once, by exactly one that is told so.</summary>
    [Fact]
    public void Of_all_who_answer_at_the_same_time_exactly_one_wins()
    {
        const int Count = 4000;
        using var running = new RunningSession();
        var wins = new ConcurrentDictionary<ulong, int>();
        var held = new BlockingCollection<HeldReply>[2];
        for (int i = 0; i < held.Length; i++)
            held[i] = new BlockingCollection<HeldReply>();
        void Won(ulong unique, bool won)
        {
            if (won)
                wins.AddOrUpdate(unique, 1, (_, n) => n + 1);
        }

        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) =>
        {
            HeldReply mine = reply.Hold();
            foreach (BlockingCollection<HeldReply> other in held)
                other.Add(mine);
            if (r.Context.Unique % 4 == 0)
                Won(r.Context.Unique, reply.Ioctl(1));
        };
        running.FileSystem.OnInterrupt = (target, mine) => Won(target, mine.Error(4));
        Thread[] threads = [.. held.Select((queue, index) => new Thread(() =>
        {
            foreach (HeldReply reply in queue.GetConsumingEnumerable())
                Won(reply.Unique, reply.Ioctl(index + 2));
        }))];
        Array.ForEach(threads, thread => thread.Start());

        var uniques = new List<ulong>();
        for (int i = 0; i < Count; i++)
        {
            ulong unique = Ioctl(running);
            uniques.Add(unique);
            if (i % 3 == 0)
                running.Kernel.Interrupt(unique);
        }
        foreach (ulong unique in uniques)
            running.Kernel.Wait(unique);
        foreach (BlockingCollection<HeldReply> queue in held)
            queue.CompleteAdding();
        Array.ForEach(threads, thread => thread.Join());
        running.Unmount();

        Assert.Equal(Count, wins.Count);
        Assert.All(wins, win => Assert.Equal(1, win.Value));
        Assert.Equal(0, running.Session.HeldReplies);
        Assert.Empty(running.Kernel.Refusals);
        Assert.Empty(running.Bugs);
    }

    [Fact]
    public void A_stopped_session_leaves_held_requests_for_a_successor_and_a_disposed_one_fails_them()
    {
        using var running = new RunningSession();
        running.FileSystem.OnIoctl = (in IoctlRequest r, FuseReply reply) => reply.Hold();
        ulong unique = Ioctl(running);
        RunningSession.Eventually(() => running.Session.HeldReplies == 1, "the request is held");
        running.Session.Stop();
        Assert.Equal(FuseSessionEnd.Stopped, running.WaitForEnd());
        Assert.False(running.Kernel.IsAnswered(unique));
        running.Session.Dispose();
        Assert.Equal(-19, running.Kernel.Wait(unique).Error);
    }

    [Fact]
    public void A_request_is_served_without_allocating()
    {
        long[] allocated = new long[4096];
        int count = 0;
        var payload = new byte[64];
        var source = new OneRequestOverAndOver();
        var files = new ScriptedFileSystem();
        using var session = new FuseSession(source, files);
        session.Adopt(new FuseCapabilities(45, FuseInitFlags.None, 131072, 32));
        files.OnIoctl = (in IoctlRequest r, FuseReply reply) =>
        {
            session.EnterBlocking(new BlockingCaller(r.Context.Pid, r.Context.Uid, r.Argument));
            session.LeaveBlocking();
            if ((r.Context.Unique & 2) == 0)
                reply.Ioctl(0, payload);
            else
                reply.Hold().Ioctl(0, payload);
            allocated[count++] = GC.GetAllocatedBytesForCurrentThread();
            source.Stop = count == allocated.Length;
        };
        Assert.Equal(FuseSessionEnd.Unmounted, session.Run());
        Assert.Equal(0, allocated[^1] - allocated[allocated.Length / 2]);
    }

    /// <summary>A channel that allocates nothing itself.</summary>
    private sealed class OneRequestOverAndOver : IFuseChannel
    {
        private readonly byte[] _message = FakeKernel.Message(FuseOpcode.Ioctl, 2, 1, new byte[32]);

        public bool Stop { get; set; }

        public bool HasRequest => true;

        public nint Read(Span<byte> buffer)
        {
            if (Stop)
                return -FakeKernel.ENODEV;
            _message[8] += 2;
            _message.CopyTo(buffer);
            return _message.Length;
        }

        public nint Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body) => header.Length + body.Length;

        public int Wake() => 0;

        public int BackingOpen(int fd) => -1;

        public int BackingClose(int backingId) => -1;
    }
}
