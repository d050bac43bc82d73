using Kdbus.Conformance.Worlds.Mounted;

namespace Kdbus.Conformance.Worlds;

/// <summary>Opens worlds.</summary>
public static class World
{
    /// <summary>A fresh domain of the given kind.</summary>
    public static IWorld Open(WorldKind kind) => kind switch
    {
        WorldKind.Mount => MountWorld.Open(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
