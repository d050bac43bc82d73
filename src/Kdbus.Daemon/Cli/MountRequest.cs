namespace Kdbus.Daemon.Cli;

/// <summary>How log lines look.</summary>
public enum LogFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,

    /// <summary>With the priority prefixes the journal understands.</summary>
    Systemd,
}

/// <summary>A command to mount, from whichever of the command line's forms it came. Nothing of it is checked yet but the form.</summary>
public sealed record MountRequest
{
    /// <summary>The mount point, as given.</summary>
    public required string Directory { get; init; }

    /// <summary>What was given after each <c>-o</c>.</summary>
    public IReadOnlyList<string> OptionLists { get; init; } = [];

    /// <summary>Whether this process itself serves, instead of one in the background.</summary>
    public bool Foreground { get; init; }

    /// <summary>Whether every request is logged.</summary>
    public bool Debug { get; init; }

    /// <summary>How log lines look.</summary>
    public LogFormat LogFormat { get; init; }

    /// <summary>Where log lines go; null: standard error in the foreground, nowhere in the background.</summary>
    public string? LogFile { get; init; }

    /// <summary>Whether unknown mount options are passed over.</summary>
    public bool IgnoreUnknownOptions { get; init; }

    /// <summary>Whether to check everything and mount nothing.</summary>
    public bool Fake { get; init; }

    /// <summary>Whether to tell on standard output what is served, once it is served in the background.</summary>
    public bool Tells { get; init; }

    /// <summary>The descriptor to write the name of the profile to when serving, in a background process; -1 in any other.</summary>
    public int ReadyDescriptor { get; init; } = -1;
}
