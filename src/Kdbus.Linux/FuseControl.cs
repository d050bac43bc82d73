using System.Buffers.Text;
using System.Globalization;

namespace Kdbus.Linux;

/// <summary>
/// The FUSE control file system (fusectl): one directory per FUSE connection of the machine, named by the minor number of the device its
/// files report. Aborting a connection makes everything that waits for its server fail at once, so it is done only to a connection of the
/// very user who caused the wait. Needs privileges to abort others' connections. Thread safe.
/// </summary>
public sealed unsafe class FuseControl : IDisposable
{
    private const string MountedAt = "/sys/fs/fuse/connections";

    private int _directory;

    private FuseControl(int directory) => _directory = directory;

    /// <summary>
    /// Opens the control file system: where it is mounted, else a detached mount that nobody else sees (Linux 5.2, CAP_SYS_ADMIN).
    /// 0 and the control, or -errno of the latter attempt.
    /// </summary>
    public static int Open(out FuseControl? control)
    {
        int directory = OpenMounted();
        if (directory < 0)
            directory = OpenDetached();
        control = directory < 0 ? null : new FuseControl(directory);
        return Math.Min(directory, 0);
    }

    /// <summary>The user id of a connection's owner, or -errno (-ENOENT: no such connection).</summary>
    /// <param name="connection">The device minor number of the connection's files.</param>
    public long Owner(uint connection)
    {
        int fd = FileDescriptor.OpenAt(_directory, Name(connection, "waiting"), OpenFlags.Path);
        if (fd < 0)
            return fd;
        int error = FileStatus.Of(fd, out FileStatus status);
        _ = FileDescriptor.Close(fd);
        return error < 0 ? error : status.Uid;
    }

    /// <summary>How many requests of a connection wait for its server, being transferred or processed, or -errno.</summary>
    public long Waiting(uint connection)
    {
        int fd = FileDescriptor.OpenAt(_directory, Name(connection, "waiting"), OpenFlags.ReadOnly);
        if (fd < 0)
            return fd;
        Span<byte> text = stackalloc byte[32];
        int length = FileDescriptor.Read(fd, text);
        _ = FileDescriptor.Close(fd);
        if (length < 0)
            return length;
        return Utf8Parser.TryParse(text[..length], out long waiting, out _) ? waiting : -SystemError.EPROTO;
    }

    /// <summary>
    /// Aborts a connection if the given user owns it: 0, or -errno (-ENOENT: no such connection; -EPERM: it is somebody else's, and nothing
    /// was done).
    /// </summary>
    /// <param name="connection">The device minor number of the connection's files.</param>
    /// <param name="ownerUid">The user who must own it.</param>
    public int Abort(uint connection, uint ownerUid)
    {
        // Owner and abort are taken from the same open file: the number cannot change its meaning in between.
        int fd = FileDescriptor.OpenAt(_directory, Name(connection, "abort"), OpenFlags.WriteOnly);
        if (fd < 0)
            return fd;
        int error = FileStatus.Of(fd, out FileStatus status);
        if (error == 0)
            error = status.Uid == ownerUid ? FileDescriptor.Write(fd, "1"u8) : -SystemError.EPERM;
        _ = FileDescriptor.Close(fd);
        return Math.Min(error, 0);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int directory = Interlocked.Exchange(ref _directory, -1);
        if (directory >= 0)
            _ = FileDescriptor.Close(directory);
    }

    private static string Name(uint connection, string file) => string.Create(CultureInfo.InvariantCulture, $"{connection}/{file}");

    internal static int OpenMounted()
    {
        const long FuseControlType = 0x65735543; // FUSE_CTL_SUPER_MAGIC
        int directory = FileDescriptor.Open(MountedAt, OpenFlags.Path | OpenFlags.Directory);
        if (directory < 0)
            return directory;
        StatfsBuffer fileSystem;
        int error = Libc.Result(Libc.Fstatfs(directory, &fileSystem));
        if (error == 0 && fileSystem.Type == FuseControlType)
            return directory;
        // An empty directory of sysfs stands there while fusectl is not mounted.
        _ = FileDescriptor.Close(directory);
        return error < 0 ? error : -SystemError.ENOENT;
    }

    internal static int OpenDetached()
    {
        int context;
        fixed (byte* name = "fusectl\0"u8)
            context = (int)Libc.Result(Libc.Syscall(Libc.FsopenNumber, (nint)name, 1 /* FSOPEN_CLOEXEC */, 0, 0, 0));
        if (context < 0)
            return context;
        int directory = (int)Libc.Result(Libc.Syscall(Libc.FsconfigNumber, context, 6 /* FSCONFIG_CMD_CREATE */, 0, 0, 0));
        if (directory >= 0)
        {
            const int NoSuidNoDevicesNoExec = 0xe;
            directory = (int)Libc.Result(Libc.Syscall(Libc.FsmountNumber, context, 1 /* FSMOUNT_CLOEXEC */, NoSuidNoDevicesNoExec, 0, 0));
        }
        _ = FileDescriptor.Close(context);
        return directory;
    }
}
