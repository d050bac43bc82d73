using System.Runtime.InteropServices;

namespace Kdbus.Fuse.Wire;

// The structures of <linux/fuse.h>, each once, as they lie in memory: host byte order, no implicit padding. Bytes that no field names are reserved:
// zero in what we send, ignored in what we read. Tests pin every size and offset against the kernel's own header.

/// <summary>Opens every request: <c>fuse_in_header</c>, 40 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
public struct FuseInHeader
{
    /// <summary>Bytes of the whole request, this header included.</summary>
    [FieldOffset(0)] public uint Len;
    [FieldOffset(4)] public FuseOpcode Opcode;
    /// <summary>Names the request until it is answered; bit 0 marks an INTERRUPT, bit 63 a resent request.</summary>
    [FieldOffset(8)] public ulong Unique;
    [FieldOffset(16)] public ulong NodeId;
    /// <summary>File system uid of the caller, in the user namespace of the server.</summary>
    [FieldOffset(24)] public uint Uid;
    [FieldOffset(28)] public uint Gid;
    /// <summary>The calling <i>thread</i>, in the server's pid namespace; 0 if it is not visible there.</summary>
    [FieldOffset(32)] public uint Pid;
    /// <summary>7.38: length of the extensions behind the arguments, in units of 8 bytes.</summary>
    [FieldOffset(36)] public ushort TotalExtLen;
    [FieldOffset(38)] public ushort Padding;
}

/// <summary>Opens every answer and notification: <c>fuse_out_header</c>, 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseOutHeader
{
    /// <summary>Bytes of the whole message, this header included.</summary>
    [FieldOffset(0)] public uint Len;
    /// <summary>0, or -errno down to -511; for a notification its code.</summary>
    [FieldOffset(4)] public int Error;
    /// <summary>That of the request; 0 for a notification.</summary>
    [FieldOffset(8)] public ulong Unique;
}

/// <summary>INIT request, <c>fuse_init_in</c>: 64 bytes since 7.36, the first 16 before.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct FuseInitIn
{
    [FieldOffset(0)] public uint Major;
    [FieldOffset(4)] public uint Minor;
    [FieldOffset(8)] public uint MaxReadahead;
    [FieldOffset(12)] public uint Flags;
    /// <summary>7.36.</summary>
    [FieldOffset(16)] public uint Flags2;
}

/// <summary>INIT answer, <c>fuse_init_out</c>: 64 bytes since 7.23, 24 since 7.5, 8 before.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct FuseInitOut
{
    [FieldOffset(0)] public uint Major;
    [FieldOffset(4)] public uint Minor;
    [FieldOffset(8)] public uint MaxReadahead;
    [FieldOffset(12)] public uint Flags;
    /// <summary>7.13: how many requests may be under way that nobody waits for; RELEASE is one.</summary>
    [FieldOffset(16)] public ushort MaxBackground;
    /// <summary>7.13.</summary>
    [FieldOffset(18)] public ushort CongestionThreshold;
    /// <summary>7.5: most bytes of one WRITE.</summary>
    [FieldOffset(20)] public uint MaxWrite;
    /// <summary>7.23: granularity of times, ns.</summary>
    [FieldOffset(24)] public uint TimeGran;
    /// <summary>7.28: most pages of one request.</summary>
    [FieldOffset(28)] public ushort MaxPages;
    /// <summary>7.31.</summary>
    [FieldOffset(30)] public ushort MapAlignment;
    /// <summary>7.36.</summary>
    [FieldOffset(32)] public uint Flags2;
    /// <summary>7.40: how deep backing files may themselves be stacked, 1 or 2; needed for passthrough.</summary>
    [FieldOffset(36)] public uint MaxStackDepth;
    /// <summary>7.43: seconds.</summary>
    [FieldOffset(40)] public ushort RequestTimeout;
}

/// <summary>Attributes of a node, <c>fuse_attr</c>, 88 bytes (7.9).</summary>
[StructLayout(LayoutKind.Explicit, Size = 88)]
public struct FuseAttr
{
    [FieldOffset(0)] public ulong Ino;
    [FieldOffset(8)] public ulong Size;
    /// <summary>Units of 512 bytes.</summary>
    [FieldOffset(16)] public ulong Blocks;
    [FieldOffset(24)] public ulong ATime;
    [FieldOffset(32)] public ulong MTime;
    [FieldOffset(40)] public ulong CTime;
    [FieldOffset(48)] public uint ATimeNsec;
    [FieldOffset(52)] public uint MTimeNsec;
    [FieldOffset(56)] public uint CTimeNsec;
    /// <summary>File type and permissions, inode(7).</summary>
    [FieldOffset(60)] public uint Mode;
    [FieldOffset(64)] public uint NLink;
    [FieldOffset(68)] public uint Uid;
    [FieldOffset(72)] public uint Gid;
    [FieldOffset(76)] public uint RDev;
    /// <summary>7.9.</summary>
    [FieldOffset(80)] public uint BlkSize;
    /// <summary>7.32.</summary>
    [FieldOffset(84)] public FuseAttrFlags Flags;
}

/// <summary>Answer to LOOKUP and MKNOD, <c>fuse_entry_out</c>, 128 bytes (7.9). A node id of 0 with a timeout is a cached "no such name".</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct FuseEntryOut
{
    [FieldOffset(0)] public ulong NodeId;
    [FieldOffset(8)] public ulong Generation;
    /// <summary>Seconds the name may be cached.</summary>
    [FieldOffset(16)] public ulong EntryValid;
    /// <summary>Seconds the attributes may be cached.</summary>
    [FieldOffset(24)] public ulong AttrValid;
    [FieldOffset(32)] public uint EntryValidNsec;
    [FieldOffset(36)] public uint AttrValidNsec;
    [FieldOffset(40)] public FuseAttr Attr;
}

/// <summary>Answer to GETATTR and SETATTR, <c>fuse_attr_out</c>, 104 bytes (7.9).</summary>
[StructLayout(LayoutKind.Explicit, Size = 104)]
public struct FuseAttrOut
{
    /// <summary>Seconds the attributes may be cached.</summary>
    [FieldOffset(0)] public ulong AttrValid;
    [FieldOffset(8)] public uint AttrValidNsec;
    [FieldOffset(12)] public uint Dummy;
    [FieldOffset(16)] public FuseAttr Attr;
}

/// <summary>File system statistics, <c>fuse_kstatfs</c>, 80 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 80)]
public struct FuseKStatFs
{
    [FieldOffset(0)] public ulong Blocks;
    [FieldOffset(8)] public ulong BFree;
    [FieldOffset(16)] public ulong BAvail;
    [FieldOffset(24)] public ulong Files;
    [FieldOffset(32)] public ulong FFree;
    [FieldOffset(40)] public uint BSize;
    [FieldOffset(44)] public uint NameLen;
    [FieldOffset(48)] public uint FrSize;
}

/// <summary>FORGET, <c>fuse_forget_in</c>, 8 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FuseForgetIn
{
    [FieldOffset(0)] public ulong NLookup;
}

/// <summary>One entry of BATCH_FORGET, <c>fuse_forget_one</c>, 16 bytes (7.16).</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseForgetOne
{
    [FieldOffset(0)] public ulong NodeId;
    [FieldOffset(8)] public ulong NLookup;
}

/// <summary>BATCH_FORGET, <c>fuse_batch_forget_in</c>, 8 bytes, followed by the entries (7.16).</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FuseBatchForgetIn
{
    [FieldOffset(0)] public uint Count;
    [FieldOffset(4)] public uint Dummy;
}

/// <summary>GETATTR, <c>fuse_getattr_in</c>, 16 bytes (7.9).</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseGetAttrIn
{
    [FieldOffset(0)] public FuseGetAttrFlags Flags;
    [FieldOffset(4)] public uint Dummy;
    [FieldOffset(8)] public ulong Fh;
}

/// <summary>SETATTR, <c>fuse_setattr_in</c>, 88 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 88)]
public struct FuseSetAttrIn
{
    [FieldOffset(0)] public FuseSetAttrFields Valid;
    [FieldOffset(4)] public uint Padding;
    [FieldOffset(8)] public ulong Fh;
    [FieldOffset(16)] public ulong Size;
    [FieldOffset(24)] public ulong LockOwner;
    [FieldOffset(32)] public ulong ATime;
    [FieldOffset(40)] public ulong MTime;
    [FieldOffset(48)] public ulong CTime;
    [FieldOffset(56)] public uint ATimeNsec;
    [FieldOffset(60)] public uint MTimeNsec;
    [FieldOffset(64)] public uint CTimeNsec;
    [FieldOffset(68)] public uint Mode;
    [FieldOffset(76)] public uint Uid;
    [FieldOffset(80)] public uint Gid;
}

/// <summary>MKNOD, <c>fuse_mknod_in</c>, 16 bytes, followed by the name (7.12).</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseMkNodIn
{
    [FieldOffset(0)] public uint Mode;
    [FieldOffset(4)] public uint RDev;
    [FieldOffset(8)] public uint Umask;
    [FieldOffset(12)] public uint Padding;
}

/// <summary>OPEN and OPENDIR, <c>fuse_open_in</c>, 8 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FuseOpenIn
{
    /// <summary>Those of open(2).</summary>
    [FieldOffset(0)] public uint Flags;
    /// <summary>7.33.</summary>
    [FieldOffset(4)] public uint OpenFlags;
}

/// <summary>Answer to OPEN and OPENDIR, <c>fuse_open_out</c>, 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseOpenOut
{
    [FieldOffset(0)] public ulong Fh;
    [FieldOffset(8)] public FuseOpenFlags OpenFlags;
    /// <summary>7.40.</summary>
    [FieldOffset(12)] public int BackingId;
}

/// <summary>RELEASE and RELEASEDIR, <c>fuse_release_in</c>, 24 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct FuseReleaseIn
{
    [FieldOffset(0)] public ulong Fh;
    /// <summary>Those of open(2).</summary>
    [FieldOffset(8)] public uint Flags;
    [FieldOffset(12)] public FuseReleaseFlags ReleaseFlags;
    [FieldOffset(16)] public ulong LockOwner;
}

/// <summary>FLUSH, <c>fuse_flush_in</c>, 24 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct FuseFlushIn
{
    [FieldOffset(0)] public ulong Fh;
    [FieldOffset(8)] public uint Unused;
    [FieldOffset(12)] public uint Padding;
    [FieldOffset(16)] public ulong LockOwner;
}

/// <summary>READ, READDIR and READDIRPLUS, <c>fuse_read_in</c>, 40 bytes (7.9).</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
public struct FuseReadIn
{
    [FieldOffset(0)] public ulong Fh;
    [FieldOffset(8)] public ulong Offset;
    [FieldOffset(16)] public uint Size;
    [FieldOffset(20)] public FuseReadFlags ReadFlags;
    [FieldOffset(24)] public ulong LockOwner;
    [FieldOffset(32)] public uint Flags;
    [FieldOffset(36)] public uint Padding;
}

/// <summary>WRITE, <c>fuse_write_in</c>, 40 bytes, followed by the data (7.9).</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
public struct FuseWriteIn
{
    [FieldOffset(0)] public ulong Fh;
    [FieldOffset(8)] public ulong Offset;
    [FieldOffset(16)] public uint Size;
    [FieldOffset(20)] public FuseWriteFlags WriteFlags;
    [FieldOffset(24)] public ulong LockOwner;
    [FieldOffset(32)] public uint Flags;
    [FieldOffset(36)] public uint Padding;
}

/// <summary>Answer to WRITE, <c>fuse_write_out</c>, 8 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FuseWriteOut
{
    [FieldOffset(0)] public uint Size;
    [FieldOffset(4)] public uint Padding;
}

/// <summary>FSYNC and FSYNCDIR, <c>fuse_fsync_in</c>, 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseFSyncIn
{
    [FieldOffset(0)] public ulong Fh;
    [FieldOffset(8)] public FuseFSyncFlags FSyncFlags;
    [FieldOffset(12)] public uint Padding;
}

/// <summary>ACCESS, <c>fuse_access_in</c>, 8 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FuseAccessIn
{
    /// <summary>Bits of access(2).</summary>
    [FieldOffset(0)] public uint Mask;
    [FieldOffset(4)] public uint Padding;
}

/// <summary>INTERRUPT, <c>fuse_interrupt_in</c>, 8 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FuseInterruptIn
{
    /// <summary>The request that is no longer wanted.</summary>
    [FieldOffset(0)] public ulong Unique;
}

/// <summary>IOCTL, <c>fuse_ioctl_in</c>, 32 bytes, followed by <c>in_size</c> bytes of the caller's memory (7.11; in_size and out_size since 7.16).</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct FuseIoctlIn
{
    [FieldOffset(0)] public ulong Fh;
    [FieldOffset(8)] public FuseIoctlFlags Flags;
    [FieldOffset(12)] public uint Cmd;
    /// <summary>The third argument of ioctl(2).</summary>
    [FieldOffset(16)] public ulong Arg;
    [FieldOffset(24)] public uint InSize;
    [FieldOffset(28)] public uint OutSize;
}

/// <summary>Answer to IOCTL, <c>fuse_ioctl_out</c>, 16 bytes, followed by at most <c>out_size</c> bytes (7.11).</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseIoctlOut
{
    /// <summary>What ioctl(2) returns, or -errno; the bytes behind it are copied out in either case.</summary>
    [FieldOffset(0)] public int Result;
    [FieldOffset(4)] public FuseIoctlFlags Flags;
    [FieldOffset(8)] public uint InIovs;
    [FieldOffset(12)] public uint OutIovs;
}

/// <summary>POLL, <c>fuse_poll_in</c>, 24 bytes (7.11; events since 7.21).</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct FusePollIn
{
    [FieldOffset(0)] public ulong Fh;
    /// <summary>Name of the waiting file for a POLL notification; stays the same while the file is open.</summary>
    [FieldOffset(8)] public ulong Kh;
    [FieldOffset(16)] public FusePollFlags Flags;
    /// <summary>Bits of poll(2) somebody is interested in.</summary>
    [FieldOffset(20)] public uint Events;
}

/// <summary>Answer to POLL, <c>fuse_poll_out</c>, 8 bytes (7.11).</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FusePollOut
{
    [FieldOffset(0)] public uint Revents;
    [FieldOffset(4)] public uint Padding;
}

/// <summary>LSEEK, <c>fuse_lseek_in</c>, 24 bytes (7.24). Only SEEK_DATA and SEEK_HOLE come here.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct FuseLSeekIn
{
    [FieldOffset(0)] public ulong Fh;
    [FieldOffset(8)] public ulong Offset;
    [FieldOffset(16)] public uint Whence;
    [FieldOffset(20)] public uint Padding;
}

/// <summary>Answer to LSEEK, <c>fuse_lseek_out</c>, 8 bytes (7.24).</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FuseLSeekOut
{
    [FieldOffset(0)] public ulong Offset;
}

/// <summary>Opens a directory entry, <c>fuse_dirent</c>, 24 bytes, followed by the name and zeros up to a multiple of 8.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct FuseDirent
{
    [FieldOffset(0)] public ulong Ino;
    /// <summary>Where to continue after this entry.</summary>
    [FieldOffset(8)] public ulong Off;
    [FieldOffset(16)] public uint NameLen;
    /// <summary>File type, the upper four bits of the mode (<c>DT_*</c>).</summary>
    [FieldOffset(20)] public uint Type;
}

/// <summary>Opens an entry of READDIRPLUS, <c>fuse_direntplus</c>, 152 bytes, followed by the name and zeros up to a multiple of 8 (7.21).</summary>
[StructLayout(LayoutKind.Explicit, Size = 152)]
public struct FuseDirentPlus
{
    [FieldOffset(0)] public FuseEntryOut Entry;
    [FieldOffset(128)] public FuseDirent Dirent;
}

/// <summary>POLL notification, <c>fuse_notify_poll_wakeup_out</c>, 8 bytes (7.11).</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct FuseNotifyPollOut
{
    [FieldOffset(0)] public ulong Kh;
}

/// <summary>INVAL_INODE, <c>fuse_notify_inval_inode_out</c>, 24 bytes (7.12).</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct FuseNotifyInvalInodeOut
{
    [FieldOffset(0)] public ulong NodeId;
    /// <summary>Negative: attributes only.</summary>
    [FieldOffset(8)] public long Offset;
    /// <summary>0 or negative: to the end.</summary>
    [FieldOffset(16)] public long Length;
}

/// <summary>INVAL_ENTRY, <c>fuse_notify_inval_entry_out</c>, 16 bytes, followed by the name and a NUL (7.12).</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseNotifyInvalEntryOut
{
    [FieldOffset(0)] public ulong Parent;
    /// <summary>Without the NUL.</summary>
    [FieldOffset(8)] public uint NameLen;
    /// <summary>7.38.</summary>
    [FieldOffset(12)] public FuseInvalEntryFlags Flags;
}

/// <summary>DELETE, <c>fuse_notify_delete_out</c>, 24 bytes, followed by the name and a NUL (7.18).</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct FuseNotifyDeleteOut
{
    [FieldOffset(0)] public ulong Parent;
    [FieldOffset(8)] public ulong Child;
    /// <summary>Without the NUL.</summary>
    [FieldOffset(16)] public uint NameLen;
    [FieldOffset(20)] public uint Padding;
}

/// <summary>STORE, <c>fuse_notify_store_out</c>, 24 bytes, followed by the data (7.15).</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct FuseNotifyStoreOut
{
    [FieldOffset(0)] public ulong NodeId;
    [FieldOffset(8)] public ulong Offset;
    [FieldOffset(16)] public uint Size;
    [FieldOffset(20)] public uint Padding;
}

/// <summary>RETRIEVE, <c>fuse_notify_retrieve_out</c>, 32 bytes (7.15).</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct FuseNotifyRetrieveOut
{
    [FieldOffset(0)] public ulong NotifyUnique;
    [FieldOffset(8)] public ulong NodeId;
    [FieldOffset(16)] public ulong Offset;
    [FieldOffset(24)] public uint Size;
    [FieldOffset(28)] public uint Padding;
}

/// <summary>Argument of the BACKING_OPEN device ioctl, <c>fuse_backing_map</c>, 16 bytes (7.40).</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct FuseBackingMap
{
    [FieldOffset(0)] public int Fd;
    /// <summary>Must be 0.</summary>
    [FieldOffset(4)] public uint Flags;
    /// <summary>Must be 0.</summary>
    [FieldOffset(8)] public ulong Padding;
}
