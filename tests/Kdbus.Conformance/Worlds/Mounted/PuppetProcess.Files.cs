using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Worlds.Mounted;

internal sealed partial class PuppetProcess
{
    public int SealedFile(ReadOnlySpan<byte> content, int seals) => Call(PuppetOperation.SealedFile, [(ulong)seals], content);

    public int FileControl(int descriptor, int command, int argument) =>
        Call(PuppetOperation.FileControl, [(ulong)descriptor, (ulong)command, (ulong)argument]);

    public int StatDescriptor(int descriptor, out FileStatus status)
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.StatDescriptor, [(ulong)descriptor]);
        status = StatusOf(reply);
        return (int)reply.Result;
    }

    public long Seek(int descriptor, long offset) => _link.Request(PuppetOperation.Seek, [(ulong)descriptor, (ulong)offset, 0]).Result;

    public long ReadAt(int descriptor, Span<byte> data, long offset)
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.ReadAt, [(ulong)descriptor, (ulong)data.Length, (ulong)offset]);
        reply.Data.CopyTo(data);
        return reply.Result;
    }

    public int Socket(int family, int type) => Call(PuppetOperation.Socket, [(ulong)family, (ulong)type]);

    public int SocketPair(int type, out int first, out int second) =>
        Pair(_link.Request(PuppetOperation.SocketPair, [(ulong)type]), out first, out second);

    public int ReceiveDescriptors(int socket, Span<byte> data, out int[] descriptors)
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.ReceiveDescriptors, [(ulong)socket, (ulong)data.Length]);
        int length = (int)Math.Max(reply.Result, 0);
        reply.Data.AsSpan(0, length).CopyTo(data);
        descriptors = MemoryMarshal.Cast<byte, int>(reply.Data.AsSpan(length)).ToArray();
        return (int)reply.Result;
    }

    public IReadOnlyList<int> OpenDescriptors()
    {
        PuppetLink.Reply reply = _link.Request(PuppetOperation.OpenDescriptors, []);
        Assert.Equal(0, reply.Result);
        return [.. MemoryMarshal.Cast<byte, int>(reply.Data).ToArray().Order()];
    }

    public int LimitDescriptors(int limit) => Call(PuppetOperation.LimitDescriptors, [(ulong)limit]);

    private static FileStatus StatusOf(PuppetLink.Reply reply)
    {
        ReadOnlySpan<ulong> f = MemoryMarshal.Cast<byte, ulong>(reply.Data);
        return f.IsEmpty ? default : new FileStatus((uint)f[0], (uint)f[1], (uint)f[2], f[3], f[4], f[5]);
    }

    private static int Pair(PuppetLink.Reply reply, out int first, out int second)
    {
        ReadOnlySpan<int> ends = MemoryMarshal.Cast<byte, int>(reply.Data);
        (first, second) = ends.IsEmpty ? (-1, -1) : (ends[0], ends[1]);
        return (int)reply.Result;
    }
}
