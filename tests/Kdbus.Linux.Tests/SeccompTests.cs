namespace Kdbus.Linux.Tests;

/// <summary>System calls of a thread of this process, which another one answers. The filter is the thread's alone, and ends with it.</summary>
public sealed class SeccompTests : IDisposable
{
    private const uint First = 0x80409591;
    private const uint Second = 0x40389590;
    private const uint Probe = 0x95ff;

    private readonly int _file = EventFd.Create();
    private int _listener = -1;

    public void Dispose()
    {
        _ = FileDescriptor.Close(_file);
        if (_listener >= 0)
            _ = FileDescriptor.Close(_listener);
    }

    private static int Trap()
    {
        int listener = Seccomp.TrapIoctls([First, Second], Probe);
        if (listener == -SystemError.EACCES && CurrentProcess.SetNoNewPrivileges() == 0)
            listener = Seccomp.TrapIoctls([First, Second], Probe);
        return listener;
    }

    // What calls gives comes back when it has ended; the listener is there when this returns.
    private Task<T> InTrap<T>(Func<T> calls)
    {
        var ready = new TaskCompletionSource();
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            _listener = Trap();
            ready.SetResult();
            if (_listener >= 0)
                result.SetResult(calls());
        }).Start();
        ready.Task.Wait();
        Assert.SkipUnless(_listener >= 0, $"this machine does not let system calls be supervised: {SystemError.Describe(_listener)}");
        return result.Task;
    }

    private TrappedCall Next(uint request)
    {
        Assert.Equal(0, SeccompListener.Receive(_listener, out TrappedCall call));
        Assert.Equal(request, (uint)call.Argument1);
        return call;
    }

    [Fact]
    public async Task A_call_is_told_and_answered()
    {
        Task<(int Thread, int[] Results)> calls = InTrap(() => (
            CurrentProcess.ThreadId,
            (int[])
            [
                FileDescriptor.Ioctl(_file, First, 77),
                FileDescriptor.Ioctl(-1, Second, 0),
                FileDescriptor.Ioctl(_file, First, 0),
            ]));
        TrappedCall call = Next(First);
        Assert.Equal(((ulong)_file, 77UL), (call.Argument0, call.Argument2));
        Assert.True(SeccompListener.IsValid(_listener, call.Id));
        int thread = call.ThreadId;
        Assert.Equal(0, SeccompListener.Answer(_listener, call.Id, 0));
        // Whether the thread has gone on by now or not, nobody answers twice.
        Assert.True(SeccompListener.Answer(_listener, call.Id, 0) < 0);
        Assert.False(SeccompListener.IsValid(_listener, call.Id));
        Assert.Equal(0, SeccompListener.Answer(_listener, Next(Second).Id, -SystemError.EXDEV));
        Assert.Equal(0, SeccompListener.Continue(_listener, Next(First).Id));
        (int caller, int[] results) = await calls;
        Assert.Equal(caller, thread);
        Assert.Equal([0, -SystemError.EXDEV, -SystemError.ENOTTY], results);
    }

    [Fact]
    public async Task The_probe_is_told_for_no_descriptor_only_and_other_calls_not_at_all()
    {
        Task<int[]> calls = InTrap(() => (int[])
        [
            FileDescriptor.Ioctl(_file, Probe, 0),
            FileDescriptor.Ioctl(_file, First + 1, 0),
            FileDescriptor.Ioctl(-2, Probe, 0),
            FileDescriptor.Ioctl(-1, Probe, 0),
        ]);
        TrappedCall call = Next(Probe);
        Assert.Equal(uint.MaxValue, (uint)call.Argument0);
        Assert.Equal(0, SeccompListener.Answer(_listener, call.Id, 0));
        int[] results = await calls;
        Assert.Equal([-SystemError.ENOTTY, -SystemError.ENOTTY, -SystemError.EBADF, 0], results);
    }

    [Fact]
    public async Task A_descriptor_is_added_with_the_lowest_number_and_close_on_exec()
    {
        Task<int> calls = InTrap(() => FileDescriptor.Ioctl(-1, First, 0));
        TrappedCall call = Next(First);
        int lowest = FileDescriptor.Duplicate(_file);
        _ = FileDescriptor.Close(lowest);
        Assert.Equal(lowest, SeccompListener.AddDescriptor(_listener, call.Id, _file));
        Assert.Equal(0, EventFd.Signal(lowest));
        Assert.Equal(1, EventFd.Drain(_file));
        // What is close-on-exec is not what came from whoever started us.
        Assert.Equal(0, FileDescriptor.CloseInherited(lowest));
        Assert.True(FileDescriptor.IsOpen(lowest));
        _ = FileDescriptor.Close(lowest);
        Assert.Equal(0, SeccompListener.Answer(_listener, call.Id, 0));
        Assert.True(SeccompListener.AddDescriptor(_listener, call.Id, _file) < 0);
        Assert.Equal(0, await calls);
    }

    [Fact]
    public async Task There_is_one_listener_for_a_thread_and_it_hangs_up_when_that_has_ended()
    {
        Assert.Equal(-SystemError.EBUSY, await InTrap(Trap));
        PollEntry[] entries = [new PollEntry(_listener, 0)];
        Assert.Equal(1, FileDescriptor.Poll(entries, 60_000));
        Assert.Equal(PollEvents.HangUp, entries[0].Returned);
    }
}
