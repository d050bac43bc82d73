using Kdbus.Conformance.Worlds.Mounted;

namespace Kdbus.Hostile.Tests;

/// <summary>A domain that an ordinary user mounts for himself: pools are in the page cache, whoever asks.</summary>
public sealed class RootlessTests
{
    private const string Nobody = "65534"; // fusermount3 wants a user with a name

    [Fact]
    public void An_ordinary_user_mounts_a_domain_and_sees_no_stale_page()
    {
        Assert.SkipWhen(MountWorld.Obstacle is not null, MountWorld.Obstacle ?? "");
        Assert.SkipUnless(File.Exists("/usr/bin/fusermount3"), "fusermount3 is not installed.");
        using Tool script = new("rootless.sh", DaemonBinary.Path, AppContext.BaseDirectory.TrimEnd('/'), Nobody);
        Assert.Equal("done", script.ReadAtTheEnd());
    }
}
