using Kdbus.Daemon.Mounting;
using Kdbus.Linux;

namespace Kdbus.Daemon.Cli;

/// <summary><c>kdbusfs unmount</c>: takes a kdbusfs out of the tree, and nothing but a kdbusfs. Its server ends when the last file is
/// closed.</summary>
internal static class UnmountCommand
{
    private const int MostNamed = 10;

    /// <returns>The exit code; what is wrong has been printed.</returns>
    internal static int Run(string directory, bool lazy)
        => Unmount(directory, lazy) is { } failure ? StandardError.Print(failure) : ExitCode.Success;

    private static Failure? Unmount(string directory, bool lazy)
    {
        if (MountPoint.Resolve(directory, out string path) is { } failure)
            return failure;
        int found = Mounts.Find(path, out MountInfo? mount);
        if (found < 0)
            return new Failure(ExitCode.System, $"cannot read the list of mounts: {SystemError.Describe(found)}");
        if (mount is null)
            return new Failure(ExitCode.NotKdbusfs, $"nothing is mounted on '{path}'");
        if (mount.FileSystemType != MountPoint.FileSystemType)
            return new Failure(ExitCode.NotKdbusfs, $"a {mount.FileSystemType} file system is mounted on '{path}', not a kdbusfs");

        failure = FuseMount.Unmount(path, lazy, direct: Credentials.HasCapability(Credentials.CapSysAdmin));
        if (failure is not { ExitCode: ExitCode.InUse })
            return failure;
        IReadOnlyList<MountUser> users = MountUsers.Find(mount);
        string more = users.Count > MostNamed ? $" and {users.Count - MostNamed} more" : "";
        return failure with
        {
            Message = users.Count == 0 ? failure.Message : $"{failure.Message} by process {string.Join(", ", users.Take(MostNamed))}{more}",
            Hint = "end them, or use --lazy: the name is free at once, and open files go on working",
        };
    }
}
