using Kdbus.Fuse.Tests.Infrastructure;

namespace Kdbus.Fuse.Tests;

/// <summary>The same session on a real kernel: ordinary programs see an ordinary file system.</summary>
public sealed class MountTests
{
    [Fact]
    public void Programs_list_stat_read_and_write()
    {
        using var mount = new RealMount();
        Assert.Equal("file\n", RealMount.Output("ls", mount.Path));
        Assert.Equal("6 666 2 regular file\n", RealMount.Output("stat", "-c", "%s %a %i %F", mount.FilePath));
        Assert.Equal("hello\n", RealMount.Output("cat", mount.FilePath));
        File.AppendAllText(mount.FilePath, "world\n");
        Assert.Equal("hello\nworld\n", File.ReadAllText(mount.FilePath));
        byte[] large = new byte[300_000];
        Random.Shared.NextBytes(large);
        File.WriteAllBytes(mount.FilePath, large);
        Assert.Equal(large, File.ReadAllBytes(mount.FilePath));
        Assert.Contains("readdirplus", mount.Files.Calls, StringComparison.Ordinal);
        Assert.Contains("No such file", RealMount.Output("cat", mount.Path + "/nothing"), StringComparison.Ordinal);
        Assert.Contains("Operation not permitted", RealMount.Output("mkdir", mount.Path + "/new"), StringComparison.Ordinal);
        Assert.Contains("Operation not permitted", RealMount.Output("ln", "-s", "x", mount.Path + "/new"), StringComparison.Ordinal);
        Assert.Contains("Operation not permitted", RealMount.Output("touch", mount.Path + "/new"), StringComparison.Ordinal);
        Assert.Empty(mount.Bugs);
    }

    [Fact]
    public void A_modern_kernel_agrees_to_what_the_bus_needs()
    {
        Assert.SkipUnless(Environment.OSVersion.Version >= new Version(6, 9), "passthrough and redelivery came with Linux 6.9");
        using var mount = new RealMount();
        Assert.True(mount.Session.Capabilities is { Passthrough: true, Resend: true, ReadDirPlus: true, AbortError: true }, mount.Session.Capabilities?.ToString());
    }

    [Fact]
    public void Unmounting_ends_the_session()
    {
        using var mount = new RealMount();
        Assert.Equal("file\n", RealMount.Output("ls", mount.Path));
        Assert.Equal(0, mount.Unmount());
        Assert.Equal(FuseSessionEnd.Unmounted, mount.WaitForEnd());
    }

    [Fact]
    public void A_session_can_be_stopped_while_it_waits_and_another_takes_over_on_the_same_descriptor()
    {
        using var mount = new RealMount();
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
        mount.Session.Stop();
        Assert.Equal(FuseSessionEnd.Stopped, mount.WaitForEnd());

        var files = new TinyFileSystem();
        using var successor = new FuseSession(mount.Device, files);
        files.Session = successor;
        successor.Adopt(mount.Session.Capabilities!);
        var thread = new Thread(() => successor.Run()) { IsBackground = true };
        thread.Start();
        File.WriteAllText(mount.FilePath, "taken over");
        Assert.Equal("taken over", File.ReadAllText(mount.FilePath));
        Assert.Equal(0, mount.Unmount());
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void A_held_call_survives_its_session_and_is_resent_to_the_successor()
    {
        using var mount = new RealMount();
        Assert.SkipUnless(mount.Session.Capabilities!.Resend, "the kernel does not redeliver");
        RealMount.Client client = mount.StartClient();
        client.Say($"ioctl {TinyFileSystem.Hold:x}");
        RunningSession.Eventually(() => mount.Files.Holds == 1, "the call is held");
        mount.Session.Stop();
        Assert.Equal(FuseSessionEnd.Stopped, mount.WaitForEnd());

        var files = new TinyFileSystem();
        using var successor = new FuseSession(mount.Device, files);
        files.Session = successor;
        successor.Adopt(mount.Session.Capabilities!);
        Assert.Equal(0, successor.Notify.Resend());
        var thread = new Thread(() => successor.Run()) { IsBackground = true };
        thread.Start();
        RunningSession.Eventually(() => files.Holds == 1, "the call came again");
        Assert.True(client.IsSilent);
        Assert.Equal(0, mount.Files.Complete());
        Assert.Equal(1, files.Complete());
        Assert.Equal("ioctl 0 errno 0 handled 0 data held 1", client.Line());
        client.Kill();
        Assert.True(client.HasExited(TimeSpan.FromSeconds(60)));
        RunningSession.Eventually(() => mount.Unmount() == 0, "it is unmounted");
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void An_ioctl_carries_data_both_ways_and_knows_the_calling_thread()
    {
        using var mount = new RealMount();
        RealMount.Client client = mount.StartClient();
        client.Say($"ioctl {TinyFileSystem.Echo:x}");
        Assert.Equal("ioctl 3 errno 0 handled 0 data edcba9876543210", client.Line());
        // The client calls from a thread of its own.
        Assert.NotEqual(client.Pid, mount.Files.LastPid);
        Assert.InRange(mount.Files.LastPid, client.Pid + 1, int.MaxValue);
    }

    [Fact]
    public void A_failing_ioctl_still_writes_its_data()
    {
        using var mount = new RealMount();
        RealMount.Client client = mount.StartClient();
        client.Say($"ioctl {TinyFileSystem.FailWithData:x}");
        Assert.Equal("ioctl -1 errno 22 handled 0 data the reason why", client.Line());
    }

    [Fact]
    public void A_notification_wakes_who_polls()
    {
        using var mount = new RealMount();
        RealMount.Client client = mount.StartClient();
        client.Say("poll 0");
        Assert.Equal("poll 0 revents 0", client.Line());
        client.Say("poll 60000");
        RunningSession.Eventually(() => client.State() == 'S', "the client waits");
        mount.Files.MakeReadable();
        Assert.Equal("poll 1 revents 1", client.Line());
    }

    [Fact]
    public void Closing_releases_the_file()
    {
        using var mount = new RealMount();
        RealMount.Client client = mount.StartClient();
        client.Kill();
        Assert.True(client.HasExited(TimeSpan.FromSeconds(60)));
        RunningSession.Eventually(() => mount.Files.Released == mount.Files.Opened, "all that was opened is released");
    }

    [Fact]
    public void A_caller_stuck_in_a_blocking_section_is_interrupted_while_others_are_served()
    {
        using var mount = new RealMount();
        mount.Files.OnSignal = OnSignal.Interrupt;
        RealMount.Client stuck = mount.StartClient();
        stuck.Say("handler norestart");
        stuck.Say($"ioctl {TinyFileSystem.Block:x}");
        RunningSession.Eventually(() => mount.Session.StuckReaders == 1, "the reader is stuck");
        Assert.Equal("hello\n", File.ReadAllText(mount.FilePath));
        stuck.Say("signal worker");
        Assert.Equal("ioctl -1 errno 4 handled 1 data 0123456789abcde", stuck.Line());
        mount.Files.Gate.Set();
        RunningSession.Eventually(() => mount.Session.StuckReaders == 0, "the reader comes back");
        Assert.Empty(mount.Bugs);
    }
}
