using Kdbus.Fuse.Internal;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

/// <summary>
/// The one answer a request gets. The first answering method to be called, on whatever thread, wins the request by a compare-and-swap and returns
/// whether the kernel took the answer; all later ones change nothing and return false. A false means in every case that the caller did not get this answer.
/// A handler that returns without answering or holding has forgotten the request: that is a bug, reported as one, and answered EIO.
/// </summary>
public readonly ref struct FuseReply
{
    private readonly ReplySlot _slot;
    private readonly long _ticket;

    internal FuseReply(ReplySlot slot, long ticket)
    {
        _slot = slot;
        _ticket = ticket;
    }

    /// <summary>Number of the request.</summary>
    public ulong Unique => _slot.Unique;

    /// <summary>Somebody answered, perhaps the handler of an INTERRUPT while this one was stuck.</summary>
    public bool IsAnswered => !_slot.IsOpen(_ticket);

    /// <summary>Room of the reader to build an answer in; the content is that of earlier answers. Good until the handler returns. At least 128 KiB.</summary>
    public Span<byte> Scratch => _slot.Scratch;

    /// <summary>Fails the request.</summary>
    /// <param name="errno">1 to 511, of either sign; 0 is success without data, as for <see cref="Ok"/>.</param>
    public bool Error(int errno) => _slot.Error(_ticket, errno);

    /// <summary>Success, for requests whose answer has no data: FLUSH, RELEASE, ACCESS, FSYNC.</summary>
    public bool Ok() => _slot.Error(_ticket, 0);

    /// <summary>Answers LOOKUP and MKNOD. If it returns false the lookup does not count.</summary>
    public bool Entry(in FuseEntryOut entry) => _slot.Send(_ticket, in entry);

    /// <summary>Answers GETATTR and SETATTR.</summary>
    public bool Attr(in FuseAttrOut attributes) => _slot.Send(_ticket, in attributes);

    /// <summary>Answers OPEN and OPENDIR. If it returns false there will be no RELEASE.</summary>
    /// <param name="handle">Comes back in every request on the open file.</param>
    /// <param name="flags">How the kernel treats the open file.</param>
    /// <param name="backingId">With <see cref="FuseOpenFlags.Passthrough"/>: what <see cref="IFuseChannel.BackingOpen"/> returned.</param>
    public bool Open(ulong handle, FuseOpenFlags flags = FuseOpenFlags.None, int backingId = 0) =>
        _slot.Send(_ticket, new FuseOpenOut { Fh = handle, OpenFlags = flags, BackingId = backingId });

    /// <summary>Answers READ, at most as many bytes as were asked for.</summary>
    public bool Data(ReadOnlySpan<byte> data) => _slot.SendData(_ticket, data);

    /// <summary>Answers STATFS.</summary>
    public bool StatFs(in FuseKStatFs statistics) => _slot.Send(_ticket, in statistics);

    /// <summary>Answers WRITE.</summary>
    /// <param name="count">Bytes taken, at most those of the request.</param>
    public bool Written(uint count) => _slot.Send(_ticket, new FuseWriteOut { Size = count });

    /// <summary>Answers IOCTL.</summary>
    /// <param name="result">What ioctl(2) returns if &gt;= 0, else -errno. Unlike <see cref="Error"/> this may be a restart code of the kernel such as -512 (ERESTARTSYS).</param>
    /// <param name="data">Copied to the caller's memory, also when the result is negative; at most <see cref="IoctlRequest.OutputSize"/> bytes.</param>
    public bool Ioctl(int result, ReadOnlySpan<byte> data = default) => _slot.Send(_ticket, new FuseIoctlOut { Result = result }, data);

    /// <summary>Answers POLL.</summary>
    /// <param name="revents">Bits of poll(2) that hold now.</param>
    public bool Poll(uint revents) => _slot.Send(_ticket, new FusePollOut { Revents = revents });

    /// <summary>Answers LSEEK.</summary>
    public bool Seek(ulong offset) => _slot.Send(_ticket, new FuseLSeekOut { Offset = offset });

    /// <summary>An empty buffer of the right kind and size to answer <paramref name="request"/>, in the <see cref="Scratch"/>.</summary>
    public DirectoryBuffer DirectoryBuffer(in ReadDirRequest request) =>
        new(_slot.Scratch[..(int)Math.Min((uint)_slot.Scratch.Length, request.Size)], request.Plus);

    /// <summary>Answers READDIR and READDIRPLUS. If it returns false none of the entries counts as looked up.</summary>
    public bool Directory(in DirectoryBuffer buffer) => _slot.SendData(_ticket, buffer.Written);

    /// <summary>Lets the handler return without an answer: the request is kept, found by INTERRUPT, and answered later, from any thread.</summary>
    /// <param name="tag">Free for the file system; see <see cref="HeldReply.Tag"/>.</param>
    public HeldReply Hold(ulong tag = 0) => _slot.Hold(_ticket, tag);
}
