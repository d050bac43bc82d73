using System.Text;

namespace Kdbus.Linux.Tests;

public sealed unsafe class FileDescriptorTests
{
    [Fact]
    public void What_is_written_in_pieces_to_a_pipe_is_read_in_one()
    {
        Assert.Equal(0, FileDescriptor.Pipe(out int readEnd, out int writeEnd));
        try
        {
            byte[] result = new byte[16];
            fixed (byte* first = "kd"u8, second = "bus"u8)
                Assert.Equal(5, FileDescriptor.Writev(writeEnd, [new IoVec(first, 2), new IoVec(null, 0), new IoVec(second, 3)]));
            Assert.Equal(5, FileDescriptor.Read(readEnd, result));
            Assert.Equal("kdbus", Encoding.UTF8.GetString(result, 0, 5));
        }
        finally
        {
            _ = FileDescriptor.Close(readEnd);
            _ = FileDescriptor.Close(writeEnd);
        }
    }

    [Fact]
    public void Failures_are_negative_error_numbers()
    {
        Assert.Equal(-SystemError.ENOENT, FileDescriptor.Open("/no such file", OpenFlags.ReadOnly));
        Assert.Equal(-SystemError.EINVAL, FileDescriptor.Open("/etc/passwd\0.txt", OpenFlags.ReadOnly));
        Assert.Equal(-SystemError.EINVAL, FileDescriptor.Open("/etc/passwd"u8, OpenFlags.ReadOnly));
        Assert.Equal(-SystemError.ENOTDIR, FileDescriptor.Open("/etc/passwd", OpenFlags.Directory));
        Assert.Equal(-SystemError.EBADF, FileDescriptor.Read(-1, new byte[1]));
        Assert.Equal(-SystemError.EBADF, FileDescriptor.Close(-1));
    }

    [Fact]
    public void A_path_longer_than_the_room_on_the_stack_still_arrives_whole()
    {
        string longPath = "/" + string.Concat(Enumerable.Repeat("./", 900)) + "etc/passwd";
        int fd = FileDescriptor.Open(longPath, OpenFlags.ReadOnly);
        Assert.True(fd >= 0, SystemError.Describe(fd));
        _ = FileDescriptor.Close(fd);
    }

    [Fact]
    public void Everything_opened_is_closed_on_exec()
    {
        const int GetFlags = 1;
        Assert.Equal(0, FileDescriptor.Pipe(out int readEnd, out int writeEnd));
        Assert.Equal(0, DescriptorSocket.CreatePair(out int first, out int second));
        int[] fds =
        [
            readEnd, writeEnd, first, second, FileDescriptor.Open("/dev/null", 0), FileDescriptor.Open("/dev/null\0"u8, 0),
            FileDescriptor.Duplicate(readEnd), MemFd.Create("x"), EventFd.Create(), TimerFd.Create(), PidFd.Open(Environment.ProcessId),
        ];
        try
        {
            Assert.All(fds, fd => Assert.Equal(1, Libc.Fcntl(fd, GetFlags, 0)));
        }
        finally
        {
            Array.ForEach(fds, fd => FileDescriptor.Close(fd));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Inherited_descriptors_can_be_kept_from_children(bool oneByOne)
    {
        const int GetFlags = 1, SetFlags = 2;
        // High numbers, so that nothing of the runtime and of other tests is touched.
        int fd = MemFd.Create("inherited");
        int low = FileDescriptor.Duplicate(fd, 9000), high = FileDescriptor.Duplicate(fd, 9100);
        try
        {
            Assert.Equal(0, Libc.Fcntl(low, SetFlags, 0));
            Assert.Equal(0, Libc.Fcntl(high, SetFlags, 0));
            Assert.Equal(0, oneByOne ? FileDescriptor.SetCloseOnExecOneByOne(low + 1) : FileDescriptor.SetCloseOnExecFrom(low + 1));
            Assert.Equal(0, Libc.Fcntl(low, GetFlags, 0));
            Assert.Equal(1, Libc.Fcntl(high, GetFlags, 0));
        }
        finally
        {
            _ = FileDescriptor.Close(fd);
            _ = FileDescriptor.Close(low);
            _ = FileDescriptor.Close(high);
        }
    }

    [Fact]
    public void Poll_tells_which_descriptor_is_ready()
    {
        int ready = EventFd.Create();
        int idle = EventFd.Create();
        try
        {
            Assert.Equal(0, EventFd.Signal(ready));
            PollEntry[] entries = [new(idle, PollEvents.In), new(ready, PollEvents.In)];
            Assert.Equal(1, FileDescriptor.Poll(entries, -1));
            Assert.Equal(0, entries[0].Returned);
            Assert.Equal(PollEvents.In, entries[1].Returned);
        }
        finally
        {
            _ = FileDescriptor.Close(ready);
            _ = FileDescriptor.Close(idle);
        }
    }

    [Fact]
    public void Ioctl_reads_a_structure_back()
    {
        const uint BytesReadable = 0x541b; // FIONREAD
        Assert.Equal(0, FileDescriptor.Pipe(out int readEnd, out int writeEnd));
        try
        {
            Assert.Equal(3, FileDescriptor.Write(writeEnd, "abc"u8));
            int count = 0;
            Assert.Equal(0, FileDescriptor.Ioctl(readEnd, BytesReadable, ref count));
            Assert.Equal(3, count);
            Assert.Equal(-SystemError.ENOTTY, FileDescriptor.Ioctl(readEnd, 0x9500, 0));
        }
        finally
        {
            _ = FileDescriptor.Close(readEnd);
            _ = FileDescriptor.Close(writeEnd);
        }
    }

    [Fact]
    public void The_limit_of_open_files_becomes_the_hard_one_or_more()
    {
        ResourceLimit before;
        Assert.Equal(0, Libc.Prlimit(0, 7, null, &before));
        var lowered = new ResourceLimit { Soft = before.Hard - 1, Hard = before.Hard };
        Assert.Equal(0, Libc.Prlimit(0, 7, &lowered, null));
        Assert.Equal((long)before.Hard, FileDescriptor.RaiseOpenFilesLimit(hardToo: false));
        long limit = FileDescriptor.RaiseOpenFilesLimit();
        Assert.True(limit >= (long)before.Hard, $"{limit}");
        ResourceLimit after;
        Assert.Equal(0, Libc.Prlimit(0, 7, null, &after));
        Assert.Equal((ulong)limit, after.Soft);
    }

    [Fact]
    public void A_descriptor_travels_through_a_socket()
    {
        Assert.Equal(0, DescriptorSocket.CreatePair(out int first, out int second));
        int file = MemFd.Create("travels");
        int received = -1;
        try
        {
            Assert.Equal(0, DescriptorSocket.Send(first, file));
            received = DescriptorSocket.Receive(second);
            Assert.True(received >= 0 && received != file, $"{received}");
            Assert.Equal(0, FileStatus.Of(file, out FileStatus sent));
            Assert.Equal(0, FileStatus.Of(received, out FileStatus arrived));
            Assert.Equal(sent.Inode, arrived.Inode);

            Assert.Equal(1, FileDescriptor.Write(first, "x"u8));
            Assert.Equal(-SystemError.EPROTO, DescriptorSocket.Receive(second));
            _ = FileDescriptor.Close(first);
            first = -1;
            Assert.Equal(-SystemError.ENOTCONN, DescriptorSocket.Receive(second));
        }
        finally
        {
            _ = FileDescriptor.Close(first);
            _ = FileDescriptor.Close(second);
            _ = FileDescriptor.Close(file);
            _ = FileDescriptor.Close(received);
        }
    }

    [Fact]
    public void Error_text_names_the_number()
        => Assert.Equal("Permission denied (errno 13)", SystemError.Describe(-SystemError.EACCES));
}
