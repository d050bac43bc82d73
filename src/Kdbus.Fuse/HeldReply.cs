using Kdbus.Fuse.Internal;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

/// <summary>
/// The right to answer a request after its handler returned, a small value that can be copied and kept. The first answer through any copy counts; a
/// copy that comes late, even after what is behind it has been reused for another request, does nothing and returns false.
/// </summary>
public readonly struct HeldReply : IEquatable<HeldReply>
{
    private readonly ReplySlot? _slot;
    private readonly long _ticket;

    internal HeldReply(ReplySlot slot, long ticket, ulong unique)
    {
        _slot = slot;
        _ticket = ticket;
        Unique = unique;
    }

    /// <summary>This is the default value: there is no request.</summary>
    public bool IsNone => _slot is null;

    /// <summary>Number of the request.</summary>
    public ulong Unique { get; }

    /// <summary>Nobody has answered yet.</summary>
    public bool IsPending => _slot is not null && _slot.IsOpen(_ticket);

    /// <summary>The file system held the request, in contrast to one that is with a reader stuck in a blocking section.</summary>
    public bool IsHeld => _slot is not null && _slot.IsHeld(_ticket);

    /// <summary>What the request asked for; 0 when it is answered.</summary>
    public FuseOpcode Opcode => _slot is null ? FuseOpcode.None : (FuseOpcode)_slot.Read(_ticket, _slot.OpcodeNumber);

    /// <summary>The tag given to <see cref="FuseReply.Hold"/>, or that of the <see cref="BlockingCaller"/> if the request is with a stuck reader; 0 when it is answered.</summary>
    public ulong Tag => _slot is null ? 0 : _slot.Read(_ticket, _slot.Tag);

    /// <inheritdoc cref="FuseReply.Error"/>
    public bool Error(int errno) => _slot is not null && _slot.Error(_ticket, errno);

    /// <inheritdoc cref="FuseReply.Ok"/>
    public bool Ok() => _slot is not null && _slot.Error(_ticket, 0);

    /// <inheritdoc cref="FuseReply.Entry"/>
    public bool Entry(in FuseEntryOut entry) => _slot is not null && _slot.Send(_ticket, in entry);

    /// <inheritdoc cref="FuseReply.Attr"/>
    public bool Attr(in FuseAttrOut attributes) => _slot is not null && _slot.Send(_ticket, in attributes);

    /// <inheritdoc cref="FuseReply.Open"/>
    public bool Open(ulong handle, FuseOpenFlags flags = FuseOpenFlags.None, int backingId = 0) =>
        _slot is not null && _slot.Send(_ticket, new FuseOpenOut { Fh = handle, OpenFlags = flags, BackingId = backingId });

    /// <inheritdoc cref="FuseReply.Data"/>
    public bool Data(ReadOnlySpan<byte> data) => _slot is not null && _slot.SendData(_ticket, data);

    /// <inheritdoc cref="FuseReply.Written"/>
    public bool Written(uint count) => _slot is not null && _slot.Send(_ticket, new FuseWriteOut { Size = count });

    /// <inheritdoc cref="FuseReply.Ioctl"/>
    public bool Ioctl(int result, ReadOnlySpan<byte> data = default) =>
        _slot is not null && _slot.Send(_ticket, new FuseIoctlOut { Result = result }, data);

    /// <inheritdoc cref="FuseReply.Poll"/>
    public bool Poll(uint revents) => _slot is not null && _slot.Send(_ticket, new FusePollOut { Revents = revents });

    public bool Equals(HeldReply other) => ReferenceEquals(_slot, other._slot) && _ticket == other._ticket;

    public override bool Equals(object? obj) => obj is HeldReply other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Unique, _ticket);

    public static bool operator ==(HeldReply left, HeldReply right) => left.Equals(right);

    public static bool operator !=(HeldReply left, HeldReply right) => !left.Equals(right);
}
