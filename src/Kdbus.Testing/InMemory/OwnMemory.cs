using Kdbus.Linux;

namespace Kdbus.Testing.InMemory;

/// <summary>
/// Copies within this process, from and to addresses that somebody else has named: a bad one is -EFAULT, not the end of the process, because it is the
/// kernel that copies. Where process_vm_readv(2) is forbidden, as a container may, it copies through a file in memory.
/// </summary>
internal sealed unsafe class OwnMemory : IDisposable
{
    /// <summary>Copied at once through the file.</summary>
    private const int Piece = 256 * 1024;

    private readonly Lock _lock = new();
    private readonly int _file = -1;

    /// <param name="isDirect">Whether to try the direct way.</param>
    public OwnMemory(bool isDirect = true)
    {
        if (isDirect && IsDirectAllowed())
            return;
        _file = MemFd.Create("kdbus-copy");
        if (_file < 0)
            throw new InvalidOperationException($"No memory to copy through: {SystemError.Describe(_file)}.");
    }

    /// <summary>Copies to a span: bytes copied, or -errno.</summary>
    public nint Read(ulong address, Span<byte> to)
    {
        fixed (byte* p = to)
            return Read([new IoVec(p, (nuint)to.Length)], [new RemoteIoVec(address, (ulong)to.Length)]);
    }

    /// <summary>Copies from a span: bytes copied, or -errno.</summary>
    public nint Write(ulong address, ReadOnlySpan<byte> from)
    {
        fixed (byte* p = from)
            return Write([new IoVec(p, (nuint)from.Length)], [new RemoteIoVec(address, (ulong)from.Length)]);
    }

    /// <summary>As process_vm_readv(2).</summary>
    public nint Read(ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) =>
        _file < 0 ? ProcessMemory.Read(Environment.ProcessId, local, remote) : Copy(local, remote, isRead: true);

    /// <summary>As process_vm_writev(2).</summary>
    public nint Write(ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote) =>
        _file < 0 ? ProcessMemory.Write(Environment.ProcessId, local, remote) : Copy(local, remote, isRead: false);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_file >= 0)
            _ = FileDescriptor.Close(_file);
    }

    private static bool IsDirectAllowed()
    {
        byte from = 1, to = 0;
        return ProcessMemory.Read(Environment.ProcessId, (ulong)&from, new Span<byte>(ref to)) == 1;
    }

    private nint Copy(ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote, bool isRead)
    {
        nint total = 0;
        int i = 0, j = 0;
        ulong here = 0, there = 0;
        while (i < local.Length && j < remote.Length)
        {
            int count = (int)Math.Min(Math.Min(local[i].Length - here, remote[j].Length - there), Piece);
            byte* ours = (byte*)local[i].Base + here;
            byte* theirs = (byte*)(remote[j].Address + there);
            int copied = isRead ? CopyPiece(theirs, ours, count) : CopyPiece(ours, theirs, count);
            total += Math.Max(copied, 0);
            if (copied < count)
                return total > 0 ? total : copied < 0 ? copied : -SystemError.EFAULT;
            here += (ulong)count;
            there += (ulong)count;
            if (here == local[i].Length)
                (i, here) = (i + 1, 0);
            if (there == remote[j].Length)
                (j, there) = (j + 1, 0);
        }
        return total;
    }

    private int CopyPiece(byte* from, byte* to, int count)
    {
        lock (_lock)
        {
            int taken = FileDescriptor.Pwrite(_file, new ReadOnlySpan<byte>(from, count), 0);
            return taken <= 0 ? taken : FileDescriptor.Pread(_file, new Span<byte>(to, taken), 0);
        }
    }
}
