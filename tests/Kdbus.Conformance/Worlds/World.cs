using System.Globalization;
using Kdbus.Conformance.Worlds.Mounted;
using Kdbus.Conformance.Worlds.Simulated;
using Kdbus.Engine;

namespace Kdbus.Conformance.Worlds;

/// <summary>Opens worlds.</summary>
public static class World
{
    /// <summary>A fresh domain of the given kind, with the limits that a domain has by itself or with others.</summary>
    public static IWorld Open(WorldKind kind, DomainLimits? limits = null) => kind switch
    {
        WorldKind.Memory => new MemoryWorld(limits ?? new DomainLimits()),
        WorldKind.Mount => MountWorld.Open(kind, Options(limits)),
        WorldKind.PageCache => MountWorld.Open(kind, ["-o", "profile=page-cache", .. Options(limits)]),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static string[] Options(DomainLimits? limits)
    {
        DomainLimits usual = new();
        return limits is null
            ? []
            : [.. DomainLimits.Table
                .Where(limit => limit.Get(limits) != limit.Get(usual))
                .SelectMany(limit => (string[])["-o", string.Create(CultureInfo.InvariantCulture, $"{limit.Name}={limit.Get(limits)}")])];
    }
}
