using System.Runtime.InteropServices;

namespace Kdbus.Abi;

/// <summary>64 bytes: header of a message, sent and received.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct KdbusMsg
{
    /// <summary>Bytes of header and items; never counts the payload.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary><see cref="MessageFlags"/>.</summary>
    [FieldOffset(8)] public ulong Flags;
    /// <summary>Smaller is more urgent.</summary>
    [FieldOffset(16)] public long Priority;
    /// <summary>Receiver: an id, 0 for a name, all-ones for everybody.</summary>
    [FieldOffset(24)] public ulong DstId;
    /// <summary>Sender: 0 or the own id when sending; the true id when received, 0 for the bus itself.</summary>
    [FieldOffset(32)] public ulong SrcId;
    /// <summary>Anything but 0, which is the bus itself.</summary>
    [FieldOffset(40)] public ulong PayloadType;
    /// <summary>The sender's number for this message.</summary>
    [FieldOffset(48)] public ulong Cookie;
    /// <summary>With EXPECT_REPLY: the deadline, absolute CLOCK_MONOTONIC in nanoseconds. Shares its place with <see cref="CookieReply"/>.</summary>
    [FieldOffset(56)] public ulong TimeoutNs;
    /// <summary>Without EXPECT_REPLY: cookie of the request this answers, 0 if it answers none.</summary>
    [FieldOffset(56)] public ulong CookieReply;
}

/// <summary>24 bytes: a record of LIST, or what CONN_INFO and BUS_CREATOR_INFO return; items follow.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct KdbusInfo
{
    /// <summary>Bytes with items, a multiple of 8.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>Connection or bus.</summary>
    [FieldOffset(8)] public ulong Id;
    /// <summary>Flags of HELLO or BUS_MAKE.</summary>
    [FieldOffset(16)] public ulong Flags;
}

/// <summary>16 bytes: header of an item.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct KdbusItem
{
    /// <summary>Bytes of header and payload, without the padding to the next multiple of 8.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>What the payload is.</summary>
    [FieldOffset(8)] public ItemType Type;
}

/// <summary>16 bytes: a piece of payload.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct KdbusVec
{
    /// <summary>Bytes, not 0.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>Sending: address, or 0 for zero bytes that are kept nowhere. Shares its place with <see cref="Offset"/>.</summary>
    [FieldOffset(8)] public ulong Address;
    /// <summary>Receiving: offset from the message header, or all-ones for zero bytes that are kept nowhere.</summary>
    [FieldOffset(8)] public ulong Offset;
}

/// <summary>24 bytes: a piece of payload in a sealed memfd.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct KdbusMemfd
{
    /// <summary>Offset of the first byte in the file.</summary>
    [FieldOffset(0)] public ulong Start;
    /// <summary>Bytes, not 0.</summary>
    [FieldOffset(8)] public ulong Size;
    /// <summary>Descriptor.</summary>
    [FieldOffset(16)] public int Fd;
    /// <summary>Unused.</summary>
    [FieldOffset(20)] public uint Pad;
}

/// <summary>16 bytes: parameters of the bloom filters of a bus.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct KdbusBloomParameter
{
    /// <summary>Bytes of a filter: a multiple of 8, at most 4096.</summary>
    [FieldOffset(0)] public ulong Size;
    /// <summary>Hash functions, at least 1.</summary>
    [FieldOffset(8)] public ulong NHash;
}

/// <summary>8 bytes, then the filter.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct KdbusBloomFilter
{
    /// <summary>Chooses the mask it is compared with.</summary>
    [FieldOffset(0)] public ulong Generation;
}

/// <summary>8 bytes, then the name.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct KdbusName
{
    /// <summary><see cref="NameFlags"/> of the owner.</summary>
    [FieldOffset(0)] public ulong Flags;
}

/// <summary>24 bytes: one line of a policy.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct KdbusPolicyAccess
{
    /// <summary><see cref="PolicyAccessType"/>.</summary>
    [FieldOffset(0)] public ulong Type;
    /// <summary><see cref="PolicyAccessLevel"/>.</summary>
    [FieldOffset(8)] public ulong Access;
    /// <summary>uid or gid.</summary>
    [FieldOffset(16)] public ulong Id;
}

/// <summary>24 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct KdbusTimestamp
{
    /// <summary>Number of the message in the domain.</summary>
    [FieldOffset(0)] public ulong SeqNum;
    /// <summary>CLOCK_MONOTONIC, nanoseconds.</summary>
    [FieldOffset(8)] public ulong MonotonicNs;
    /// <summary>CLOCK_REALTIME, nanoseconds.</summary>
    [FieldOffset(16)] public ulong RealtimeNs;
}

/// <summary>64 bytes: ids of the sending thread.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct KdbusCreds
{
    /// <summary>Real user.</summary>
    [FieldOffset(0)] public ulong Uid;
    /// <summary>Effective user.</summary>
    [FieldOffset(8)] public ulong Euid;
    /// <summary>Saved user.</summary>
    [FieldOffset(16)] public ulong Suid;
    /// <summary>User for file access.</summary>
    [FieldOffset(24)] public ulong Fsuid;
    /// <summary>Real group.</summary>
    [FieldOffset(32)] public ulong Gid;
    /// <summary>Effective group.</summary>
    [FieldOffset(40)] public ulong Egid;
    /// <summary>Saved group.</summary>
    [FieldOffset(48)] public ulong Sgid;
    /// <summary>Group for file access.</summary>
    [FieldOffset(56)] public ulong Fsgid;
}

/// <summary>24 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct KdbusPids
{
    /// <summary>Process.</summary>
    [FieldOffset(0)] public ulong Pid;
    /// <summary>Thread.</summary>
    [FieldOffset(8)] public ulong Tid;
    /// <summary>Parent process.</summary>
    [FieldOffset(16)] public ulong Ppid;
}

/// <summary>4 bytes, then four sets (inheritable, permitted, effective, bounding) of <c>last_cap / 32 + 1</c> words.</summary>
[StructLayout(LayoutKind.Explicit, Size = 4)]
public struct KdbusCaps
{
    /// <summary>Highest capability the kernel knows.</summary>
    [FieldOffset(0)] public uint LastCap;
}

/// <summary>8 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct KdbusAudit
{
    /// <summary>Audit session.</summary>
    [FieldOffset(0)] public uint SessionId;
    /// <summary>User who logged in.</summary>
    [FieldOffset(4)] public uint LoginUid;
}

/// <summary>16 bytes: a connection came or went.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct KdbusNotifyIdChange
{
    /// <summary>The connection.</summary>
    [FieldOffset(0)] public ulong Id;
    /// <summary>Its <see cref="HelloFlags"/>, or the flags of its name.</summary>
    [FieldOffset(8)] public ulong Flags;
}

/// <summary>32 bytes, then the name: a name changed hands.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct KdbusNotifyNameChange
{
    /// <summary>Who had it; zeros if nobody.</summary>
    [FieldOffset(0)] public KdbusNotifyIdChange OldId;
    /// <summary>Who has it; zeros if nobody.</summary>
    [FieldOffset(16)] public KdbusNotifyIdChange NewId;
}
