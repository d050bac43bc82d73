namespace Kdbus.Engine.Processes;

/// <summary>
/// From where a task looks at what it is told about processes: its namespaces and its root directory, as far as they were asked
/// for. What is not known is 0, and what would have to be told in its words is not told.
/// </summary>
public readonly record struct ReaderView
{
    /// <summary>The user namespace.</summary>
    public ulong UserNamespace { get; init; }

    /// <summary>How it names ids; null if as the domain does, with all ids.</summary>
    public IdMaps? Maps { get; init; }

    /// <summary>The pid namespace.</summary>
    public ulong PidNamespace { get; init; }

    /// <summary>The root directory.</summary>
    public RootDirectory Root { get; init; }
}

/// <summary>The processes that a HELLO names in its PIDS item, as its caller numbers them.</summary>
/// <param name="Found">Each number is 0 or that of a process.</param>
/// <param name="Process">Whom <c>pid</c> means; null for 0.</param>
/// <param name="Thread">Whom <c>tid</c> means; null for 0.</param>
/// <param name="Parent">Whom <c>ppid</c> means; null for 0.</param>
public readonly record struct NamedProcesses(bool Found, PidNumbers? Process, PidNumbers? Thread, PidNumbers? Parent);
