using System.Text;
using Kdbus.Daemon.Cli;
using Kdbus.Linux;

namespace Kdbus.Daemon.Mounting;

/// <summary>
/// A directory something is or will be mounted on, found without asking the file system that is mounted there: a FUSE mount whose server is
/// dead or busy must be recognisable too, so the path is resolved with an O_PATH descriptor, which the file system does not get to see.
/// </summary>
public static class MountPoint
{
    /// <summary>The file system type of our mounts.</summary>
    public const string FileSystemType = "fuse.kdbusfs";

    /// <summary>The absolute path of an existing directory, without symbolic links.</summary>
    /// <param name="given">As given by the user.</param>
    /// <param name="path">The result, valid if null is returned.</param>
    public static Failure? Resolve(string given, out string path)
    {
        path = "";
        if (given.Length == 0)
            return new Failure(ExitCode.NoDirectory, "the directory's name is empty");
        int fd = FileDescriptor.Open(given, OpenFlags.Path | OpenFlags.Directory);
        if (fd < 0)
        {
            return -fd switch
            {
                SystemError.ENOENT => new Failure(ExitCode.NoDirectory, $"'{given}' does not exist"),
                SystemError.ENOTDIR => new Failure(ExitCode.NoDirectory, $"'{given}' is not a directory"),
                SystemError.EINVAL => new Failure(ExitCode.NoDirectory, $"'{given}' is not a valid path"),
                SystemError.EACCES or SystemError.EPERM => new Failure(ExitCode.NotPermitted, $"'{given}' is not accessible"),
                _ => new Failure(ExitCode.System, $"cannot open '{given}': {SystemError.Describe(fd)}"),
            };
        }
        byte[] target = new byte[4096];
        int length = ProcFile.ReadLink(Environment.ProcessId, Encoding.UTF8.GetBytes($"fd/{fd}"), target);
        _ = FileDescriptor.Close(fd);
        if (length < 0)
            return new Failure(ExitCode.System, $"cannot resolve '{given}': {SystemError.Describe(length)}");
        path = Encoding.UTF8.GetString(target, 0, length);
        return null;
    }

    /// <summary>Whether a kdbusfs can be mounted on a directory: null, or the FUSE file system that is there already.</summary>
    public static Failure? CheckFree(string path)
    {
        int found = Mounts.Find(path, out MountInfo? mount);
        if (found < 0)
            return new Failure(ExitCode.System, $"cannot read the list of mounts: {SystemError.Describe(found)}");
        if (mount is not { IsFuse: true })
            return null;
        return new Failure(
            ExitCode.AlreadyMounted,
            $"'{path}' is busy: a {mount.FileSystemType} file system is mounted there already",
            mount.FileSystemType == FileSystemType ? $"to replace it, run 'kdbusfs unmount {path}' first" : null);
    }
}
