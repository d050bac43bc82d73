using System.Globalization;
using Kdbus.Conformance.Worlds.Mounted;
using Kdbus.Conformance.Worlds.Simulated;
using Kdbus.Daemon.Serving;
using Kdbus.Engine;

namespace Kdbus.Conformance.Worlds;

/// <summary>Opens worlds.</summary>
public static class World
{
    /// <summary>A fresh domain of the given kind, with the limits and the mask that a domain has by itself or with others.</summary>
    public static IWorld Open(WorldKind kind, ServerOptions options) => kind switch
    {
        WorldKind.Memory or WorldKind.MemoryByExchange => new MemoryWorld(kind, options),
        WorldKind.Mount or WorldKind.MountByExchange => MountWorld.Open(kind, OptionsOf(options)),
        WorldKind.PageCache => MountWorld.Open(kind, ["-o", "profile=page-cache", .. OptionsOf(options)]),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static string[] OptionsOf(ServerOptions options)
    {
        ServerOptions usual = new();
        IEnumerable<string> limits = DomainLimits.Table
            .Where(limit => limit.Get(options.Limits) != limit.Get(usual.Limits))
            .Select(limit => string.Create(CultureInfo.InvariantCulture, $"{limit.Name}={limit.Get(options.Limits)}"));
        IEnumerable<string> mask = options.AttachMask == usual.AttachMask ? [] : [$"attach-flags-mask=0x{(ulong)options.AttachMask:x}"];
        IEnumerable<string> flags = options.Extensions ? [] : ["extensions=off"];
        if (options.LowLatency)
            flags = flags.Append("low-latency");
        return [.. limits.Concat(mask).Concat(flags).SelectMany(option => (string[])["-o", option])];
    }
}
