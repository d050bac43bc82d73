using System.Globalization;
using Kdbus.Conformance.Worlds.Mounted;

namespace Kdbus.Hostile.Tests;

/// <summary>What the daemon holds at one moment, as /proc tells it.</summary>
/// <param name="Descriptors">Open descriptors, but for the next ones.</param>
/// <param name="ThreadDescriptors">Those that mean threads that have called lately. They come and go by themselves.</param>
/// <param name="PoolDescriptors">Those that are memfds of pools.</param>
/// <param name="Mappings">Mappings, of any kind.</param>
/// <param name="PoolMappings">Those of pools.</param>
/// <param name="PrivateBytes">Memory that would be free if it ended, page tables included.</param>
internal readonly record struct DaemonUse(
    int Descriptors, int ThreadDescriptors, int PoolDescriptors, int Mappings, int PoolMappings, long PrivateBytes)
{
    private const string PoolName = "/memfd:kdbus-pool";

    /// <summary>The daemon of a scene, now.</summary>
    public static DaemonUse Of(Scene scene) => Of(IdOf(scene));

    /// <summary>A daemon, now.</summary>
    public static DaemonUse Of(int pid)
    {
        // One that is closed while they are listed has no target any more, and is none.
        string[] links = [.. Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Select(static fd => new FileInfo(fd).LinkTarget).OfType<string>()];
        string[] maps = File.ReadAllLines($"/proc/{pid}/maps");
        int ofThreads = links.Count(IsOfThread);
        return new DaemonUse(
            links.Length - ofThreads, ofThreads, links.Count(IsPool), maps.Length, maps.Count(IsPool),
            Kilobytes($"/proc/{pid}/smaps_rollup", "Private_Clean:", "Private_Dirty:") + Kilobytes($"/proc/{pid}/status", "VmPTE:"));
    }

    /// <summary>The process that serves a scene.</summary>
    public static int IdOf(Scene scene) => ((MountWorld)scene.World).DaemonId;

    private static bool IsOfThread(string link) =>
        link.EndsWith("[pidfd]", StringComparison.Ordinal) || link.EndsWith("/ns/user", StringComparison.Ordinal);

    private static bool IsPool(string text) => text.Contains(PoolName, StringComparison.Ordinal);

    private static long Kilobytes(string file, params string[] fields) =>
        1024 * File.ReadLines(file)
            .Where(line => fields.Any(field => line.StartsWith(field, StringComparison.Ordinal)))
            .Sum(static line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture));
}
