using System.Globalization;
using System.Text;

namespace Kdbus.Linux.Tests;

public sealed unsafe class ProcessTests
{
    [Fact]
    public void Another_process_memory_is_read_and_written()
    {
        using var other = OtherProcess.Start("cat", "-", "--", "-");
        (ulong address, int length) = other.ArgumentMemory();
        byte[] memory = new byte[length];
        Assert.Equal(length, ProcessMemory.Read(other.Pid, address, memory));
        Assert.Equal("cat\0-\0--\0-\0", Encoding.UTF8.GetString(memory));

        Assert.Equal(3, ProcessMemory.Write(other.Pid, address, "dog"u8));
        byte[] text = [];
        int read = ProcFile.Read(other.Pid, "cmdline"u8, ref text);
        Assert.Equal("dog\0-\0--\0-\0", Encoding.UTF8.GetString(text, 0, read));
    }

    [Fact]
    public void Several_pieces_are_one_stream_on_both_sides()
    {
        using var other = OtherProcess.Start("cat", "-", "-", "-");
        (ulong address, _) = other.ArgumentMemory();
        byte* local = stackalloc byte[6];
        // "-" and then "cat\0-", first into the second half and then into the first.
        RemoteIoVec[] remote = [new(address + 4, 1), new(address, 5)];
        Assert.Equal(6, ProcessMemory.Read(other.Pid, [new IoVec(local + 3, 3), new IoVec(local, 3)], remote));
        Assert.Equal("t\0--ca", Encoding.UTF8.GetString(new ReadOnlySpan<byte>(local, 6)));
    }

    [Fact]
    public void Memory_that_is_not_there_is_EFAULT_and_a_partial_copy_ends_at_it()
    {
        using var other = OtherProcess.Start();
        Assert.Equal(-SystemError.EFAULT, ProcessMemory.Read(other.Pid, 16, new byte[8]));
        Assert.Equal(0, ProcessMap.Open(other.Pid, out ProcessMap? map));
        using (map)
        {
            (ulong address, _) = other.ArgumentMemory();
            Assert.Equal(0, map!.Query(address, out ProcessMapping stack));
            Assert.Equal(100, ProcessMemory.Read(other.Pid, stack.End - 100, new byte[8192]));
        }
    }

    [Fact]
    public void Memory_of_a_process_that_ended_is_ESRCH()
    {
        var other = OtherProcess.Start();
        other.End();
        Assert.Equal(-SystemError.ESRCH, ProcessMemory.Read(other.Pid, 4096, new byte[8]));
    }

    [Fact]
    public void A_pidfd_tells_ids_and_an_inode_of_its_own()
    {
        using var other = OtherProcess.Start();
        int pidfd = PidFd.Open(other.Pid);
        int same = PidFd.Open(other.Pid);
        int self = PidFd.Open(Environment.ProcessId);
        try
        {
            int error = PidFd.GetInfo(pidfd, out PidInfo info);
            Assert.SkipWhen(error == -SystemError.ENOTTY, "this kernel has no PIDFD_GET_INFO");
            Assert.Equal(0, error);
            Assert.Equal(PidInfo.HasPid | PidInfo.HasCredentials, info.Mask & (PidInfo.HasPid | PidInfo.HasCredentials));
            Assert.Equal((uint)other.Pid, info.Tgid);
            Assert.Equal((uint)other.Pid, info.Pid);
            Assert.Equal((uint)Environment.ProcessId, info.PPid);
            Assert.Equal(Credentials.Uid, info.RealUid);
            Assert.Equal(Credentials.EffectiveUid, info.EffectiveUid);
            Assert.Equal(Credentials.Gid, info.RealGid);

            Assert.True(PidFd.Inode(pidfd) > 0);
            Assert.Equal(PidFd.Inode(pidfd), PidFd.Inode(same));
            Assert.NotEqual(PidFd.Inode(self), PidFd.Inode(pidfd));
        }
        finally
        {
            _ = FileDescriptor.Close(pidfd);
            _ = FileDescriptor.Close(same);
            _ = FileDescriptor.Close(self);
        }
    }

    [Fact]
    public void A_threads_pidfd_tells_thread_and_process()
    {
        int tid = 0, pidfd = -1, asProcess = 0;
        using var opened = new ManualResetEventSlim();
        using var done = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            tid = CurrentProcess.ThreadId;
            pidfd = PidFd.OpenThread(tid);
            asProcess = PidFd.Open(tid);
            opened.Set();
            done.Wait();
        });
        thread.Start();
        opened.Wait(TestContext.Current.CancellationToken);
        try
        {
            Assert.True(asProcess < 0);
            Assert.SkipWhen(pidfd == -SystemError.EINVAL, "this kernel has no PIDFD_THREAD");
            int error = PidFd.GetInfo(pidfd, out PidInfo info);
            Assert.SkipWhen(error == -SystemError.ENOTTY, "this kernel has no PIDFD_GET_INFO");
            Assert.Equal(0, error);
            Assert.Equal((uint)tid, info.Pid);
            Assert.Equal((uint)Environment.ProcessId, info.Tgid);
        }
        finally
        {
            done.Set();
            thread.Join();
            _ = FileDescriptor.Close(pidfd);
        }
    }

    [Fact]
    public void A_descriptor_is_taken_from_another_process()
    {
        using var other = OtherProcess.Start();
        int pidfd = PidFd.Open(other.Pid);
        int taken = PidFd.GetFd(pidfd, 0);
        try
        {
            Assert.True(taken >= 0, SystemError.Describe(taken));
            Assert.Equal(0, FileStatus.Of(taken, out FileStatus here));
            Assert.Equal(0, FileStatus.Of(string.Create(CultureInfo.InvariantCulture, $"/proc/{other.Pid}/fd/0"), out FileStatus there));
            Assert.Equal(there.Inode, here.Inode);
            Assert.Equal(-SystemError.EBADF, PidFd.GetFd(pidfd, 12345));
        }
        finally
        {
            _ = FileDescriptor.Close(taken);
            _ = FileDescriptor.Close(pidfd);
        }
    }

    [Fact]
    public void A_process_map_tells_the_file_behind_an_address_by_ioctl_and_by_text_alike()
    {
        using var other = OtherProcess.Start();
        Assert.Equal(0, ProcessMap.Open(other.Pid, out ProcessMap? opened));
        using ProcessMap map = opened!;
        Assert.Equal(0, FileStatus.Of("/usr/bin/cat", out FileStatus program));
        string[] maps = File.ReadAllLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{other.Pid}/maps"));
        string start = maps.First(line => line.EndsWith("/cat", StringComparison.Ordinal)).Split('-')[0];
        ulong address = ulong.Parse(start, NumberStyles.HexNumber, CultureInfo.InvariantCulture) + 17;

        Assert.Equal(0, map.Query(address, out ProcessMapping mapping));
        Assert.Equal(program.Inode, mapping.Inode);
        Assert.Equal((program.DeviceMajor, program.DeviceMinor), (mapping.DeviceMajor, mapping.DeviceMinor));
        Assert.True(mapping.Permissions.HasFlag(MappingPermissions.Readable) && !mapping.IsAnonymous);
        Assert.Equal(0, map.QueryByText(address, out ProcessMapping byText));
        Assert.Equal(mapping, byText);

        (ulong stack, _) = other.ArgumentMemory();
        Assert.Equal(0, map.Query(stack, out mapping));
        Assert.True(mapping.IsAnonymous);
        Assert.Equal(MappingPermissions.Readable | MappingPermissions.Writable, mapping.Permissions);
        Assert.Equal(0, map.QueryByText(stack, out byText));
        Assert.Equal(mapping, byText);

        Assert.Equal(-SystemError.ENOENT, map.Query(16, out _));
        Assert.Equal(-SystemError.ENOENT, map.QueryByText(16, out _));
    }

    [Fact]
    public void A_shared_mapping_of_a_memfd_is_told_as_such()
    {
        int fd = MemFd.Create("mapped");
        Assert.Equal(0, MemFd.Truncate(fd, 4096));
        nint address = MemFd.Map(fd, 4096, writable: false);
        Assert.Equal(0, FileStatus.Of(fd, out FileStatus file));
        Assert.Equal(0, ProcessMap.Open(Environment.ProcessId, out ProcessMap? map));
        using (map)
        {
            Assert.Equal(0, map!.Query((ulong)address, out ProcessMapping mapping));
            Assert.Equal(((ulong)address, file.Inode, false), (mapping.Start, mapping.Inode, mapping.IsAnonymous));
            Assert.Equal(MappingPermissions.Readable | MappingPermissions.Shared, mapping.Permissions);
            Assert.Equal(0, map.QueryByText((ulong)address, out ProcessMapping byText));
            Assert.Equal(mapping, byText);
        }
        _ = MemFd.Unmap(address, 4096);
        _ = FileDescriptor.Close(fd);
    }

    [Fact]
    public void A_process_map_of_an_ended_process_does_not_speak_of_its_successor()
    {
        var other = OtherProcess.Start();
        (ulong stack, _) = other.ArgumentMemory();
        Assert.Equal(0, ProcessMap.Open(other.Pid, out ProcessMap? map));
        other.End();
        Assert.True(map!.Query(stack, out _) < 0);
        map.Dispose();
    }

    [Fact]
    public void A_link_of_a_process_is_read()
    {
        using var other = OtherProcess.Start();
        byte[] target = new byte[256];
        int length = ProcFile.ReadLink(other.Pid, "exe"u8, target);
        Assert.Equal("/usr/bin/cat", Encoding.UTF8.GetString(target, 0, length));
        Assert.Equal(-SystemError.ENOENT, ProcFile.ReadLink(other.Pid, "no such link"u8, target));
        Assert.Equal(-SystemError.EINVAL, ProcFile.ReadLink(-1, "exe"u8, target));
    }

    [Fact]
    public void A_child_gets_exactly_the_descriptors_it_is_given_even_crosswise()
    {
        Assert.Equal(0, FileDescriptor.Pipe(out int readOne, out int writeOne));
        Assert.Equal(0, FileDescriptor.Pipe(out int readTwo, out int writeTwo));
        int low = Math.Min(writeOne, writeTwo), high = Math.Max(writeOne, writeTwo);
        int pid = ChildProcess.Spawn(
            "/bin/sh",
            ["sh", "-c", $"cd /proc/self/fd; printf one >{high}; printf two >{low}; [ -e {readOne} ] && printf leak >{low}; exit 7"],
            ["PATH=/usr/bin:/bin"],
            [new PassedDescriptor(low, high), new PassedDescriptor(high, low)]);
        _ = FileDescriptor.Close(writeOne);
        _ = FileDescriptor.Close(writeTwo);
        byte[] one = [], two = [];
        int oneLength = ProcFile.ReadToEnd(readOne, ref one), twoLength = ProcFile.ReadToEnd(readTwo, ref two);
        _ = FileDescriptor.Close(readOne);
        _ = FileDescriptor.Close(readTwo);
        Assert.Equal(7, ChildProcess.Wait(pid));
        Assert.Equal(-SystemError.ECHILD, ChildProcess.Wait(pid));
        // Pipes are numbered upwards: low is the end of the first, and appears as high there.
        Assert.Equal("one", Encoding.UTF8.GetString(one, 0, oneLength));
        Assert.Equal("two", Encoding.UTF8.GetString(two, 0, twoLength));
    }

    [Fact]
    public void A_child_is_asked_whether_it_has_ended()
    {
        using var other = OtherProcess.Start();
        Assert.False(ChildProcess.HasEnded(other.Pid, out _));
        Assert.Equal(0, ChildProcess.Signal(other.Pid, 9));
        int code = 0;
        Assert.True(SpinWait.SpinUntil(() => ChildProcess.HasEnded(other.Pid, out code), TimeSpan.FromMinutes(1)));
        Assert.Equal(128 + 9, code);
        Assert.True(ChildProcess.HasEnded(other.Pid, out code));
        Assert.Equal(-SystemError.ECHILD, code);
    }

    [Fact]
    public void A_program_that_does_not_exist_is_ENOENT()
        => Assert.Equal(-SystemError.ENOENT, ChildProcess.Spawn("/no/such/program", ["x"], null, []));

    [Fact]
    public void A_child_in_a_new_session_leads_it()
    {
        Assert.Equal(0, FileDescriptor.Pipe(out int readEnd, out int writeEnd));
        string[] printSession = ["sh", "-c", "cut -d' ' -f6 /proc/$$/stat"];
        int pid = ChildProcess.Spawn("/bin/sh", printSession, null, [new PassedDescriptor(writeEnd, 1)], newSession: true);
        _ = FileDescriptor.Close(writeEnd);
        byte[] text = [];
        int length = ProcFile.ReadToEnd(readEnd, ref text);
        _ = FileDescriptor.Close(readEnd);
        Assert.Equal(0, ChildProcess.Wait(pid));
        Assert.Equal(pid.ToString(CultureInfo.InvariantCulture) + "\n", Encoding.UTF8.GetString(text, 0, length));
    }
}
