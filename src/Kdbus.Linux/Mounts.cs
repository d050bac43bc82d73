namespace Kdbus.Linux;

/// <summary>Flags of mount(2) and umount2(2).</summary>
[Flags]
public enum MountFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>MS_RDONLY.</summary>
    ReadOnly = 1,

    /// <summary>MS_NOSUID: set-user-ID bits have no effect.</summary>
    NoSuid = 2,

    /// <summary>MS_NODEV: device files have no effect.</summary>
    NoDevices = 4,

    /// <summary>MS_NOEXEC: nothing can be executed.</summary>
    NoExec = 8,

    /// <summary>MS_SYNCHRONOUS.</summary>
    Synchronous = 16,

    /// <summary>MS_DIRSYNC.</summary>
    DirectorySynchronous = 128,

    /// <summary>MS_NOATIME: access times are not updated.</summary>
    NoAccessTime = 1024,

    /// <summary>MS_NODIRATIME: access times of directories are not updated.</summary>
    NoDirectoryAccessTime = 2048,

    /// <summary>MS_BIND: show an existing directory here too.</summary>
    Bind = 4096,

    /// <summary>MS_REC: with everything mounted below.</summary>
    Recursive = 16384,

    /// <summary>MS_PRIVATE: mounts do not propagate to or from other namespaces.</summary>
    Private = 1 << 18,

    /// <summary>MS_RELATIME: access times are updated when older than the modification.</summary>
    RelativeAccessTime = 1 << 21,

    /// <summary>MS_STRICTATIME: access times are always updated.</summary>
    StrictAccessTime = 1 << 24,
}

/// <summary>mount(2), umount2(2) and the list of what is mounted. All need CAP_SYS_ADMIN in the user namespace that owns the mount
/// namespace, but reading does not.</summary>
public static unsafe class Mounts
{
    /// <summary>mount(2): 0 or -errno.</summary>
    /// <param name="source">Shown as the mount's source.</param>
    /// <param name="target">Directory to mount on.</param>
    /// <param name="type">File system type, such as <c>fuse.kdbusfs</c>.</param>
    /// <param name="flags">Flags.</param>
    /// <param name="data">Options of the file system itself, comma separated.</param>
    public static int Mount(string source, string target, string type, MountFlags flags, string data)
    {
        using var sourceText = new CString(source, stackalloc byte[CString.Room]);
        using var targetText = new CString(target, stackalloc byte[CString.Room]);
        using var typeText = new CString(type, stackalloc byte[CString.Room]);
        using var dataText = new CString(data, stackalloc byte[CString.Room]);
        if (!sourceText.IsValid || !targetText.IsValid || !typeText.IsValid || !dataText.IsValid)
            return -SystemError.EINVAL;
        fixed (byte* s = sourceText, t = targetText, y = typeText, d = dataText)
            return Libc.Result(Libc.Mount(s, t, y, (nuint)(uint)flags, d));
    }

    /// <summary>umount2(2): 0 or -errno (-EINVAL: not a mount point, -EBUSY: in use, -EPERM).</summary>
    /// <param name="target">The mount point; a symbolic link in its last part is not followed.</param>
    /// <param name="lazy">MNT_DETACH: out of the tree at once, gone when no longer in use.</param>
    public static int Unmount(string target, bool lazy = false)
    {
        using var text = new CString(target, stackalloc byte[CString.Room]);
        if (!text.IsValid)
            return -SystemError.EINVAL;
        fixed (byte* p = text)
            return Libc.Result(Libc.Umount2(p, 8 /* UMOUNT_NOFOLLOW */ | (lazy ? 2 : 0)));
    }

    /// <summary>What is mounted in this process' mount namespace, in mounting order: 0 and the list, or -errno.</summary>
    public static int Read(out IReadOnlyList<MountInfo> mounts)
        => Read(FileDescriptor.Open("/proc/self/mountinfo\0"u8, OpenFlags.ReadOnly), out mounts);

    /// <summary>What is mounted in the mount namespace of another thread, below its root: 0 and the list, or -errno.</summary>
    public static int Read(in ProcDirectory thread, out IReadOnlyList<MountInfo> mounts)
        => Read(thread.OpenFile("mountinfo\0"u8, OpenFlags.ReadOnly), out mounts);

    private static int Read(int fd, out IReadOnlyList<MountInfo> mounts)
    {
        mounts = [];
        if (fd < 0)
            return fd;
        byte[] text = new byte[16384];
        int length = ProcFile.ReadToEnd(fd, ref text);
        _ = FileDescriptor.Close(fd);
        if (length < 0)
            return length;
        if (!MountInfo.TryParseAll(text.AsSpan(0, length), out List<MountInfo> list))
            return -SystemError.EPROTO;
        mounts = list;
        return 0;
    }

    /// <summary>The topmost mount whose mount point is exactly this absolute path: 1 and the mount, 0 and null if there is none, or
    /// -errno.</summary>
    /// <param name="absolutePath">Without symbolic links and without a slash at the end (but <c>/</c> itself).</param>
    /// <param name="mount">The mount.</param>
    public static int Find(string absolutePath, out MountInfo? mount)
    {
        mount = null;
        int error = Read(out IReadOnlyList<MountInfo> mounts);
        if (error < 0)
            return error;
        foreach (MountInfo candidate in mounts)
        {
            if (candidate.MountPoint.Equals(absolutePath, StringComparison.Ordinal))
                mount = candidate;
        }
        return mount is null ? 0 : 1;
    }
}
