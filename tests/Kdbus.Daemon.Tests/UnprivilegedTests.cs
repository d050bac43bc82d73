using Kdbus.Daemon.Cli;
using Kdbus.Linux;

namespace Kdbus.Daemon.Tests;

/// <summary>
/// An ordinary user, played by root as uid 65534 in a mount namespace of its own, where /dev/fuse is what the test wants it to be.
/// </summary>
public sealed class UnprivilegedTests : IDisposable
{
    private const string OpenFuse = "set -e; : > $T/said; chmod 666 $T/said; chown 65534 $D; "
        + "mknod -m 666 $T/fuse c 10 229; mount --bind $T/fuse /dev/fuse; set +e; ";
    private const string AsUser = "setpriv --reuid 65534 --regid 65534 --clear-groups ";

    private readonly Workplace _here;

    public UnprivilegedTests()
    {
        Workplace.SkipUnlessRootWithFuse();
        _here = new Workplace();
        Assert.SkipUnless(_here.Shell(AsUser + "$K --version").Code == 0, "an ordinary user cannot run the program from here");
    }

    public void Dispose() => _here.Dispose();

    private void SkipWithoutFusermount() => Assert.SkipUnless(Fusermount.Find() is not null, "fusermount3 is not installed");

    [Fact]
    public void A_user_mounts_and_unmounts_through_fusermount()
    {
        SkipWithoutFusermount();
        Outcome outcome = _here.ShellInOwnMounts(
            OpenFuse + AsUser + @"$K mount $D -o 'fsname=a\,b' > $T/said || exit; "
            + "grep $D /proc/self/mounts; " + AsUser + "ls $D; " + AsUser + "$K unmount $D");
        Assert.Equal(0, outcome.Code);
        Assert.StartsWith($"a,b {_here.MountPoint} fuse.kdbusfs rw,nosuid,nodev,noexec", outcome.Text, StringComparison.Ordinal);
        Assert.Contains("user_id=65534,group_id=65534,default_permissions 0 0\ncontrol\n", outcome.Text, StringComparison.Ordinal);
        Workplace.Eventually(() => _here.Servers().Count == 0, "the server's end");
    }

    [Fact]
    public void A_user_sets_the_mask_of_his_own_domain()
    {
        SkipWithoutFusermount();
        Outcome outcome = _here.ShellInOwnMounts(
            OpenFuse + AsUser + "$K mount $D -o attach-flags-mask=0x7 > $T/said || exit; "
            + AsUser + "sh -c 'cd $D/parameters; stat -c %u:%g:%a . *; cat *; echo 0x3fff > attach_flags_mask; cat *'; " + AsUser + "$K unmount $D");
        Assert.Equal((0, "65534:65534:555\n65534:65534:644\n7\n16383\n"), (outcome.Code, outcome.Text));
        Workplace.Eventually(() => _here.Servers().Count == 0, "the server's end");
    }

    [Fact]
    public void A_signal_unmounts_through_fusermount()
    {
        SkipWithoutFusermount();
        Outcome outcome = _here.ShellInOwnMounts(
            OpenFuse + AsUser + "$K mount $D --foreground & while ! grep -q $D /proc/self/mounts; do sleep 0.1; done; "
            + AsUser + "ls $D; kill -TERM $(pgrep -f \"mount $D\" -u 65534); wait; ! grep $D /proc/self/mounts");
        Assert.Equal(0, outcome.Code);
        Assert.DoesNotContain("Cannot unmount", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Letting_others_in_needs_the_permission_of_the_machine()
    {
        SkipWithoutFusermount();
        const string Mount = AsUser + "$K mount $D -o allow_other";
        Outcome outcome = _here.ShellInOwnMounts(OpenFuse + "echo > $T/c; mount --bind $T/c /etc/fuse.conf; " + Mount);
        Assert.Equal(
            (ExitCode.NotPermitted,
                "kdbusfs: mount option 'allow_other' is not permitted to ordinary users on this machine\n"
                + "  root can permit it with a line 'user_allow_other' in /etc/fuse.conf\n"),
            (outcome.Code, outcome.Text));
        outcome = _here.ShellInOwnMounts(
            "echo user_allow_other > $T/c; mount --bind $T/c /etc/fuse.conf; mount --bind $T/fuse /dev/fuse; "
            + Mount + " > $T/said; ls $D; umount $D");
        Assert.Equal((0, "control\n"), (outcome.Code, outcome.Text));
    }

    [Fact]
    public void A_refusal_of_fusermount_is_77_in_its_own_words()
    {
        SkipWithoutFusermount();
        Outcome outcome = _here.ShellInOwnMounts(OpenFuse + "chown 0 $D; " + AsUser + "$K mount $D");
        Assert.Equal(ExitCode.NotPermitted, outcome.Code);
        Assert.StartsWith($"kdbusfs: mounting on '{_here.MountPoint}' failed\n  fusermount3: ", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_may_not_unmount_roots_domain()
    {
        Assert.Equal(0, _here.Kdbusfs("mount", _here.MountPoint).Code);
        Outcome outcome = _here.Shell(AsUser + "$K unmount $D");
        Assert.Equal(ExitCode.NotPermitted, outcome.Code);
        Assert.NotNull(_here.Mounted());
    }

    [Fact]
    public void Without_fusermount_a_user_gets_72()
    {
        // The directory of programs is covered: what is needed from it is taken along before.
        Outcome outcome = _here.ShellInOwnMounts(
            OpenFuse + "cp /usr/bin/setpriv $T; mount -t tmpfs none /usr/bin; $T/" + AsUser + "$K mount $D");
        Assert.Equal(
            (ExitCode.NoFusermount,
                "kdbusfs: fusermount3 is not installed, and without it only root can do this\n  it comes with the package fuse3\n"),
            (outcome.Code, outcome.Text));
    }

    [Theory]
    [InlineData("")]
    [InlineData(AsUser)]
    public void Without_dev_fuse_it_is_69(string asUser)
    {
        Outcome outcome = _here.ShellInOwnMounts(
            "set -e; mkdir $T/dev; mount -t tmpfs none $T/dev; mknod -m 666 $T/dev/null c 1 3; mknod -m 666 $T/dev/urandom c 1 9; "
            + "mkdir -m 1777 $T/dev/shm; mount --move $T/dev /dev; " + asUser + "$K mount $D");
        Assert.Equal(ExitCode.NoFuse, outcome.Code);
        Assert.StartsWith("kdbusfs: the kernel offers no FUSE: there is no usable /dev/fuse\n", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Root_of_a_user_namespace_mounts_by_itself_and_has_no_passthrough()
    {
        Outcome outcome = _here.ShellInOwnMounts(
            OpenFuse + AsUser + "unshare --user --map-root-user --mount sh -c '$K mount $D -o profile=passthrough; echo $?; "
            + "$K mount $D > $T/said || exit; grep $D /proc/self/mounts; ls $D; $K unmount $D'");
        Assert.Equal(0, outcome.Code);
        Assert.StartsWith($"kdbusfs: '{_here.MountPoint}' cannot be served: profile=passthrough", outcome.Text, StringComparison.Ordinal);
        Assert.Contains("\n78\nkdbusfs ", outcome.Text, StringComparison.Ordinal);
        Assert.EndsWith("default_permissions,allow_other 0 0\ncontrol\n", outcome.Text, StringComparison.Ordinal);
    }
}
