namespace Kdbus.Fuse.Wire;

/// <summary>
/// What the kernel offers and the server accepts in INIT: 64 bits, the upper half of which travels in <c>flags2</c> and is there only when
/// <see cref="InitExt"/> is set (7.36).
/// </summary>
[Flags]
public enum FuseInitFlags : ulong
{
    None = 0,
    AsyncRead = 1UL << 0,
    PosixLocks = 1UL << 1,
    FileOps = 1UL << 2,
    AtomicOTrunc = 1UL << 3,
    ExportSupport = 1UL << 4,
    BigWrites = 1UL << 5,
    DontMask = 1UL << 6,
    SpliceWrite = 1UL << 7,
    SpliceMove = 1UL << 8,
    SpliceRead = 1UL << 9,
    FlockLocks = 1UL << 10,
    HasIoctlDir = 1UL << 11,
    AutoInvalData = 1UL << 12,
    DoReadDirPlus = 1UL << 13,
    ReadDirPlusAuto = 1UL << 14,
    AsyncDio = 1UL << 15,
    WritebackCache = 1UL << 16,
    NoOpenSupport = 1UL << 17,
    ParallelDirOps = 1UL << 18,
    HandleKillPriv = 1UL << 19,
    PosixAcl = 1UL << 20,
    AbortError = 1UL << 21,
    MaxPages = 1UL << 22,
    CacheSymlinks = 1UL << 23,
    NoOpenDirSupport = 1UL << 24,
    ExplicitInvalData = 1UL << 25,
    MapAlignment = 1UL << 26,
    SubMounts = 1UL << 27,
    HandleKillPrivV2 = 1UL << 28,
    SetXAttrExt = 1UL << 29,
    InitExt = 1UL << 30,
    InitReserved = 1UL << 31,
    SecurityCtx = 1UL << 32,
    HasInodeDax = 1UL << 33,
    CreateSuppGroup = 1UL << 34,
    HasExpireOnly = 1UL << 35,
    DirectIoAllowMmap = 1UL << 36,
    /// <summary>7.40, kernel 6.9: reads, writes and mappings of an open file may go to another file.</summary>
    Passthrough = 1UL << 37,
    /// <summary>7.40: file handles (name_to_handle_at(2)) are not for opening.</summary>
    NoExportSupport = 1UL << 38,
    /// <summary>7.41, kernel 6.9.</summary>
    HasResend = 1UL << 39,
    AllowIdmap = 1UL << 40,
    OverIoUring = 1UL << 41,
    /// <summary>7.43: the kernel aborts the connection when a request stays unanswered for too long. Poison for a bus, whose calls may wait for ever.</summary>
    RequestTimeout = 1UL << 42,
}

/// <summary>Answer to OPEN and OPENDIR: how the kernel treats this open file (<c>FOPEN_*</c>).</summary>
[Flags]
public enum FuseOpenFlags : uint
{
    None = 0,
    /// <summary>Reads and writes bypass the page cache.</summary>
    DirectIo = 1 << 0,
    /// <summary>Pages cached before this open stay valid.</summary>
    KeepCache = 1 << 1,
    /// <summary>lseek(2) fails with ESPIPE.</summary>
    NonSeekable = 1 << 2,
    /// <summary>7.28: entries of this directory may be cached.</summary>
    CacheDir = 1 << 3,
    /// <summary>7.31: no file position at all.</summary>
    Stream = 1 << 4,
    /// <summary>7.35: no FLUSH at close(2).</summary>
    NoFlush = 1 << 5,
    /// <summary>7.36: direct writes of one inode need not wait for each other.</summary>
    ParallelDirectWrites = 1 << 6,
    /// <summary>7.40: reads, writes and mappings go to the backing file of the reply.</summary>
    Passthrough = 1 << 7,
}

/// <summary>Which fields of a SETATTR are meant (<c>FATTR_*</c>).</summary>
[Flags]
public enum FuseSetAttrFields : uint
{
    None = 0,
    Mode = 1 << 0,
    Uid = 1 << 1,
    Gid = 1 << 2,
    Size = 1 << 3,
    ATime = 1 << 4,
    MTime = 1 << 5,
    Handle = 1 << 6,
    ATimeNow = 1 << 7,
    MTimeNow = 1 << 8,
    LockOwner = 1 << 9,
    CTime = 1 << 10,
    KillSuidGid = 1 << 11,
}

/// <summary>What is special about an IOCTL request, and about its answer (<c>FUSE_IOCTL_*</c>).</summary>
[Flags]
public enum FuseIoctlFlags : uint
{
    None = 0,
    /// <summary>The caller is a 32-bit program on a 64-bit kernel.</summary>
    Compat = 1 << 0,
    /// <summary>CUSE only.</summary>
    Unrestricted = 1 << 1,
    /// <summary>CUSE only.</summary>
    Retry = 1 << 2,
    /// <summary>Structures have their 32-bit layout.</summary>
    Is32Bit = 1 << 3,
    /// <summary>The file is a directory.</summary>
    Directory = 1 << 4,
    /// <summary>7.30: an x32 program: 32-bit pointers, 64-bit time.</summary>
    CompatX32 = 1 << 5,
}

/// <summary>What a POLL request wants besides the answer.</summary>
[Flags]
public enum FusePollFlags : uint
{
    None = 0,
    /// <summary>Somebody waits: send a POLL notification with the request's <c>kh</c> when the answer would change.</summary>
    ScheduleNotify = 1 << 0,
}

/// <summary>GETATTR: which fields of the request are meant.</summary>
[Flags]
public enum FuseGetAttrFlags : uint
{
    None = 0,
    /// <summary>The request comes from fstat(2) and names an open file.</summary>
    Handle = 1 << 0,
}

/// <summary>WRITE: where the bytes come from.</summary>
[Flags]
public enum FuseWriteFlags : uint
{
    None = 0,
    /// <summary>Written back from the page cache; file handle and caller are guesses.</summary>
    Cache = 1 << 0,
    LockOwner = 1 << 1,
    KillSuidGid = 1 << 2,
}

/// <summary>READ: which fields of the request are meant.</summary>
[Flags]
public enum FuseReadFlags : uint
{
    None = 0,
    LockOwner = 1 << 1,
}

/// <summary>RELEASE: what closing must also do.</summary>
[Flags]
public enum FuseReleaseFlags : uint
{
    None = 0,
    Flush = 1 << 0,
    FlockUnlock = 1 << 1,
}

/// <summary>FSYNC: how much to sync.</summary>
[Flags]
public enum FuseFSyncFlags : uint
{
    None = 0,
    /// <summary>fdatasync(2): data only.</summary>
    DataOnly = 1 << 0,
}

/// <summary>Flags inside <see cref="FuseAttr"/>.</summary>
[Flags]
public enum FuseAttrFlags : uint
{
    None = 0,
    SubMount = 1 << 0,
    Dax = 1 << 1,
}

/// <summary>What an INVAL_ENTRY notification does to the name.</summary>
[Flags]
public enum FuseInvalEntryFlags : uint
{
    /// <summary>The name is forgotten; a directory under it is cut off.</summary>
    None = 0,
    /// <summary>7.38: the name is only asked for again at the next use.</summary>
    ExpireOnly = 1 << 0,
}
