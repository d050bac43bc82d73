using Kdbus.Conformance.Worlds.Mounted;

namespace Kdbus.Hostile.Tests;

/// <summary>Processes that send one message and are gone before anybody receives it. What is told of them is nobody else's, and all of it.</summary>
public sealed class ShortLivedSenderTests
{
    private const string Thousands = "4000";
    private const string Hundreds = "300";

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Thousands_of_senders_that_end_at_once_are_all_described(WorldKind kind)
    {
        using Scene scene = new(kind, attachMask: AttachFlags.All);
        using Tool mayflies = new("mayflies", scene.Bus.Endpoint, Thousands);
        Assert.Equal(Thousands, mayflies.ReadAtTheEnd());
    }

    [Fact]
    public void Senders_that_get_the_same_process_number_one_after_the_other_are_told_apart()
    {
        Assert.SkipWhen(MountWorld.Obstacle is not null, MountWorld.Obstacle ?? "");
        using Tool script = new("reuse.sh", DaemonBinary.Path, AppContext.BaseDirectory.TrimEnd('/'), Hundreds);
        Assert.Equal(Hundreds, script.ReadAtTheEnd());
    }
}
