namespace Kdbus.Fuse.Wire;

/// <summary>
/// What a request asks for (<c>fuse_in_header.opcode</c>; numbers of <c>&lt;linux/fuse.h&gt;</c>). A number that is not here is still a
/// request that wants an answer: ENOSYS, which makes the kernel stop asking. The protocol minor version that brought an opcode is given where
/// it is later than 7.9, the oldest one still in use.
/// </summary>
public enum FuseOpcode : uint
{
    /// <summary>No request.</summary>
    None = 0,
    Lookup = 1,
    /// <summary>Has no reply.</summary>
    Forget = 2,
    GetAttr = 3,
    SetAttr = 4,
    ReadLink = 5,
    SymLink = 6,
    MkNod = 8,
    MkDir = 9,
    Unlink = 10,
    RmDir = 11,
    Rename = 12,
    Link = 13,
    Open = 14,
    Read = 15,
    Write = 16,
    StatFs = 17,
    Release = 18,
    FSync = 20,
    SetXAttr = 21,
    GetXAttr = 22,
    ListXAttr = 23,
    RemoveXAttr = 24,
    Flush = 25,
    Init = 26,
    OpenDir = 27,
    ReadDir = 28,
    ReleaseDir = 29,
    FSyncDir = 30,
    GetLock = 31,
    SetLock = 32,
    SetLockWait = 33,
    Access = 34,
    Create = 35,
    /// <summary>Has no reply, except EAGAIN ("ask again") and ENOSYS ("never ask").</summary>
    Interrupt = 36,
    BMap = 37,
    Destroy = 38,
    /// <summary>7.11.</summary>
    Ioctl = 39,
    /// <summary>7.11.</summary>
    Poll = 40,
    /// <summary>7.15. The answer to a RETRIEVE notification; has no reply.</summary>
    NotifyReply = 41,
    /// <summary>7.16. Has no reply.</summary>
    BatchForget = 42,
    /// <summary>7.19.</summary>
    FAllocate = 43,
    /// <summary>7.21.</summary>
    ReadDirPlus = 44,
    /// <summary>7.23.</summary>
    Rename2 = 45,
    /// <summary>7.24.</summary>
    LSeek = 46,
    /// <summary>7.28.</summary>
    CopyFileRange = 47,
    /// <summary>7.31.</summary>
    SetupMapping = 48,
    /// <summary>7.31.</summary>
    RemoveMapping = 49,
    /// <summary>7.34.</summary>
    SyncFs = 50,
    /// <summary>7.37.</summary>
    TmpFile = 51,
    /// <summary>7.39.</summary>
    Statx = 52,
    /// <summary>7.45.</summary>
    CopyFileRange64 = 53,
}

/// <summary>What a message without a request is about: the <c>error</c> field of an out header whose <c>unique</c> is 0.</summary>
public enum FuseNotifyCode
{
    /// <summary>7.11: wake the pollers of a poll handle.</summary>
    Poll = 1,
    /// <summary>7.12: drop attributes and cached pages of an inode.</summary>
    InvalInode = 2,
    /// <summary>7.12: drop a name.</summary>
    InvalEntry = 3,
    /// <summary>7.15: put bytes into the page cache.</summary>
    Store = 4,
    /// <summary>7.15: read bytes back from the page cache.</summary>
    Retrieve = 5,
    /// <summary>7.18: drop a name and tell its watchers that it was deleted.</summary>
    Delete = 6,
    /// <summary>7.41 (kernel 6.9): deliver again every request that was read and not answered.</summary>
    Resend = 7,
    /// <summary>7.44: make every cached name of the mount stale.</summary>
    IncEpoch = 8,
    /// <summary>7.45: drop unused inodes.</summary>
    Prune = 9,
}
