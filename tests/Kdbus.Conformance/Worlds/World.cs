using Kdbus.Conformance.Worlds.Mounted;
using Kdbus.Conformance.Worlds.Simulated;

namespace Kdbus.Conformance.Worlds;

/// <summary>Opens worlds.</summary>
public static class World
{
    /// <summary>A fresh domain of the given kind.</summary>
    public static IWorld Open(WorldKind kind) => kind switch
    {
        WorldKind.Memory => new MemoryWorld(),
        WorldKind.Mount => MountWorld.Open(kind, []),
        WorldKind.PageCache => MountWorld.Open(kind, ["-o", "profile=page-cache"]),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
