using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>Why somebody cannot open an endpoint.</summary>
/// <param name="Reason">What keeps him out.</param>
/// <param name="Advice">What would let him in.</param>
internal sealed record Closed(string Reason, string Advice);

/// <summary>The way to an endpoint, as far as permissions of files and of the mount decide about it.</summary>
internal static class Entrance
{
    private const int Read = 4, Search = 1;
    private const string OpenBus = "make the bus with --world, or with --group for the group of its maker";

    /// <summary>What keeps somebody from opening an endpoint; null: nothing.</summary>
    public static Closed? WhyClosed(BusPlace bus, Asker who)
    {
        if (!LetsIn(bus.Domain, who.Uid))
        {
            return new Closed(
                $"the domain {bus.Domain} is mounted for its own user alone", "mount it with -o allow_other, which is the default for root");
        }
        if (who.Uid == 0)
            return null;
        for (string? directory = bus.Directory; directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (FileStatus.Of(directory, out FileStatus status) == 0 && !Allows(status, who, Search))
            {
                return new Closed(
                    $"the permissions of {directory} do not let {Users.NameOf(who.Uid)} in ({Mode(status)})",
                    directory == bus.Directory ? OpenBus : $"its owner, {Users.NameOf(status.Uid)}, can: chmod a+x {directory}");
            }
        }
        if (FileStatus.Of(bus.Endpoint, out FileStatus endpoint) == 0 && !Allows(endpoint, who, Read))
        {
            return new Closed(
                $"the permissions of {bus.Endpoint} do not let {Users.NameOf(who.Uid)} in ({Mode(endpoint)})",
                bus.EndpointName == BusPlace.DefaultEndpoint ? OpenBus : "make the endpoint with --world, or with --group for the group of its maker");
        }
        return null;
    }

    /// <summary>Whether permissions of a file let somebody do something: only the first class that he belongs to counts.</summary>
    internal static bool Allows(in FileStatus status, Asker who, int wanted)
    {
        int shift = status.Uid == who.Uid ? 6 : who.Groups.Contains(status.Gid) ? 3 : 0;
        return (status.Mode >> shift & wanted) == wanted;
    }

    private static bool LetsIn(string domain, uint uid)
    {
        if (Mounts.Find(domain, out MountInfo? mount) <= 0 || mount is null)
            return true; // shown from elsewhere, by a bind mount of a directory: the files decide
        return mount.SuperOptions.Split(',').Contains("allow_other", StringComparer.Ordinal) || mount.FuseOwner == uid;
    }

    private static string Mode(in FileStatus status) =>
        $"{(UnixFileMode)(status.Mode & 0xfff) switch { var mode => Letters(mode) }} {Users.NameOf(status.Uid)}:{Users.NameOfGroup(status.Gid)}";

    private static string Letters(UnixFileMode mode) =>
        string.Concat(Enumerable.Range(0, 9).Select(i => ((int)mode & (1 << (8 - i))) == 0 ? '-' : "rwx"[i % 3]));
}
