using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>A domain, by where it is mounted.</summary>
/// <param name="Path">The mount point.</param>
internal sealed record MountedDomain(string Path)
{
    /// <summary>The file in the root of each domain with which buses are made.</summary>
    public const string Control = "control";

    private const string FileSystemType = "fuse.kdbusfs";

    /// <summary>The domains mounted where this process can see them; of several on one directory the one on top.</summary>
    public static IReadOnlyList<MountedDomain> All()
    {
        int error = Mounts.Read(out IReadOnlyList<MountInfo> mounts);
        if (error < 0)
            throw new CommandException(ExitCode.Refused, $"cannot read /proc/self/mountinfo: {SystemError.Describe(error)}");
        return [.. mounts.Where(static mount => mount.FileSystemType == FileSystemType && mount.Root == "/").Select(static mount => mount.MountPoint).Distinct(StringComparer.Ordinal).Select(static path => new MountedDomain(path))];
    }

    /// <summary>The domain that is meant: the one that was said, or the only one there is.</summary>
    /// <exception cref="CommandException">There is none, or more than one.</exception>
    public static MountedDomain Find(string? said)
    {
        if (said is not null)
        {
            string path = System.IO.Path.GetFullPath(said);
            return File.Exists(System.IO.Path.Combine(path, Control)) ? new MountedDomain(path)
                : throw new CommandException(ExitCode.NotFound, $"no kdbusfs domain is mounted on '{said}'", "'kdbusctl domains' shows what is mounted");
        }
        return All() switch
        {
            [var only] => only,
            [] => throw new CommandException(ExitCode.NoBus, "no kdbusfs domain is mounted here", "mount one: mkdir -p /tmp/kdbus && kdbusctl mount /tmp/kdbus"),
            var all => throw new CommandException(ExitCode.Usage, $"there are {all.Count} domains; which one?", $"say one with --domain: {string.Join(", ", all.Select(static domain => domain.Path))}"),
        };
    }

    /// <summary>Names of its buses; none if it cannot be read.</summary>
    public IReadOnlyList<string> Buses()
    {
        try
        {
            return [.. Directory.EnumerateDirectories(Path).Select(static path => System.IO.Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Names of the endpoints of one of its buses.</summary>
    public IReadOnlyList<string> Endpoints(string bus)
    {
        try
        {
            return [.. Directory.EnumerateFiles(System.IO.Path.Combine(Path, bus)).Select(static path => System.IO.Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
