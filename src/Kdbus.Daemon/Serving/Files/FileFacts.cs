using Kdbus.Daemon.Mounting;
using Kdbus.Engine.Files;
using Kdbus.Linux;

namespace Kdbus.Daemon.Serving.Files;

/// <summary>What a file is, as far as the rules for what may travel ask. Whoever serves it is not asked.</summary>
internal static class FileFacts
{
    /// <summary>Looks at our copy of a descriptor.</summary>
    /// <param name="descriptor">The copy.</param>
    /// <param name="isMemfd">Its size is wanted.</param>
    /// <param name="ownDevice">Minor number of the device that files of the mount report.</param>
    /// <param name="isServedByOthers">Whether a file lies on a FUSE mount that is not ours.</param>
    public static CopiedFile Of(int descriptor, bool isMemfd, uint ownDevice, Func<FileStatus, bool> isServedByOthers)
    {
        if ((FileDescriptor.GetFlags(descriptor) & OpenFlags.Path) != 0) return new CopiedFile(descriptor, SentFileKind.Path, IsServedByOthers: false);
        if (FileStatus.DeviceOf(descriptor, out var status) < 0 || status.IsPipe) return new CopiedFile(descriptor, SentFileKind.Other, IsServedByOthers: false);
        if (status.IsSocket)
        {
            var kind = DescriptorSocket.IsUnix(descriptor) ? SentFileKind.UnixSocket : SentFileKind.Other;
            return new CopiedFile(descriptor, kind, IsServedByOthers: false);
        }

        var seals = MemFd.GetSeals(descriptor);
        if (seals >= 0)
        {
            var size = isMemfd ? MemFd.Length(descriptor) : 0;
            return new CopiedFile(descriptor, SentFileKind.Other, IsServedByOthers: false) { Seals = seals, Size = (ulong)Math.Max(size, 0) };
        }

        var servedByOthers = isServedByOthers(status);
        return new CopiedFile(descriptor, KindOf(status, ownDevice, servedByOthers), servedByOthers);
    }

    private static SentFileKind KindOf(in FileStatus status, uint ownDevice, bool servedByOthers)
    {
        if (!status.IsRegular || status.DeviceMajor != 0) return SentFileKind.Other;
        return status.DeviceMinor == ownDevice || (servedByOthers && IsDomain(status.DeviceMinor)) ? SentFileKind.Bus : SentFileKind.Other;
    }

    /// <summary>Whether another domain has this device; one that is mounted where we cannot see it is not recognized.</summary>
    private static bool IsDomain(uint device)
    {
        Mounts.Read(out var mounts);
        return mounts.Any(mount => mount.DeviceMinor == device && mount.FileSystemType == MountPoint.FileSystemType);
    }
}
