using System.Text;

namespace Kdbus.Linux.Tests;

public sealed class MountTests
{
    [Fact]
    public void Every_field_of_a_mountinfo_line_is_found_and_unescaped()
    {
        Assert.True(MountInfo.TryParse(
            @"36 35 0:47 /a\040b /mnt/tab\011nl\012bs\134\134040x rw,noatime shared:1 master:2 - fuse.kdbusfs kd\043bus rw,user_id=1000"u8,
            out MountInfo? mount));
        Assert.Equal(
            new MountInfo(36, 35, 0, 47, "/a b", "/mnt/tab\tnl\nbs\\\\040x", "rw,noatime", "fuse.kdbusfs", "kd#bus", "rw,user_id=1000"),
            mount);
        Assert.True(mount.IsFuse);
        Assert.Equal(1000u, mount.FuseOwner);
    }

    [Theory]
    [InlineData(@"\04", @"\04")]
    [InlineData(@"\048", @"\048")]
    [InlineData(@"\400", @"\400")]
    [InlineData(@"\303\244", "ä")]
    [InlineData(@"x\", @"x\")]
    public void Only_three_octal_digits_are_an_escape(string field, string plain)
    {
        Assert.True(MountInfo.TryParse(Encoding.UTF8.GetBytes($"1 2 0:3 / {field} rw - tmpfs none rw"), out MountInfo? mount));
        Assert.Equal(plain, mount.MountPoint);
    }

    [Fact]
    public void Optional_fields_may_be_missing_and_the_source_empty()
    {
        Assert.True(MountInfo.TryParse("1 2 0:3 / /x rw - tmpfs  rw,size=1k"u8, out MountInfo? mount));
        Assert.Equal(("", "rw,size=1k"), (mount.Source, mount.SuperOptions));
        Assert.False(mount.IsFuse);
        Assert.Null(mount.FuseOwner);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x 2 0:3 / /x rw - tmpfs none rw")]
    [InlineData("1 2 03 / /x rw - tmpfs none rw")]
    [InlineData("1 2 0:3 / /x rw shared:1 tmpfs none rw")]
    [InlineData("1 2 0:3 / /x rw -")]
    public void A_malformed_line_is_refused(string line) => Assert.False(MountInfo.TryParse(Encoding.UTF8.GetBytes(line), out _));

    [Fact]
    public void The_mounts_of_this_process_are_listed()
    {
        Assert.Equal(0, Mounts.Read(out IReadOnlyList<MountInfo> mounts));
        Assert.Contains(mounts, mount => mount.MountPoint == "/proc" && mount.FileSystemType == "proc");
        Assert.Equal(1, Mounts.Find("/proc", out MountInfo? proc));
        Assert.Equal(0, FileStatus.Of("/proc", out FileStatus status));
        Assert.Equal((status.DeviceMajor, status.DeviceMinor), (proc!.DeviceMajor, proc.DeviceMinor));
        Assert.Equal(0, Mounts.Find("/proc/no such mount", out _));
    }

    [Fact]
    public void A_tmpfs_is_mounted_found_and_unmounted()
    {
        Assert.SkipUnless(Credentials.IsRoot && Credentials.HasCapability(Credentials.CapSysAdmin), "needs root");
        string directory = Directory.CreateTempSubdirectory("kdbus linux test").FullName;
        try
        {
            Assert.Equal(-SystemError.EINVAL, Mounts.Unmount(directory));
            const MountFlags Flags = MountFlags.NoSuid | MountFlags.NoDevices | MountFlags.NoExec;
            Assert.Equal(0, Mounts.Mount("a source", directory, "tmpfs", Flags, "size=4096"));
            Assert.Equal(1, Mounts.Find(directory, out MountInfo? mount));
            Assert.Equal("a source", mount!.Source);
            Assert.StartsWith("rw,nosuid,nodev,noexec", mount.Options, StringComparison.Ordinal);
            Assert.Equal(-SystemError.EINVAL, Mounts.Mount("a\0b", directory, "tmpfs", MountFlags.None, ""));

            using (File.Create(Path.Combine(directory, "x")))
                Assert.Equal(-SystemError.EBUSY, Mounts.Unmount(directory));
            Assert.Equal(0, Mounts.Unmount(directory));
            Assert.Equal(0, Mounts.Find(directory, out _));
        }
        finally
        {
            while (Mounts.Find(directory, out _) == 1 && Mounts.Unmount(directory, lazy: true) == 0)
                continue;
            Directory.Delete(directory);
        }
    }

    [Fact]
    public void Fusermount_mounts_and_unmounts()
    {
        MountedFuse.SkipUnlessPossible();
        using var fuse = new MountedFuse();
        MountInfo mount = fuse.Info;
        Assert.True(mount.IsFuse);
        Assert.Equal(("fuse.kdbustest", "test source"), (mount.FileSystemType, mount.Source));
        Assert.Equal(Credentials.Uid, mount.FuseOwner);

        byte[] request = new byte[8192];
        int length = FileDescriptor.Read(fuse.Descriptor, request);
        Assert.True(length >= 56, SystemError.Describe(length));
        Assert.Equal(26, BitConverter.ToInt32(request, 4)); // FUSE_INIT

        FusermountResult unmounted = Fusermount.Unmount(fuse.Directory, lazy: false);
        Assert.Equal((0, ""), (unmounted.Error, unmounted.Message));
        Assert.Equal(0, Mounts.Find(fuse.Directory, out _));
    }

    [Fact]
    public void A_refusal_of_fusermount_is_told_in_its_own_words()
    {
        MountedFuse.SkipUnlessPossible();
        FusermountResult result = Fusermount.Mount("/no such directory", "fsname=x");
        Assert.Equal((-SystemError.EPERM, -1), (result.Error, result.Descriptor));
        Assert.Contains("/no such directory", result.Message, StringComparison.Ordinal);
        result = Fusermount.Unmount("/usr", lazy: true);
        Assert.Equal(-SystemError.EPERM, result.Error);
        Assert.Contains("/usr", result.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_connection_is_aborted_for_its_owner_only(bool detached)
    {
        MountedFuse.SkipUnlessPossible();
        using var fuse = new MountedFuse();
        uint connection = fuse.Info.DeviceMinor;
        int directory = detached ? FuseControl.OpenDetached() : FuseControl.OpenMounted();
        Assert.SkipWhen(!detached && directory == -SystemError.ENOENT, "fusectl is not mounted here");
        Assert.True(directory >= 0, SystemError.Describe(directory));
        _ = FileDescriptor.Close(directory);

        Assert.Equal(0, FuseControl.Open(out FuseControl? opened));
        using FuseControl control = opened!;
        Assert.Equal(Credentials.Uid, control.Owner(connection));
        Assert.Equal(1, control.Waiting(connection)); // INIT, which nobody answers
        PollEntry[] entry = [new(fuse.Descriptor, PollEvents.Out)];
        Assert.Equal(-SystemError.EPERM, control.Abort(connection, Credentials.Uid + 1));
        _ = FileDescriptor.Poll(entry, 0);
        Assert.Equal(PollEvents.Out, entry[0].Returned);

        Assert.Equal(0, control.Abort(connection, Credentials.Uid));
        _ = FileDescriptor.Poll(entry, 0);
        Assert.Equal(PollEvents.Error, entry[0].Returned & PollEvents.Error);
        Assert.Equal(-SystemError.ENOENT, control.Abort(uint.MaxValue, 0));
        Assert.Equal(-SystemError.ENOENT, control.Owner(uint.MaxValue));
        Assert.Equal(-SystemError.ENOENT, control.Waiting(uint.MaxValue));
    }
}
