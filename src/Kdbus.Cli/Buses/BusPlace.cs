using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>Where a bus is, and through which endpoint it is talked to.</summary>
/// <param name="Domain">Where the domain is mounted.</param>
/// <param name="Bus">Name of the bus: its owner's uid, a dash, and what it is called.</param>
/// <param name="EndpointName">Name of the endpoint, <c>bus</c> unless a custom one was asked for.</param>
internal sealed record BusPlace(string Domain, string Bus, string EndpointName)
{
    /// <summary>What the default endpoint of every bus is called.</summary>
    public const string DefaultEndpoint = "bus";

    /// <summary>The variable that names the bus to talk to when the command line does not.</summary>
    public const string Variable = "KDBUSCTL_BUS";

    /// <summary>The directory of the bus.</summary>
    public string Directory => Path.Combine(Domain, Bus);

    /// <summary>The file to open.</summary>
    public string Endpoint => Path.Combine(Directory, EndpointName);

    /// <summary>The bus that is meant.</summary>
    /// <param name="said">A path, a D-Bus address, or a name; null: what the environment says, or the only bus of all mounted domains.</param>
    /// <exception cref="CommandException">There is no such bus, or more than one.</exception>
    public static BusPlace Find(string? said)
    {
        said ??= Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable ? variable : null;
        if (said is null)
            return TheOnlyOne();
        if (said.StartsWith('/') || said.StartsWith('.') || said.Contains(':'))
            return OfPath(said);
        string[] parts = said.Split('/');
        if (parts.Length <= 2 && WithName(parts[0], parts.Length == 2 ? parts[1] : DefaultEndpoint) is { } found)
            return found;
        return Path.Exists(said) ? OfPath(said) : throw NoSuchBus(said);
    }

    /// <summary>All buses of all domains that this process sees.</summary>
    public static IReadOnlyList<BusPlace> All() => [.. MountedDomain.All().SelectMany(static domain => domain.Buses().Select(bus => new BusPlace(domain.Path, bus, DefaultEndpoint)))];

    private static BusPlace OfPath(string said)
    {
        string path = Path.GetFullPath(BusAddress.Parse(said)[0]);
        if (System.IO.Directory.Exists(path))
            path = Path.Combine(path, DefaultEndpoint);
        string? bus = Path.GetDirectoryName(path), domain = Path.GetDirectoryName(bus);
        // A domain was given: the only bus in it.
        if (bus is not null && File.Exists(Path.Combine(bus, MountedDomain.Control)) && Path.GetFileName(path) == DefaultEndpoint)
            return Single([.. new MountedDomain(bus).Buses().Select(name => new BusPlace(bus, name, DefaultEndpoint))], $"in the domain {bus}");
        // Whether the endpoint is there, opening it tells: a bus of somebody else does not let its files be seen.
        if (domain is null || !System.IO.Directory.Exists(bus) || !File.Exists(Path.Combine(domain, MountedDomain.Control)))
            throw NoSuchBus(said);
        return new BusPlace(domain, Path.GetFileName(bus!), Path.GetFileName(path));
    }

    private static BusPlace? WithName(string name, string endpoint)
    {
        List<BusPlace> found = [.. All().Where(bus => bus.Bus == name || WithoutUid(bus.Bus) == name)];
        // Two domains can have a bus of the same name.
        if (found.Count > 1)
            throw Ambiguous(found, $"called {name}");
        return found is [var only] ? only with { EndpointName = endpoint } : null;
    }

    private static BusPlace TheOnlyOne()
    {
        if (MountedDomain.All().Count == 0)
            throw new CommandException(ExitCode.NoBus, "no kdbusfs domain is mounted here", "mount one: mkdir -p /tmp/kdbus && kdbusctl mount /tmp/kdbus");
        return Single(All(), "");
    }

    private static BusPlace Single(IReadOnlyList<BusPlace> buses, string where) => buses switch
    {
        [var only] => only,
        [] => throw new CommandException(ExitCode.NoBus, $"there is no bus {where}".TrimEnd(), "make one: kdbusctl bus make demo"),
        _ => throw Ambiguous(buses, where),
    };

    private static CommandException Ambiguous(IReadOnlyList<BusPlace> buses, string which) =>
        new(ExitCode.Usage, $"there are {buses.Count} buses {which}".TrimEnd() + "; which one?", $"say one with --bus or ${Variable}: {string.Join(", ", buses.Select(static bus => bus.Directory))}");

    private static CommandException NoSuchBus(string said)
    {
        IReadOnlyList<BusPlace> all = All();
        return new CommandException(
            ExitCode.NotFound,
            $"there is no bus '{said}'",
            all.Count == 0 ? "make one: kdbusctl bus make demo" : $"there are: {string.Join(", ", all.Select(static bus => bus.Directory))}");
    }

    private static string WithoutUid(string bus) => bus[(bus.IndexOf('-', StringComparison.Ordinal) + 1)..];
}
