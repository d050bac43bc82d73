using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Fuse;

/// <summary>
/// Messages to the kernel that nobody asked for. Each is one write, and takes effect before the method returns. Which thread may send which matters: an
/// inode lock that the kernel takes to carry out the message may be held by a caller that waits for an answer from us, and then whoever should have
/// answered must not be the one who waits here.
/// </summary>
/// <remarks>
/// <para>From any thread, readers included: <see cref="Poll"/>, <see cref="Resend"/>, and <see cref="InvalInode"/> and <see cref="Store"/> for a file no
/// page of which is being read (READ) or written back at the time; both wait for the lock of each page they touch.</para>
/// <para>Never from a reader, nor from a thread a reader waits for: <see cref="InvalEntry"/> and <see cref="Delete"/>. They lock the directory, and a LOOKUP or
/// READDIR in it that we have not answered yet holds that lock.</para>
/// <para>All return 0, or -errno: ENOENT when the kernel does not know node or name (mostly nothing to worry about), ENODEV and EPERM when there
/// is no connection.</para>
/// </remarks>
public sealed class FuseNotifier
{
    private readonly IFuseChannel _channel;
    private readonly IFuseTrace? _trace;

    public FuseNotifier(IFuseChannel channel, IFuseTrace? trace = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        _channel = channel;
        _trace = trace;
    }

    /// <summary>Wakes everybody who waits on the open file in poll(2) or epoll(7); they ask again with POLL.</summary>
    /// <param name="pollHandle"><see cref="PollRequest.PollHandle"/>. Unknown ones are ignored.</param>
    public int Poll(ulong pollHandle) => Send(FuseNotifyCode.Poll, new FuseNotifyPollOut { Kh = pollHandle });

    /// <summary>Drops cached attributes and, from <paramref name="offset"/> on, cached pages of a node.</summary>
    /// <param name="nodeId">The node.</param>
    /// <param name="offset">Bytes; negative drops attributes only.</param>
    /// <param name="length">Bytes; 0 or negative is everything to the end.</param>
    public int InvalInode(ulong nodeId, long offset = -1, long length = 0) =>
        Send(FuseNotifyCode.InvalInode, new FuseNotifyInvalInodeOut { NodeId = nodeId, Offset = offset, Length = length });

    /// <summary>Drops a name from a directory's cache; the next use asks with LOOKUP. Inotify watchers are not told.</summary>
    public int InvalEntry(ulong parent, ReadOnlySpan<byte> name, FuseInvalEntryFlags flags = FuseInvalEntryFlags.None) =>
        SendNamed(FuseNotifyCode.InvalEntry, new FuseNotifyInvalEntryOut { Parent = parent, NameLen = (uint)name.Length, Flags = flags }, name);

    /// <summary>As <see cref="InvalEntry"/>, for a name that is gone: watchers are told, and a directory is marked dead, if the name is still that child.</summary>
    public int Delete(ulong parent, ulong child, ReadOnlySpan<byte> name) =>
        SendNamed(FuseNotifyCode.Delete, new FuseNotifyDeleteOut { Parent = parent, Child = child, NameLen = (uint)name.Length }, name);

    /// <summary>Puts bytes into the page cache of a regular file; the file grows to hold them.</summary>
    public int Store(ulong nodeId, ulong offset, ReadOnlySpan<byte> data) =>
        Send(FuseNotifyCode.Store, new FuseNotifyStoreOut { NodeId = nodeId, Offset = offset, Size = (uint)data.Length }, data);

    /// <summary>Delivers again every request that was read and not answered, with <see cref="FuseProtocol.ResentBit"/> set. For a successor that took the
    /// descriptor over: before its first read, so that an INTERRUPT finds the request it is for. EINVAL on a kernel without it (before 6.9).</summary>
    public int Resend()
    {
        Span<byte> message = stackalloc byte[FuseProtocol.OutHeaderSize];
        return Send(FuseNotifyCode.Resend, message, default);
    }

    private int SendNamed<T>(FuseNotifyCode code, in T body, ReadOnlySpan<byte> name)
        where T : unmanaged
    {
        if (name.Length is 0 or > FuseProtocol.NameMax)
            return -SystemError.EINVAL;
        Span<byte> terminated = stackalloc byte[name.Length + 1];
        name.CopyTo(terminated);
        terminated[name.Length] = 0;
        return Send(code, in body, terminated);
    }

    private int Send<T>(FuseNotifyCode code, in T body, ReadOnlySpan<byte> data = default)
        where T : unmanaged
    {
        Span<byte> message = stackalloc byte[FuseProtocol.OutHeaderSize + Unsafe.SizeOf<T>()];
        MemoryMarshal.Write(message[FuseProtocol.OutHeaderSize..], in body);
        return Send(code, message, data);
    }

    private int Send(FuseNotifyCode code, Span<byte> message, ReadOnlySpan<byte> data)
    {
        var header = new FuseOutHeader { Len = (uint)(message.Length + data.Length), Error = (int)code };
        MemoryMarshal.Write(message, in header);
        nint result = _channel.Write(message, data);
        _trace?.Notified(code, message[FuseProtocol.OutHeaderSize..], data, result);
        return result < 0 ? (int)result : 0;
    }
}
