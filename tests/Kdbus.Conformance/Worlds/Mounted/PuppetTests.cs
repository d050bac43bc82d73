namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>The puppet is the ruler all statements are measured with: it must tell what the kernel said, and nothing else.</summary>
public sealed class PuppetTests : IDisposable
{
    private readonly PuppetFamily _family = new();

    public void Dispose() => _family.Dispose();

    [Fact]
    public void A_failing_call_returns_its_errno()
    {
        IProcess puppet = _family.Start();
        Assert.Equal(Errno.ENOENT, (Errno)(-puppet.Open("/no/such/file")));
        Assert.Equal(Errno.EBADF, (Errno)(-puppet.Close(77)));
        Assert.Equal(Errno.EBADF, (Errno)(-puppet.Ioctl(77, 0, 0)));
    }

    [Fact]
    public void Descriptors_start_behind_the_standard_ones()
    {
        IProcess puppet = _family.Start();
        Assert.Equal(3, puppet.Open("/dev/null"));
        Assert.Equal(4, puppet.Duplicate(3));
    }

    [Fact]
    public void Memory_that_is_not_there_cannot_be_read_or_written_and_hurts_nobody()
    {
        IProcess puppet = _family.Start();
        ulong nowhere = puppet.Scratch.Nowhere();
        Assert.Equal(Errno.EFAULT, (Errno)(-puppet.Peek(nowhere, new byte[8])));
        Assert.Equal(Errno.EFAULT, (Errno)(-puppet.Poke(nowhere, new byte[8])));
        ulong edge = puppet.Scratch.PlaceBeforeNothing("12345678"u8);
        Assert.Equal("12345678"u8, puppet.Scratch.Read(edge, 8));
        Assert.Equal(Errno.EFAULT, (Errno)(-puppet.Peek(edge, new byte[9])));
    }

    [Fact]
    public void The_main_thread_is_free_while_another_one_waits()
    {
        IProcess puppet = _family.Start();
        int terminal = puppet.Open("/dev/ptmx");
        Pending wait = puppet.PollInThread(terminal, PollEvents.In, 60_000);
        Assert.NotEqual(puppet.Id, wait.Thread);
        Assert.True(puppet.Now() > 0);
        Assert.True(wait.StaysBlocked(20));
        Assert.Equal(0, puppet.Handle(Signals.User1, restart: false));
        Assert.Equal(0, puppet.SignalThread(wait.Thread, Signals.User1));
        Assert.Equal(-(int)Errno.EINTR, wait.Result());
        Assert.Equal(1, puppet.Handled());
    }

    [Fact]
    public void A_forked_child_has_the_files_and_the_memory_of_its_parent()
    {
        IProcess puppet = _family.Start();
        int descriptor = puppet.Open("/dev/null");
        ulong note = puppet.Scratch.Place("before"u8);
        int pid = puppet.Fork(out IProcess? child);
        Assert.Equal(pid, child!.Id);
        Assert.Equal("before"u8, child.Scratch.Read(note, 6));
        child.Scratch.Write(note, "behind"u8);
        Assert.Equal("before"u8, puppet.Scratch.Read(note, 6));
        Assert.Equal(5, child.Write(descriptor, "12345"u8));
        Assert.Equal(7, child.Exit(7));
        Assert.Equal(Errno.ESRCH, (Errno)(-child.Close(descriptor)));
    }

    [Fact]
    public void A_process_becomes_another_user_for_good()
    {
        IProcess puppet = _family.Start();
        Assert.Equal(0, puppet.Become(40001, 40001));
        Assert.Equal(Errno.EACCES, (Errno)(-puppet.Open("/etc/shadow", OpenFlags.ReadOnly)));
        Assert.Equal(Errno.EPERM, (Errno)(-puppet.Become(0, 0)));
    }

    [Fact]
    public void A_process_that_exits_has_been_reaped()
    {
        IProcess puppet = _family.Start();
        Assert.Equal(3, puppet.Exit(3));
        Assert.False(Directory.Exists($"/proc/{puppet.Id}"));
    }

    [Fact]
    public void Processes_end_with_their_family_even_while_they_wait()
    {
        PuppetFamily family = new();
        IProcess puppet = family.Start();
        Pending wait = puppet.PollInThread(puppet.Open("/dev/ptmx"), PollEvents.In, 60_000);
        family.Dispose();
        Assert.Equal(-(int)Errno.ESRCH, wait.Result());
        Assert.False(Directory.Exists($"/proc/{puppet.Id}"));
    }
}
