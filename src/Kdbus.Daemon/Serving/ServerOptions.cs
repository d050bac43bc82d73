using Kdbus.Abi;
using Kdbus.Engine;

namespace Kdbus.Daemon.Serving;

/// <summary>Which way of showing pools is asked for.</summary>
public enum ProfileChoice
{
    /// <summary>Passthrough where the kernel allows it, else the page cache.</summary>
    Auto,
    /// <summary>Passthrough or nothing.</summary>
    Passthrough,
    /// <summary>The page cache even where passthrough is allowed.</summary>
    PageCache,
}

/// <summary>What a mount can be told about how it is served.</summary>
public sealed record ServerOptions
{
    /// <summary>How clients' mappings of their pools work.</summary>
    public ProfileChoice Profile { get; init; }

    /// <summary>Log every FUSE request and answer.</summary>
    public bool Trace { get; init; }

    /// <summary>Where the domain says no.</summary>
    public DomainLimits Limits { get; init; } = new();

    /// <summary>What goes beyond the interface of 2015 can be used.</summary>
    public bool Extensions { get; init; } = true;

    /// <summary>Idle CPUs are kept awake while requests come quickly.</summary>
    public bool LowLatency { get; init; }

    /// <summary>Descriptors that the process may have; half of them may be those of messages.</summary>
    public long OpenFiles { get; init; } = 1024;

    /// <summary>Kinds of metadata that the domain lets through to begin with.</summary>
    public AttachFlags AttachMask { get; init; } = Domain.DefaultAttachMask;
}
