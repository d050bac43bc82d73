namespace Kdbus.Fuse;

/// <summary>
/// The pipe to the kernel: whole requests come out of it, whole answers and notifications go in. One read is one request and one write is one
/// message; nothing is ever split or joined, so any thread may write while another reads. The real one is <see cref="FuseDevice"/>; a test puts a scripted kernel here.
/// </summary>
public interface IFuseChannel
{
    /// <summary>Waits for the next request and copies it into <paramref name="buffer"/>.</summary>
    /// <param name="buffer">Room for the largest request; the kernel refuses with EINVAL what is too small for its <c>max_write</c>.</param>
    /// <returns>Bytes of the request, or -errno: -ENODEV when the file system was unmounted, -ECONNABORTED when the connection was aborted (or
    /// -ENODEV, if ABORT_ERROR was not negotiated), -ENOENT when a request vanished between being chosen and being copied, -EINTR, -EAGAIN.</returns>
    nint Read(Span<byte> buffer);

    /// <summary>A request is there, so that a <see cref="Read"/> would not wait.</summary>
    bool HasRequest { get; }

    /// <summary>Sends one message: <paramref name="header"/> with <paramref name="body"/> right behind it.</summary>
    /// <returns>Bytes sent, or -errno: -ENOENT when nobody waits for the answer any more, -EINVAL when the message is malformed,
    /// -ENODEV or -EPERM when there is no connection.</returns>
    nint Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> body);

    /// <summary>Makes a <see cref="Read"/> in progress return soon, with a request or with -EINTR. A read that begins a moment later may not notice: repeat the call
    /// until the reader shows that it did.</summary>
    /// <returns>0, also when nobody reads, or -errno when it is not possible at all.</returns>
    int Wake();

    /// <summary>Registers an open file for passthrough. The descriptor stays the caller's and may be closed afterwards.</summary>
    /// <returns>The positive backing id for <see cref="FuseReply.Open"/>, or -errno: -EPERM without CAP_SYS_ADMIN or without the capability
    /// negotiated, -EBADF, -ELOOP when the file is itself stacked too deep.</returns>
    int BackingOpen(int fd);

    /// <summary>Forgets a registered file; open files that use it keep it. Not before the opener is through with OPEN: at the first
    /// request on that file handle or at RELEASE, otherwise the open may fail.</summary>
    /// <returns>0, or -errno: -ENOENT for an id that is not registered.</returns>
    int BackingClose(int backingId);
}
