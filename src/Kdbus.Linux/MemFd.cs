namespace Kdbus.Linux;

/// <summary>
/// memfd_create(2): anonymous files, the seals that make a promise about them irrevocable, and mappings of them. Descriptors and mappings
/// belong to whoever asked for them. Lengths and offsets are bytes.
/// </summary>
public static unsafe class MemFd
{
    /// <summary>F_SEAL_SEAL: no further seals.</summary>
    public const int SealSeal = 0x0001;

    /// <summary>F_SEAL_SHRINK: the size cannot become smaller.</summary>
    public const int SealShrink = 0x0002;

    /// <summary>F_SEAL_GROW: the size cannot become larger.</summary>
    public const int SealGrow = 0x0004;

    /// <summary>F_SEAL_WRITE: the content cannot change; refused with EBUSY while a writable mapping exists.</summary>
    public const int SealWrite = 0x0008;

    /// <summary>F_SEAL_FUTURE_WRITE: as <see cref="SealWrite"/>, but mappings that exist stay writable.</summary>
    public const int SealFutureWrite = 0x0010;

    /// <summary>F_SEAL_EXEC: the executable bits cannot change (Linux 6.3).</summary>
    public const int SealExec = 0x0020;

    /// <summary>A new empty file that can be sealed: its descriptor, or -errno.</summary>
    /// <param name="name">Shown in /proc as <c>/memfd:NAME</c>; at most 249 bytes, need not be unique.</param>
    public static int Create(string name)
    {
        using var text = new CString(name, stackalloc byte[CString.Room]);
        if (!text.IsValid)
            return -SystemError.EINVAL;
        fixed (byte* p = text)
            return Libc.Result(Libc.MemfdCreate(p, 0x1 /* MFD_CLOEXEC */ | 0x2 /* MFD_ALLOW_SEALING */));
    }

    /// <summary>ftruncate(2): 0 or -errno (-EPERM when sealed against it).</summary>
    public static int Truncate(int fd, long length) => Libc.Result(Libc.Ftruncate(fd, length));

    /// <summary>The file's size in bytes, or -errno.</summary>
    public static long Length(int fd)
    {
        int error = FileStatus.Of(fd, out FileStatus status);
        return error < 0 ? error : (long)status.Size;
    }

    /// <summary>fcntl(2) F_ADD_SEALS: 0 or -errno (-EPERM: sealed against sealing or not opened for writing, -EBUSY: writable mapping
    /// exists, -EINVAL: cannot be sealed).</summary>
    public static int AddSeals(int fd, int seals) => Libc.Result(Libc.Fcntl(fd, 1033, seals));

    /// <summary>fcntl(2) F_GET_SEALS: the seals, or -errno (-EINVAL: no file that can be sealed).</summary>
    public static int GetSeals(int fd) => Libc.Result(Libc.Fcntl(fd, 1034, 0));

    /// <summary>fallocate(2): reserves the range's pages so that writing there cannot fail for want of memory; grows the file if needed. 0
    /// or -errno.</summary>
    public static int Allocate(int fd, long offset, long length) => Libc.Result(Libc.Fallocate(fd, 0, offset, length));

    /// <summary>fallocate(2) with FALLOC_FL_PUNCH_HOLE: gives whole pages of the range back and reads as zero afterwards; the size stays. 0
    /// or -errno.</summary>
    public static int PunchHole(int fd, long offset, long length)
        => Libc.Result(Libc.Fallocate(fd, 0x01 /* KEEP_SIZE */ | 0x02 /* PUNCH_HOLE */, offset, length));

    /// <summary>Maps the file's beginning, shared: the address (page aligned, unmapped by the caller with <see cref="Unmap"/>), or
    /// -errno.</summary>
    public static nint Map(int fd, nuint length, bool writable)
        => Libc.Result(Libc.Mmap(0, length, writable ? 0x3 : 0x1, 0x1 /* MAP_SHARED */, fd, 0));

    /// <summary>munmap(2): 0 or -errno.</summary>
    public static int Unmap(nint address, nuint length) => Libc.Result(Libc.Munmap(address, length));

    /// <summary>
    /// madvise(2) MADV_POPULATE_WRITE: takes the page faults of a mapped range now, in one go. The range is widened to whole pages.
    /// 0 or -errno (-EINVAL on kernels before 5.14, where the faults just come later).
    /// </summary>
    public static int Prefault(nint address, nuint length)
    {
        nint page = Environment.SystemPageSize;
        nint start = address & ~(page - 1);
        return Libc.Result(Libc.Madvise(start, length + (nuint)(address - start), 23));
    }
}
