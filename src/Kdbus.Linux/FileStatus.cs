using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// What statx(2) says about a file (<c>struct statx</c>, 256 bytes): the only stat whose layout is the same on every architecture. Device
/// numbers come already taken apart into major and minor.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct FileStatus
{
    private const uint BasicStats = 0x7ff;

    /// <summary>Number of hard links.</summary>
    [FieldOffset(16)] public uint Links;

    /// <summary>Owner, as seen from this process' user namespace.</summary>
    [FieldOffset(20)] public uint Uid;

    /// <summary>Group, as seen from this process' user namespace.</summary>
    [FieldOffset(24)] public uint Gid;

    /// <summary>Type and permission bits, as in inode(7).</summary>
    [FieldOffset(28)] public ushort Mode;

    /// <summary>Inode number.</summary>
    [FieldOffset(32)] public ulong Inode;

    /// <summary>Size in bytes.</summary>
    [FieldOffset(40)] public ulong Size;

    /// <summary>Blocks of 512 bytes in use.</summary>
    [FieldOffset(48)] public ulong Blocks;

    /// <summary>For a device file, the major number of the device it is.</summary>
    [FieldOffset(128)] public uint SpecialMajor;

    /// <summary>For a device file, the minor number of the device it is.</summary>
    [FieldOffset(132)] public uint SpecialMinor;

    /// <summary>Major number of the device the file lies on.</summary>
    [FieldOffset(136)] public uint DeviceMajor;

    /// <summary>Minor number of the device the file lies on.</summary>
    [FieldOffset(140)] public uint DeviceMinor;

    /// <summary>The mount on which the file was found. From Linux 6.8 on no other mount gets this number until reboot.</summary>
    [FieldOffset(144)] public ulong Mount;

    // Which fields the kernel has filled in: STATX_* bits.
    [FieldOffset(0)] private uint _mask;

    /// <summary>Whether <see cref="Mode"/> says directory.</summary>
    public readonly bool IsDirectory => (Mode & 0xf000) == 0x4000;

    /// <summary>Status of an open file: 0 or -errno.</summary>
    public static unsafe int Of(int fd, out FileStatus status)
    {
        byte empty = 0;
        fixed (FileStatus* p = &status)
            return Libc.Result(Libc.Statx(fd, &empty, Libc.EmptyPath, BasicStats, p));
    }

    /// <summary>Whether <see cref="Mode"/> says regular file.</summary>
    public readonly bool IsRegular => (Mode & 0xf000) == 0x8000;

    /// <summary>Whether <see cref="Mode"/> says pipe.</summary>
    public readonly bool IsPipe => (Mode & 0xf000) == 0x1000;

    /// <summary>Whether <see cref="Mode"/> says socket.</summary>
    public readonly bool IsSocket => (Mode & 0xf000) == 0xc000;

    /// <summary>
    /// Only which device an open file lies on and of which type it is, and whoever serves its file system is not asked: what a FUSE server
    /// could delay or refuse is left out. 0, or -errno; the other fields are not filled in.
    /// </summary>
    public static unsafe int DeviceOf(int fd, out FileStatus status)
    {
        const uint Type = 0x1; // STATX_TYPE
        byte empty = 0;
        fixed (FileStatus* p = &status)
            return Libc.Result(Libc.Statx(fd, &empty, Libc.EmptyPath | Libc.DoNotSynchronize, Type, p));
    }

    internal static unsafe int DeviceOf(ReadOnlySpan<byte> terminatedPath, out FileStatus status)
    {
        fixed (byte* name = terminatedPath)
        fixed (FileStatus* p = &status)
            return Libc.Result(Libc.Statx(Libc.CurrentDirectory, name, Libc.DoNotSynchronize, 0, p));
    }

    internal static unsafe int OwnerOf(ReadOnlySpan<byte> terminatedPath, out FileStatus status)
    {
        const uint Owner = 0x8; // STATX_UID
        fixed (byte* name = terminatedPath)
        fixed (FileStatus* p = &status)
            return Libc.Result(Libc.Statx(Libc.CurrentDirectory, name, 0, Owner, p));
    }

    /// <summary>Status of the file a path leads to: 0 or -errno.</summary>
    /// <param name="path">The path.</param>
    /// <param name="status">Filled in when the result is 0.</param>
    /// <param name="followLink">False: a symbolic link at the end is itself the file meant.</param>
    public static unsafe int Of(string path, out FileStatus status, bool followLink = true)
    {
        using var text = new CString(path, stackalloc byte[CString.Room]);
        if (!text.IsValid)
        {
            status = default;
            return -SystemError.EINVAL;
        }
        fixed (byte* name = text)
        fixed (FileStatus* p = &status)
            return Libc.Result(Libc.Statx(Libc.CurrentDirectory, name, followLink ? 0 : Libc.SymlinkNoFollow, BasicStats, p));
    }

    /// <summary>
    /// Where the file is to which a path leads, without asking whoever serves its file system or having anything mounted: mount, device and
    /// inode. 0, or -errno (-EOPNOTSUPP before Linux 5.8, where the mount is not told); the other fields mean nothing.
    /// </summary>
    internal static int PlaceOf(ReadOnlySpan<byte> terminatedPath, out FileStatus status)
        => PlaceOf(Libc.CurrentDirectory, terminatedPath, Libc.NoAutomount, out status);

    /// <summary>As <see cref="PlaceOf(ReadOnlySpan{byte}, out FileStatus)"/>, of an open file.</summary>
    public static int PlaceOf(int fd, out FileStatus status) => PlaceOf(fd, "\0"u8, Libc.EmptyPath, out status);

    private static unsafe int PlaceOf(int directory, ReadOnlySpan<byte> terminatedPath, int flags, out FileStatus status)
    {
        const uint InodeNumber = 0x100, MountNumber = 0x1000, UniqueMountNumber = 0x4000; // STATX_INO, STATX_MNT_ID, STATX_MNT_ID_UNIQUE
        fixed (byte* name = terminatedPath)
        fixed (FileStatus* p = &status)
        {
            int error = Libc.Result(Libc.Statx(directory, name, flags | Libc.DoNotSynchronize, InodeNumber | UniqueMountNumber, p));
            if (error < 0)
                return error;
        }
        bool complete = (status._mask & InodeNumber) != 0 && (status._mask & (MountNumber | UniqueMountNumber)) != 0;
        return complete ? 0 : -SystemError.EOPNOTSUPP;
    }
}
