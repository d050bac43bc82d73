using System.Globalization;

namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>A control group of the machine, below the one that the tests are in, in the hierarchy whose paths are told.</summary>
internal sealed class ControlGroup : IControlGroup
{
    private static int s_made;

    private readonly string _directory;

    private ControlGroup(string directory, string path) => (_directory, Path) = (directory, path);

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>Makes one; null where that cannot be.</summary>
    public static ControlGroup? TryMake()
    {
        string[] own = Hierarchy(File.ReadAllText("/proc/self/cgroup"));
        if (MountPoint(own[1]) is not { } mount)
            return null;
        string name = $"kdbusfs-test-{Environment.ProcessId}-{Interlocked.Increment(ref s_made)}";
        string path = $"{own[2].TrimEnd('/')}/{name}";
        ControlGroup made = new(mount + path, path);
        try
        {
            Directory.CreateDirectory(made._directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        if (File.Exists(made.Members(".")))
            return made;
        made.Dispose();
        return null;
    }

    /// <summary>The path that is told, of the text of <c>/proc/PID/cgroup</c>.</summary>
    public static string PathIn(string groups) => Hierarchy(groups)[2];

    /// <inheritdoc/>
    public void Take(IProcess process) => File.WriteAllText(Members("."), process.Id.ToString(CultureInfo.InvariantCulture));

    /// <inheritdoc/>
    public void Dispose()
    {
        if (File.Exists(Members(".")))
        {
            foreach (string member in File.ReadAllLines(Members(".")))
                File.WriteAllText(Members(".."), member);
        }
        if (Directory.Exists(_directory))
            Directory.Delete(_directory);
    }

    private string Members(string at) => System.IO.Path.Combine(_directory, at, "cgroup.procs");

    /// <summary>Number, controllers and path of the legacy hierarchy with the lowest number, or of the unified one, which is number 0.</summary>
    private static string[] Hierarchy(string groups) => groups.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(static line => line.Split(':', 3))
        .OrderBy(static parts => int.Parse(parts[0], CultureInfo.InvariantCulture) is var number && number == 0 ? int.MaxValue : number)
        .First();

    /// <summary>Where a hierarchy is mounted as a whole.</summary>
    private static string? MountPoint(string controllers)
    {
        foreach (string line in File.ReadLines("/proc/self/mountinfo"))
        {
            string[] halves = line.Split(" - ");
            string[] mount = halves[0].Split(' ');
            string[] system = halves[1].Split(' ');
            bool fits = controllers.Length == 0
                ? system[0] == "cgroup2"
                : system[0] == "cgroup" && $",{system[2]},".Contains($",{controllers},", StringComparison.Ordinal);
            if (fits && mount[3] == "/")
                return mount[4];
        }
        return null;
    }
}
