using Kdbus.Daemon.Serving;

namespace Kdbus.Daemon.Mounting;

/// <summary>What mount options and command line decide about one mount before there is one: how it appears, and how it is served.
/// Immutable.</summary>
public sealed record MountSettings
{
    /// <summary>Whether users other than the mounting one have access. Null: only if root mounts.</summary>
    public bool? AllowOther { get; init; }

    /// <summary>Shown as the source of the mount.</summary>
    public string Source { get; init; } = "kdbusfs";

    /// <summary>How it is served.</summary>
    public ServerOptions Server { get; init; } = new();
}
