using Kdbus.Daemon.Cli;

namespace Kdbus.Daemon.Tests;

/// <summary>
/// mount(8) finding kdbusfs by type, in both ways it can. The directories where it looks are replaced, in a mount namespace of the test's
/// own, by ones with just the helper in question.
/// </summary>
public sealed class HelperFormTests : IDisposable
{
    private const string Prepare = "set -e; mkdir $T/sbin; ln -s $K $T/sbin/kdbusfs; PATH=/usr/sbin:/usr/bin; ";
    private const string Replace = "; mount --bind $T/sbin /usr/sbin; ";

    private readonly Workplace _here;

    public HelperFormTests()
    {
        Workplace.SkipUnlessRootWithFuse();
        _here = new Workplace();
    }

    public void Dispose() => _here.Dispose();

    private Outcome RunWith(string helper, string script) => _here.ShellInOwnMounts(Prepare + helper + Replace + script);

    [Fact]
    public void Mount_finds_the_helper_named_after_the_type()
    {
        Outcome outcome = RunWith(
            "ln -s $K $T/sbin/mount.fuse.kdbusfs",
            "mount -t fuse.kdbusfs 'my bus' $D -o noatime,no_allow_other,x-test; test -e $D/control; "
            + "grep $D /proc/self/mounts; umount $D");
        Assert.Equal(0, outcome.Code);
        Assert.StartsWith($@"my\040bus {_here.MountPoint} fuse.kdbusfs rw,nosuid,nodev,noexec", outcome.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("allow_other", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Mount_finds_kdbusfs_through_libfuses_helper()
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/mount.fuse3"), "mount.fuse3 is not installed");
        Outcome outcome = RunWith(
            "cp /usr/sbin/mount.fuse3 $T/sbin/mount.fuse",
            "mount -t fuse.kdbusfs mybus $D -o noatime; test -e $D/control; grep $D /proc/self/mounts; umount $D");
        Assert.Equal(0, outcome.Code);
        Assert.StartsWith($"mybus {_here.MountPoint} fuse.kdbusfs ", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_helpers_refusals_are_mounts_exit_code()
    {
        Outcome outcome = RunWith("ln -s $K $T/sbin/mount.fuse.kdbusfs", "mount -t fuse.kdbusfs k $D -o bogus");
        Assert.Equal((ExitCode.Usage, "kdbusfs: unknown mount option 'bogus'\n"), (outcome.Code, outcome.Text));
        outcome = _here.ShellInOwnMounts("$T/sbin/mount.fuse.kdbusfs k $D -s -o bogus && umount $D");
        Assert.Equal((0, ""), (outcome.Code, outcome.Text));
    }

    [Fact]
    public void A_fake_mount_mounts_nothing()
    {
        Outcome outcome = RunWith("ln -s $K $T/sbin/mount.fuse.kdbusfs", "mount -f -t fuse.kdbusfs k $D; ! grep $D /proc/self/mounts");
        Assert.Equal((0, ""), (outcome.Code, outcome.Text));
    }
}
