namespace Kdbus.Fuse.Wire;

/// <summary>
/// The numbers of the FUSE protocol that belong to no structure (<c>&lt;linux/fuse.h&gt;</c>, kernel 6.18). We speak 7.45 and refuse a kernel older than
/// 7.31 (Linux 5.4): below that, requests have other sizes.
/// </summary>
public static class FuseProtocol
{
    public const uint Major = 7;
    public const uint Minor = 45;
    public const uint OldestMinor = 31;

    /// <summary>Node id of the root directory of the mount.</summary>
    public const ulong RootId = 1;

    /// <summary>Set in <see cref="FuseInHeader.Unique"/> of an INTERRUPT; requests proper have even numbers.</summary>
    public const ulong InterruptBit = 1;

    /// <summary>Set in <see cref="FuseInHeader.Unique"/> of a request that was delivered before and is delivered again after RESEND. It is part of the
    /// number: the answer carries it too.</summary>
    public const ulong ResentBit = 1UL << 63;

    /// <summary>The least size of a read buffer; besides, it must hold a header of 80 bytes and <c>max_write</c> bytes.</summary>
    public const int MinReadBuffer = 8192;

    public const int InHeaderSize = 40;
    public const int OutHeaderSize = 16;

    /// <summary>The largest error number an out header may carry; above it are the kernel's internal restart codes.</summary>
    public const int MaxError = 511;

    /// <summary>Directory entries start at multiples of this.</summary>
    public const int DirentAlignment = 8;

    /// <summary>The longest name the kernel passes on, in bytes without the NUL (PATH_MAX - 1 since Linux 6.16, 1024 before).</summary>
    public const int NameMax = 4095;

    /// <summary><c>_IOR(229, 0, u32)</c>: attach this /dev/fuse descriptor to the connection of another.</summary>
    public const uint DevIocClone = 0x8004E500;

    /// <summary><c>_IOW(229, 1, struct fuse_backing_map)</c>: register a file for passthrough; returns its id.</summary>
    public const uint DevIocBackingOpen = 0x4010E501;

    /// <summary><c>_IOW(229, 2, u32)</c>: forget a registered file.</summary>
    public const uint DevIocBackingClose = 0x4004E502;

    /// <summary>The most bytes one ioctl can carry inline in each direction (14 bits of the command are the size).</summary>
    public const int IoctlMaxSize = 16383;
}
