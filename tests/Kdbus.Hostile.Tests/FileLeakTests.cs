using System.Globalization;

namespace Kdbus.Hostile.Tests;

/// <summary>Messages with descriptors by the hundred thousand, half of which never arrive: afterwards the daemon has what it had before.</summary>
public sealed class FileLeakTests
{
    [Theory]
    [InlineData(WorldKind.Mount, 100_000)]
    [InlineData(WorldKind.PageCache, 20_000)]
    public void Whatever_becomes_of_messages_their_files_are_closed(WorldKind kind, int count)
    {
        using Scene scene = new(kind);
        Run(scene, 1000);
        DaemonUse before = default;
        Moment.Await(() => (before = DaemonUse.Of(scene)).ThreadDescriptors == 0, "no descriptors of threads");
        Run(scene, count);
        Moment.Await(() => DaemonUse.Of(scene) is { ThreadDescriptors: 0 } now && now.Descriptors <= before.Descriptors, $"as many descriptors as before, {before.Descriptors}");
        DaemonUse after = DaemonUse.Of(scene);
        TestContext.Current.TestOutputHelper?.WriteLine($"before: {before}\nafter:  {after}");
        Assert.InRange(after.Mappings, 0, before.Mappings + 60);
    }

    private static void Run(Scene scene, int count)
    {
        using Tool parcels = new("parcels", scene.Bus.Endpoint, count.ToString(CultureInfo.InvariantCulture));
        Assert.InRange(int.Parse(parcels.ReadAtTheEnd(), CultureInfo.InvariantCulture), count, int.MaxValue);
    }
}
