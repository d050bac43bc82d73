namespace Kdbus.Linux.Tests;

public sealed class EpollTests : IDisposable
{
    private readonly int _epoll = Epoll.Create();
    private readonly EpollEvent[] _events = new EpollEvent[4];

    public void Dispose() => _ = FileDescriptor.Close(_epoll);

    [Fact]
    public void What_is_ready_comes_back_with_its_tag()
    {
        int quiet = EventFd.Create();
        int ready = EventFd.Create();
        Assert.Equal(0, EventFd.Signal(ready));
        Assert.Equal(0, Epoll.Add(_epoll, quiet, EpollEvents.In, 1));
        Assert.Equal(0, Epoll.Add(_epoll, ready, EpollEvents.In, ulong.MaxValue));
        Assert.Equal(1, Epoll.Wait(_epoll, _events, -1));
        Assert.Equal(new EpollEvent(EpollEvents.In, ulong.MaxValue), _events[0]);
        Assert.Equal(0, EventFd.Signal(quiet));
        Assert.Equal(2, Epoll.Wait(_epoll, _events, -1));
        Assert.Equal(1, Epoll.Wait(_epoll, _events.AsSpan(0, 1), -1));
        Assert.Equal(0, Epoll.Remove(_epoll, quiet));
        Assert.Equal(0, Epoll.Remove(_epoll, ready));
        Assert.Equal(0, Epoll.Wait(_epoll, _events, 0));
        _ = FileDescriptor.Close(quiet);
        _ = FileDescriptor.Close(ready);
    }

    [Fact]
    public void A_hang_up_is_told_unasked_and_with_edges_only_once()
    {
        Assert.Equal(0, FileDescriptor.Pipe(out int readEnd, out int writeEnd));
        Assert.Equal(0, Epoll.Add(_epoll, readEnd, EpollEvents.In | EpollEvents.EdgeTriggered, 7));
        Assert.Equal(0, Epoll.Wait(_epoll, _events, 0));
        _ = FileDescriptor.Close(writeEnd);
        Assert.Equal(1, Epoll.Wait(_epoll, _events, -1));
        Assert.Equal(new EpollEvent(EpollEvents.HangUp, 7), _events[0]);
        Assert.Equal(0, Epoll.Wait(_epoll, _events, 0));
        _ = FileDescriptor.Close(readEnd);
    }

    [Fact]
    public void What_is_ready_when_it_is_added_is_told_with_edges_too()
    {
        int ready = EventFd.Create();
        Assert.Equal(0, EventFd.Signal(ready));
        Assert.Equal(0, Epoll.Add(_epoll, ready, EpollEvents.In | EpollEvents.EdgeTriggered, 7));
        Assert.Equal(1, Epoll.Wait(_epoll, _events, -1));
        Assert.Equal(0, Epoll.Wait(_epoll, _events, 0));
        _ = FileDescriptor.Close(ready);
    }

    [Fact]
    public void What_cannot_be_watched_says_why()
    {
        int file = MemFd.Create("x");
        int path = FileDescriptor.Open("/etc/passwd", OpenFlags.Path);
        int watched = EventFd.Create();
        Assert.Equal(-SystemError.EPERM, Epoll.Add(_epoll, file, EpollEvents.In, 0));
        Assert.Equal(-SystemError.EBADF, Epoll.Add(_epoll, path, EpollEvents.In, 0));
        Assert.Equal(-SystemError.EBADF, Epoll.Add(_epoll, -1, EpollEvents.In, 0));
        Assert.Equal(-SystemError.EINVAL, Epoll.Add(_epoll, _epoll, EpollEvents.In, 0));
        Assert.Equal(0, Epoll.Add(_epoll, watched, EpollEvents.In, 0));
        Assert.Equal(-SystemError.EEXIST, Epoll.Add(_epoll, watched, EpollEvents.In, 0));
        int unwatched = EventFd.Create();
        Assert.Equal(-SystemError.ENOENT, Epoll.Remove(_epoll, unwatched));
        foreach (int fd in (int[])[file, path, watched, unwatched])
            _ = FileDescriptor.Close(fd);
    }

    [Fact]
    public void The_device_of_an_open_file_is_told_without_asking_for_more()
    {
        int fd = FileDescriptor.Open("/proc/self/status", OpenFlags.ReadOnly);
        Assert.Equal(0, FileStatus.Of(fd, out FileStatus whole));
        Assert.Equal(0, FileStatus.DeviceOf(fd, out FileStatus status));
        Assert.Equal((whole.DeviceMajor, whole.DeviceMinor), (status.DeviceMajor, status.DeviceMinor));
        Assert.Equal(0, ProcFile.DeviceOfDescriptor(Environment.ProcessId, fd, out status));
        Assert.Equal((whole.DeviceMajor, whole.DeviceMinor), (status.DeviceMajor, status.DeviceMinor));
        _ = FileDescriptor.Close(fd);
        Assert.Equal(-SystemError.ENOENT, ProcFile.DeviceOfDescriptor(Environment.ProcessId, int.MaxValue, out _));
        Assert.Equal(-SystemError.EINVAL, ProcFile.DeviceOfDescriptor(Environment.ProcessId, -1, out _));
    }
}
