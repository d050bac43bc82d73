namespace Kdbus.Linux.Tests;

public sealed unsafe class MemFdTests : IDisposable
{
    private const int Size = 3 * 4096;

    private readonly int _fd = MemFd.Create("kdbus-test");

    public void Dispose() => FileDescriptor.Close(_fd);

    [Fact]
    public void What_is_written_is_seen_through_a_mapping_and_back()
    {
        Assert.Equal(0, MemFd.Truncate(_fd, Size));
        nint address = MemFd.Map(_fd, Size, writable: true);
        Assert.True(address > 0);
        var memory = new Span<byte>((void*)address, Size);
        Assert.Equal(0, MemFd.Prefault(address + 100, Size - 100));
        Assert.Equal(3, FileDescriptor.Pwrite(_fd, "abc"u8, 5000));
        Assert.True(memory.Slice(5000, 3).SequenceEqual("abc"u8));
        memory[5001] = (byte)'B';
        byte[] read = new byte[3];
        Assert.Equal(3, FileDescriptor.Pread(_fd, read, 5000));
        Assert.Equal("aBc"u8.ToArray(), read);
        Assert.Equal(0, MemFd.Unmap(address, Size));
    }

    [Fact]
    public void A_sealed_file_keeps_its_size_and_content()
    {
        Assert.Equal(0, MemFd.Truncate(_fd, Size));
        Assert.Equal(0, MemFd.GetSeals(_fd));
        Assert.Equal(0, MemFd.AddSeals(_fd, MemFd.SealShrink | MemFd.SealGrow | MemFd.SealWrite));
        Assert.Equal(MemFd.SealShrink | MemFd.SealGrow | MemFd.SealWrite, MemFd.GetSeals(_fd));
        Assert.Equal(-SystemError.EPERM, MemFd.Truncate(_fd, 1));
        Assert.Equal(-SystemError.EPERM, MemFd.Truncate(_fd, Size * 2));
        Assert.Equal(-SystemError.EPERM, FileDescriptor.Pwrite(_fd, "x"u8, 0));
        Assert.Equal(-SystemError.EPERM, (int)MemFd.Map(_fd, Size, writable: true));
        Assert.Equal(Size, MemFd.Length(_fd));
    }

    [Fact]
    public void Sealing_against_writes_is_refused_while_a_writable_mapping_lives()
    {
        Assert.Equal(0, MemFd.Truncate(_fd, Size));
        nint address = MemFd.Map(_fd, Size, writable: true);
        Assert.Equal(-SystemError.EBUSY, MemFd.AddSeals(_fd, MemFd.SealWrite));
        Assert.Equal(0, MemFd.Unmap(address, Size));
        Assert.Equal(0, MemFd.AddSeals(_fd, MemFd.SealWrite));
    }

    [Fact]
    public void A_hole_reads_as_zero_and_gives_its_memory_back()
    {
        Assert.Equal(0, MemFd.Allocate(_fd, 0, Size));
        Assert.Equal(Size, MemFd.Length(_fd));
        Assert.Equal(3, FileDescriptor.Pwrite(_fd, "abc"u8, 4096));
        Assert.Equal(0, FileStatus.Of(_fd, out FileStatus before));
        Assert.Equal(0, MemFd.PunchHole(_fd, 4096, 4096));
        Assert.Equal(0, FileStatus.Of(_fd, out FileStatus after));
        Assert.Equal(before.Blocks - 8, after.Blocks);
        byte[] read = new byte[3];
        Assert.Equal(3, FileDescriptor.Pread(_fd, read, 4096));
        Assert.Equal(new byte[3], read);
        Assert.Equal(Size, MemFd.Length(_fd));
    }

    [Fact]
    public void Something_that_is_no_memfd_has_no_seals()
    {
        int fd = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite);
        Assert.Equal(-SystemError.EINVAL, MemFd.GetSeals(fd));
        _ = FileDescriptor.Close(fd);
    }
}
