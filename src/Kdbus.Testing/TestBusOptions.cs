using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Testing;

/// <summary>How a <see cref="TestBus"/> is to be. The default is right for most tests.</summary>
public sealed record TestBusOptions
{
    /// <summary>Where it is to be.</summary>
    public TestTransport Transport { get; init; }

    /// <summary>
    /// The time of the bus, by which requests time out and messages are stamped; null for that of the machine. A bus with a time of its own is in memory:
    /// of a mounted one the kernel's clocks are read.
    /// </summary>
    public TimeProvider? TimeProvider { get; init; }

    /// <summary>Name of the bus, behind the uid and a dash: letters, digits, and _ - . inside; together at most 63 characters.</summary>
    public string Name { get; init; } = "test";

    /// <summary>What every connection has to allow to be told about it; who does not is refused.</summary>
    public AttachFlags RequiredMetadata { get; init; }

    /// <summary>The form of bloom filters.</summary>
    public BloomParameters Bloom { get; init; } = new(64, 2);

    /// <summary>Whether the domain knows what goes beyond the interface of 2015; if not, it is as with the mount option <c>extensions=off</c>.</summary>
    public bool Extensions { get; init; } = true;
}
