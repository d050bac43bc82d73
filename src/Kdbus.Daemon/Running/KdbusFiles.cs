using System.Collections.Concurrent;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// Tells files of kdbusfs from all others, which may use the same ioctl numbers. Nobody who serves a file system is asked: what counts is its type,
/// found once for each mount.
/// </summary>
internal sealed class KdbusFiles
{
    private readonly ConcurrentDictionary<(ulong Mount, uint Major, uint Minor), bool> _known = new();

    /// <summary>Whether an open file of ours, which a caller has too, is on a kdbusfs.</summary>
    internal bool Contain(int file, Caller caller)
    {
        if (FileStatus.PlaceOf(file, out FileStatus place) < 0)
            return false;
        var key = (place.Mount, place.DeviceMajor, place.DeviceMinor);
        if (_known.TryGetValue(key, out bool known))
            return known;
        // The caller sees it, or we do, or it has been taken out of the tree and was never met before: then it is left alone.
        MountInfo? mount = Find(caller.Mounts(), place);
        if (mount is null && Linux.Mounts.Read(out IReadOnlyList<MountInfo> ours) == 0)
            mount = Find(ours, place);
        return mount is not null && (_known[key] = mount.FileSystemType == Mounting.MountPoint.FileSystemType);
    }

    private static MountInfo? Find(IReadOnlyList<MountInfo> mounts, in FileStatus place)
    {
        foreach (MountInfo mount in mounts)
        {
            if (mount.DeviceMajor == place.DeviceMajor && mount.DeviceMinor == place.DeviceMinor)
                return mount;
        }
        return null;
    }
}
