using System.Globalization;
using Kdbus.Daemon.Cli;
using Kdbus.Linux;

namespace Kdbus.Daemon.Mounting;

/// <summary>
/// One mounted kdbusfs: made by mount(2) where this process may do that (root, or root of a user namespace), else by fusermount3; taken
/// away by the same means. It knows its FUSE connection's number, so that it never unmounts what somebody else has meanwhile mounted in the
/// same place.
/// </summary>
public sealed class FuseMount
{
    private const string FuseDevice = "/dev/fuse";
    private const string ConfigurationFile = "/etc/fuse.conf";
    private const MountFlags Flags = MountFlags.NoSuid | MountFlags.NoDevices | MountFlags.NoExec;

    private readonly uint _connection;
    private readonly bool _direct;

    private FuseMount(string path, int descriptor, uint connection, bool direct)
        => (Path, Descriptor, _connection, _direct) = (path, descriptor, connection, direct);

    /// <summary>Absolute path of the mount point.</summary>
    public string Path { get; }

    /// <summary>The mount's /dev/fuse descriptor. Whoever serves the mount owns it.</summary>
    public int Descriptor { get; }

    /// <summary>Mounts a kdbusfs. Nothing serves it yet: until the kernel's INIT is answered everybody who touches it waits.</summary>
    /// <param name="path">Absolute path of the mount point.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="mount">The result, if null is returned.</param>
    public static Failure? Create(string path, MountSettings options, out FuseMount? mount)
    {
        mount = null;
        if (KernelVersion.Check(Environment.OSVersion.Version, options.Server.Profile) is { } tooOld)
            return tooOld;

        bool direct = Credentials.HasCapability(Credentials.CapSysAdmin);
        Failure? failure = null;
        int descriptor = -1;
        if (direct)
        {
            failure = MountDirectly(path, options, out descriptor);
            // Having the capability does not mean that this mount namespace is ours to change.
            direct = failure is not { ExitCode: ExitCode.NotPermitted } || Fusermount.Find() is null;
        }
        if (!direct)
            failure = MountByFusermount(path, options, out descriptor);
        if (failure is not null)
            return failure;

        int found = Mounts.Find(path, out MountInfo? info);
        if (found <= 0)
        {
            _ = FileDescriptor.Close(descriptor);
            return found < 0
                ? new Failure(ExitCode.System, $"cannot read the list of mounts: {SystemError.Describe(found)}")
                : new Failure(ExitCode.System, $"'{path}' was unmounted at once by somebody else");
        }
        mount = new FuseMount(path, descriptor, info!.DeviceMinor, direct);
        return null;
    }

    /// <summary>Takes the mount out of the tree, lazily: who has files open keeps them. Null if done, or if it was gone already.</summary>
    public Failure? Unmount()
    {
        int found = Mounts.Find(Path, out MountInfo? info);
        if (found == 0 || info!.DeviceMinor != _connection)
            return null;
        return Unmount(Path, lazy: true, _direct);
    }

    /// <summary>Unmounts whatever is mounted on a path.</summary>
    /// <param name="path">Absolute path of the mount point.</param>
    /// <param name="lazy">Out of the tree at once, gone when no longer in use.</param>
    /// <param name="direct">By umount2(2) rather than fusermount3.</param>
    internal static Failure? Unmount(string path, bool lazy, bool direct)
    {
        if (direct)
        {
            int error = Mounts.Unmount(path, lazy);
            switch (-error)
            {
                case 0:
                    return null;
                case SystemError.EBUSY:
                    return new Failure(ExitCode.InUse, $"'{path}' is in use");
                case SystemError.EPERM when Fusermount.Find() is not null:
                    break;
                case SystemError.EPERM:
                    return new Failure(ExitCode.NotPermitted, $"unmounting '{path}' is not permitted");
                default:
                    return new Failure(ExitCode.System, $"cannot unmount '{path}': {SystemError.Describe(error)}");
            }
        }
        FusermountResult result = Fusermount.Unmount(path, lazy);
        if (result.Error == 0)
            return null;
        if (result.Error == -SystemError.ENOENT)
            return NoFusermount();
        bool busy = result.Message.Contains("busy", StringComparison.OrdinalIgnoreCase);
        return busy
            ? new Failure(ExitCode.InUse, $"'{path}' is in use")
            : new Failure(ExitCode.NotPermitted, $"unmounting '{path}' failed", Text(result));
    }

    internal static bool AllowsOthers(string configuration)
        => configuration.Split('\n').Any(line => line.Trim().Equals("user_allow_other", StringComparison.Ordinal));

    private static Failure? MountDirectly(string path, MountSettings options, out int descriptor)
    {
        descriptor = FileDescriptor.Open(FuseDevice, OpenFlags.ReadWrite);
        if (descriptor < 0)
        {
            return -descriptor switch
            {
                SystemError.ENOENT or SystemError.ENODEV or SystemError.ENXIO => NoFuse(),
                SystemError.EACCES or SystemError.EPERM => new Failure(ExitCode.NotPermitted, $"opening {FuseDevice} is not permitted"),
                _ => new Failure(ExitCode.System, $"cannot open {FuseDevice}: {SystemError.Describe(descriptor)}"),
            };
        }
        bool allowOther = options.AllowOther ?? Credentials.IsRoot;
        (uint uid, uint gid) = (Credentials.EffectiveUid, Credentials.EffectiveGid);
        string data = string.Create(
            CultureInfo.InvariantCulture, $"fd={descriptor},rootmode=40555,user_id={uid},group_id={gid},default_permissions");
        int error = Mounts.Mount(options.Source, path, MountPoint.FileSystemType, Flags, allowOther ? data + ",allow_other" : data);
        if (error == 0)
            return null;
        _ = FileDescriptor.Close(descriptor);
        descriptor = -1;
        return -error switch
        {
            SystemError.ENODEV => NoFuse(),
            SystemError.EPERM or SystemError.EACCES => new Failure(ExitCode.NotPermitted, $"mounting on '{path}' is not permitted"),
            SystemError.ENOENT => new Failure(ExitCode.NoDirectory, $"'{path}' does not exist any more"),
            _ => new Failure(ExitCode.System, $"cannot mount on '{path}': {SystemError.Describe(error)}"),
        };
    }

    private static Failure? MountByFusermount(string path, MountSettings options, out int descriptor)
    {
        descriptor = -1;
        if (!File.Exists(FuseDevice))
            return NoFuse();
        bool allowOther = options.AllowOther ?? false;
        if (allowOther && !Credentials.IsRoot && !AllowsOthers(ReadConfiguration()))
        {
            return new Failure(
                ExitCode.NotPermitted,
                "mount option 'allow_other' is not permitted to ordinary users on this machine",
                $"root can permit it with a line 'user_allow_other' in {ConfigurationFile}");
        }
        string mountOptions = $"fsname={MountOptions.Escape(options.Source)},subtype=kdbusfs,nosuid,nodev,noexec,default_permissions";
        FusermountResult result = Fusermount.Mount(path, allowOther ? mountOptions + ",allow_other" : mountOptions);
        descriptor = result.Descriptor;
        return result.Error switch
        {
            0 => null,
            -SystemError.ENOENT => NoFusermount(),
            -SystemError.EPERM => new Failure(ExitCode.NotPermitted, $"mounting on '{path}' failed", Text(result)),
            _ => new Failure(ExitCode.System, $"cannot run fusermount3: {SystemError.Describe(result.Error)}", Text(result)),
        };
    }

    private static string ReadConfiguration()
    {
        try
        {
            return File.ReadAllText(ConfigurationFile);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // What cannot be read permits nothing.
            return "";
        }
    }

    private static Failure NoFuse()
        => new(
            ExitCode.NoFuse,
            "the kernel offers no FUSE: there is no usable /dev/fuse",
            "load the module with 'modprobe fuse'; in a container, pass the device in");

    private static Failure NoFusermount()
        => new(
            ExitCode.NoFusermount, "fusermount3 is not installed, and without it only root can do this", "it comes with the package fuse3");

    private static string? Text(FusermountResult result) => result.Message.Length == 0 ? null : result.Message;
}
