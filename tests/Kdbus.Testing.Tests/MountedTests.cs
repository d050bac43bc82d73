using System.Text;
using Kdbus.Client.Internal;
using Kdbus.Linux;
using Kdbus.Testing.Mounted;

namespace Kdbus.Testing.Tests;

/// <summary>A mounted bus: where that is not possible these are skipped.</summary>
[Collection<Alone>]
public sealed class MountedTests
{
    private static readonly TestBusOptions s_mounted = new() { Transport = TestTransport.Mounted };

    [Fact]
    public async Task A_mounted_bus_is_reached_by_its_path()
    {
        SkipUnlessMountable();
        await using TestBus bus = await TestBus.StartAsync(s_mounted, TestContext.Current.CancellationToken);
        using RawPeer sender = Connect(bus.Path!);
        using RawPeer receiver = Connect(bus.Path!);
        Assert.Equal(0, sender.Send(receiver.Id, "through the kernel"u8));
        Assert.Equal(0, receiver.Receive(out var received));
        Assert.Equal("through the kernel", Encoding.UTF8.GetString(received.Payload));
    }

    [Fact]
    public async Task Of_a_mounted_bus_nothing_is_left()
    {
        SkipUnlessMountable();
        string root;
        await using (TestBus bus = await TestBus.StartAsync(s_mounted, TestContext.Current.CancellationToken))
        {
            root = Path.GetDirectoryName(Path.GetDirectoryName(bus.Path!))!;
            Assert.True(Mounts.Find(root, out _) > 0);
        }
        Assert.Equal(0, Mounts.Find(root, out _));
        Assert.False(Directory.Exists(root));
    }

    [Fact]
    public async Task Of_a_daemon_that_does_not_want_to_nothing_is_left_but_its_words()
    {
        SkipUnlessMountable();
        string[] before = Directories();
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await MountedDomain.StartAsync(DaemonProgram.Find()!, "no-such-option", TestContext.Current.CancellationToken));
        Assert.Contains("no-such-option", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, Directories());
    }

    [Fact]
    public async Task A_mounted_bus_has_no_time_of_its_own()
    {
        TestBusOptions options = s_mounted with { TimeProvider = TimeProvider.System };
        _ = await Assert.ThrowsAsync<ArgumentException>(async () => await TestBus.StartAsync(options, TestContext.Current.CancellationToken));
    }

    private static string[] Directories() => [.. Directory.GetDirectories(Path.GetTempPath(), "kdbus-test-*").Order(StringComparer.Ordinal)];

    private static RawPeer Connect(string path)
    {
        Assert.Equal(0, EndpointFile.Open(path, out EndpointFile? file));
        return new RawPeer(file!);
    }

    private static void SkipUnlessMountable() => Assert.SkipUnless(DaemonProgram.WhyNot() is null, DaemonProgram.WhyNot() ?? "");
}
