using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Files;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving.Files;

/// <summary>
/// Brings what comes with a message to who gets it: sends descriptors on the socket that the caller has named, or copies what sealed
/// memfds hold into the pool. No lock is held, and the caller stands still.
/// </summary>
internal sealed unsafe class FileHandout(ICallers callers)
{
    private const int MostInOnePiece = 1 << 30;

    /// <summary>Does it; false if it cannot be done. May block: only inside a blocking section.</summary>
    /// <param name="handout">What is to be done. Its pool is pinned.</param>
    /// <param name="thread">The caller.</param>
    /// <param name="socket">The number of his socket, if descriptors are to be sent.</param>
    public bool Run(Handout handout, int thread, int socket) =>
        handout.Files.Count > 0 ? Send(handout, thread, socket) : handout.Contents.All(content => Copy((PoolFile)handout.Memory, content));

    private bool Send(Handout handout, int thread, int socket)
    {
        if (callers.CopyDescriptor(thread, socket, out var copy) != Errno.OK) return false;
        Span<int> descriptors = stackalloc int[handout.Files.Count];
        for (var i = 0; i < descriptors.Length; i++) descriptors[i] = CarriedFile.Of(handout.Files[i]).Descriptor;
        var message = new KdbusFdMessage { Offset = handout.Offset, Count = (uint)descriptors.Length };
        var isSent = DescriptorSocket.IsUnix(copy)
            && DescriptorSocket.TrySend(copy, MemoryMarshal.AsBytes(new ReadOnlySpan<KdbusFdMessage>(in message)), descriptors) >= 0;
        FileDescriptor.Close(copy);
        return isSent;
    }

    private static bool Copy(PoolFile pool, FileContent content)
    {
        var descriptor = CarriedFile.Of(content.File).Descriptor;
        for (var done = 0UL; done < content.Size;)
        {
            var room = new Span<byte>(pool.Address(content.PoolOffset + done), (int)Math.Min(content.Size - done, MostInOnePiece));
            var read = FileDescriptor.Pread(descriptor, room, (long)(content.Start + done));
            if (read <= 0) return false;
            done += (ulong)read;
        }

        return true;
    }
}
