using System.Runtime.InteropServices;

namespace Kdbus.Abi;

/// <summary>
/// What the payload of each item type must look like before anybody looks at its meaning: applied to every accepted
/// item of every command and to every item of a sent message.
/// </summary>
public static class ItemRules
{
    /// <summary>EINVAL, EBADF or ENAMETOOLONG if the payload cannot be one of <paramref name="type"/>.</summary>
    /// <param name="type">What the item says it is.</param>
    /// <param name="payload">Its bytes, without header and padding.</param>
    /// <param name="sysNameMaxLength">Characters, without NUL, that <see cref="SysName"/> allows in this domain.</param>
    public static Errno Check(ItemType type, ReadOnlySpan<byte> payload, int sysNameMaxLength = Limits.SysNameMaxLen)
    {
        var length = payload.Length;
        return type switch
        {
            ItemType.Negotiate or ItemType.Free => Require(length % 8 == 0),
            ItemType.PayloadInline => Require(length > 0),
            ItemType.PayloadVec or ItemType.PayloadOff =>
                Require(length == 16 && MemoryMarshal.Read<ulong>(payload) != 0),
            ItemType.PayloadMemfd => CheckMemfd(payload),
            ItemType.Fds or ItemType.AuxGroups => Require(length % 4 == 0),
            ItemType.CancelFd or ItemType.FdSocket or ItemType.OnBehalf => Require(length == 4),
            ItemType.BloomParameter or ItemType.IdAdd or ItemType.IdRemove => Require(length == 16),
            ItemType.BloomFilter => Require(length >= 8),
            ItemType.MakeName or ItemType.ConnDescription => SysName.Check(payload, sysNameMaxLength),
            ItemType.AttachFlagsSend or ItemType.AttachFlagsRecv or ItemType.Id or ItemType.Audit => Require(length == 8),
            ItemType.Timestamp or ItemType.Pids or ItemType.PolicyAccess => Require(length == 24),
            ItemType.Creds => Require(length == 64),
            ItemType.Name or ItemType.DstName or ItemType.PidComm or ItemType.TidComm or ItemType.Exe
                or ItemType.Cmdline or ItemType.Cgroup or ItemType.Seclabel => Require(IsString(payload)),
            ItemType.Caps => CheckCaps(payload),
            ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange =>
                Require(length == 32 || (length > 32 && IsString(payload[32..]))),
            ItemType.ReplyTimeout or ItemType.ReplyDead => Require(length == 0),
            _ => Errno.OK,
        };
    }

    /// <summary>True for at least one byte with exactly one NUL, at the end.</summary>
    public static bool IsString(ReadOnlySpan<byte> payload) => !payload.IsEmpty && payload.IndexOf((byte)0) == payload.Length - 1;

    private static Errno CheckMemfd(ReadOnlySpan<byte> payload)
    {
        if (payload.Length != 24) return Errno.EINVAL;
        var memfd = MemoryMarshal.Read<KdbusMemfd>(payload);
        if (memfd.Size == 0) return Errno.EINVAL;
        return memfd.Fd < 0 ? Errno.EBADF : Errno.OK;
    }

    private static Errno CheckCaps(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < 4) return Errno.EINVAL;
        var lastCap = MemoryMarshal.Read<uint>(payload);
        return Require((ulong)payload.Length >= 4 + (16UL * (lastCap / 32)));
    }

    private static Errno Require(bool holds) => holds ? Errno.OK : Errno.EINVAL;
}
