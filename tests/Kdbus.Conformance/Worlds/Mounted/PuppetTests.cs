using Kdbus.Engine.Processes;

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
    public void Files_are_sealed_read_and_numbered_as_the_kernel_does_it()
    {
        IProcess puppet = _family.Start();
        new DescriptorChannel(puppet).IsEmpty();
        int sealedFile = puppet.SealedFile("content"u8, Seals.Grow);
        Assert.Equal(Seals.Grow, puppet.FileControl(sealedFile, FileCommands.GetSeals));
        Assert.Equal(FileCommands.CloseOnExec, puppet.FileControl(sealedFile, FileCommands.GetDescriptorFlags));
        Assert.Equal(3, puppet.Seek(sealedFile, 3));
        byte[] data = new byte[8];
        Assert.Equal(4, puppet.Read(sealedFile, data));
        Assert.Equal(7, puppet.ReadAt(sealedFile, data, 0));
        Assert.Equal("content"u8, data.AsSpan(0, 7));
        Assert.Contains(sealedFile, puppet.OpenDescriptors());
        Assert.Equal(0, puppet.LimitDescriptors(sealedFile + 1));
        Assert.Equal(Errno.EMFILE, (Errno)(-puppet.Duplicate(sealedFile)));
        Assert.Equal(0, puppet.Close(sealedFile));
        Assert.Equal(sealedFile, puppet.Socket(Sockets.Internet, Sockets.Stream));
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
    public void A_thread_changes_itself_and_no_other()
    {
        IProcess puppet = _family.Start();
        ulong nothing = puppet.Scratch.Allocate(8);
        Self before = puppet.Self();
        TaskCreds other = new(1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008);
        Assert.Equal(Errno.EBADF, (Errno)(-puppet.IoctlInThread(77, 0, nothing, new ThreadChange(other, "worker")).Result()));
        Assert.Equal((before.Creds, before.Name), (puppet.Self().Creds, puppet.Self().Name));
        Assert.Equal(0, puppet.ChangeThread(new ThreadChange(other, "main")));
        Assert.Equal((other, "main"), (puppet.Self().Creds, puppet.Self().ThreadName));
    }

    [Fact]
    public void A_process_that_executes_a_program_keeps_its_number_and_its_files()
    {
        IProcess puppet = _family.Start();
        int descriptor = puppet.Open("/dev/null");
        Assert.Equal(0, puppet.Execute("other-name", "first", out IProcess? execution));
        Assert.Equal((puppet.Id, 3), (execution!.Id, (int)execution.Write(descriptor, "123"u8)));
        Self self = execution.Self();
        Assert.Equal(("other-name", "first", "other-name"), (self.Name, self.FirstArgument, Path.GetFileName(self.Exe)));
        Assert.Equal(Errno.ESRCH, (Errno)(-puppet.Close(descriptor)));
        Assert.Equal(5, execution.Exit(5));
    }

    [Fact]
    public void A_process_in_a_pid_namespace_has_a_number_there_and_one_here()
    {
        IProcess puppet = _family.Start();
        Assert.Equal(puppet.ForkIntoPidNamespace(out IProcess? child), child!.Id);
        Assert.Equal(new TaskNumbers(1, 1, 0), child.Self().Numbers);
        ulong number = (ulong)child.Fork(out IProcess? grandchild);
        Assert.Equal(new TaskNumbers(number, number, 1), grandchild!.Self().Numbers);
        Assert.InRange(number, 2UL, 100UL); // threads have numbers, too

        // The parent's other children are where it is, and it has threads as before.
        Assert.Equal(puppet.Fork(out IProcess? sibling), sibling!.Id);
        Assert.Equal((ulong)sibling.Id, sibling.Self().Numbers.Pid);
        Assert.Equal(0, puppet.PollInThread(puppet.EventFd(), PollEvents.In, 0).Result());
        Assert.Equal(4, grandchild.Exit(4));
    }

    [Fact]
    public void A_process_that_leaves_its_user_namespace_goes_on()
    {
        IProcess puppet = _family.Start();
        Assert.Equal(0, puppet.Become(40001, 40001));
        Assert.Equal(0, puppet.UnshareUserNamespace(7, 40001, 1));
        Assert.Equal((7U, 7U), (puppet.Self().Creds.Uid, puppet.Self().Creds.Gid));
        Assert.Equal(0, puppet.PollInThread(puppet.EventFd(), PollEvents.In, 0).Result());
    }

    [Fact]
    public void A_control_group_goes_with_the_test()
    {
        using IControlGroup? group = ControlGroup.TryMake();
        Assert.SkipWhen(group is null, "There is no control group to write to.");
        IProcess puppet = _family.Start();
        group!.Take(puppet);
        Assert.Equal(group.Path, puppet.Self().Cgroup);
        group.Dispose();
        Assert.NotEqual(group.Path, puppet.Self().Cgroup, StringComparer.Ordinal);
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
