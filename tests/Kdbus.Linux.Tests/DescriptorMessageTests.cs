namespace Kdbus.Linux.Tests;

public class DescriptorMessageTests
{
    [Fact]
    public void A_message_comes_whole_with_all_its_descriptors_and_nothing_is_waited_for()
    {
        int[] came = new int[DescriptorSocket.MostDescriptors];
        byte[] data = new byte[8];
        Assert.Equal(0, DescriptorSocket.CreateMessagePair(out int ours, out int theirs));
        Assert.Equal(-SystemError.EAGAIN, DescriptorSocket.ReceiveMessage(ours, data, came, out int count));
        Assert.Equal(0, count);

        int first = EventFd.Create(), second = EventFd.Create();
        Assert.Equal(0, DescriptorSocket.TrySend(theirs, [1, 2, 3], [first, second]));
        Assert.Equal(4, FileDescriptor.Write(theirs, [4, 5, 6, 7]));
        Assert.Equal(3, DescriptorSocket.ReceiveMessage(ours, data, came, out count));
        Assert.Equal(2, count);
        Assert.Equal([1, 2, 3], data[..3]);
        Assert.Equal(0, EventFd.Signal(second));
        Assert.Equal(0, EventFd.Drain(came[0]));
        Assert.Equal(1, EventFd.Drain(came[1]));
        Assert.Equal(4, DescriptorSocket.ReceiveMessage(ours, data, came.AsSpan(2), out int more));
        Assert.Equal(0, more);
        _ = FileDescriptor.Close(theirs);
        Assert.Equal(0, DescriptorSocket.ReceiveMessage(ours, data, came.AsSpan(2), out _));
        foreach (int fd in (int[])[ours, first, second, came[0], came[1]])
            _ = FileDescriptor.Close(fd);
    }

    [Fact]
    public void The_most_descriptors_come_in_one_message()
    {
        int file = EventFd.Create();
        int[] sent = [.. Enumerable.Repeat(file, DescriptorSocket.MostDescriptors)], came = new int[sent.Length];
        byte[] data = new byte[1];
        Assert.Equal(0, DescriptorSocket.CreateMessagePair(out int ours, out int theirs));
        Assert.Equal(0, DescriptorSocket.TrySend(theirs, [1], sent));
        Assert.Equal(1, DescriptorSocket.ReceiveMessage(ours, data, came, out int count));
        Assert.Equal(sent.Length, count);
        foreach (int fd in (int[])[file, ours, theirs, .. came])
            _ = FileDescriptor.Close(fd);
    }
}
