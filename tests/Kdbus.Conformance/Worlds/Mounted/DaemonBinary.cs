namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>
/// Which <c>kdbusfs</c> is put to the test: the one that KDBUSFS_BIN names, else the newest that a build has left in this tree. The tests build
/// none themselves, so that what is tested is what was built.
/// </summary>
internal static class DaemonBinary
{
    private const string Name = "kdbusfs";

    private static readonly Lazy<string> s_path = new(Find);

    /// <summary>The path of the binary.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string Path => s_path.Value;

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("KDBUSFS_BIN") is { Length: > 0 } named)
            return File.Exists(named) ? named : throw new FileNotFoundException($"KDBUSFS_BIN names {named}, which does not exist.");
        string root = RepositoryRoot();
        string[] places = [System.IO.Path.Combine(root, "artifacts"), System.IO.Path.Combine(root, "src", "Kdbus.Daemon", "bin")];
        return places.Where(Directory.Exists)
            .SelectMany(static place => Directory.EnumerateFiles(place, Name, SearchOption.AllDirectories))
            .MaxBy(BuildTime)
            ?? throw new FileNotFoundException($"No {Name} in {string.Join(" or ", places)}: build src/Kdbus.Daemon, or set KDBUSFS_BIN.");
    }

    /// <summary>A build that is not native renews the library beside the launcher and leaves the launcher as it was.</summary>
    private static DateTime BuildTime(string path)
    {
        DateTime own = File.GetLastWriteTimeUtc(path);
        string library = path + ".dll";
        return File.Exists(library) && File.GetLastWriteTimeUtc(library) is var other && other > own ? other : own;
    }

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(at.FullName, "kdbusfs.slnx")))
                return at.FullName;
        }
        throw new DirectoryNotFoundException($"No kdbusfs.slnx above {AppContext.BaseDirectory}.");
    }
}
