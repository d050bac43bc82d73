using System.Globalization;

namespace Kdbus.Hostile.Tests;

/// <summary>What the daemon allocates for calls between real processes: nothing, however many there are.</summary>
public sealed class AllocationTests
{
    private const int Calls = 100_000;
    private const int Looks = 10;
    private const int Attempts = 5;

    /// <summary>
    /// Memory counts as allocated when a thread is given a chunk of it, and each chunk is 8 KiB. So what was allocated before the first
    /// look may be counted after it, and what before the last look, later: by as much as a chunk for each thread that allocates. Those are the
    /// readers, of which looking wakes one, and what ends deadlines and gives memory back. The smallest object is 24 bytes: one for
    /// each call would be 2,400,000.
    /// </summary>
    private const long Chunks = 4 * 8192;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_daemon_makes_no_garbage_of_synchronous_calls(WorldKind kind) => AssertMakesNoGarbage(kind, "call");

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_daemon_makes_no_garbage_of_requests_and_replies(WorldKind kind) => AssertMakesNoGarbage(kind, "request");

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_daemon_makes_no_garbage_of_exchanges(WorldKind kind) => AssertMakesNoGarbage(kind, "exchange");

    private static void AssertMakesNoGarbage(WorldKind kind, string call)
    {
        using Scene scene = new(kind);
        using Tool calls = new("calls", scene.Bus.Endpoint, call);
        Make(calls, Calls / 10);
        _ = AllocatedIn(scene, calls, 0);

        // On a machine that is busy with other things a reader may be kept from running, and another one is made to go on: that costs its
        // buffers. It is no matter of calls, and does not happen each time; what calls allocate would.
        long more = long.MaxValue;
        for (int i = 0; i < Attempts && more > Chunks; i++)
        {
            // Looking is what allocates most; so it is looked as often without calls as with them.
            long idle = AllocatedIn(scene, calls, 0);
            long busy = AllocatedIn(scene, calls, Calls / Looks);
            more = busy - idle;
            TestContext.Current.TestOutputHelper?.WriteLine($"{kind}: {busy} bytes in {Looks} looks with {Calls} times '{call}', {idle} bytes without");
        }
        Assert.InRange(more, long.MinValue, Chunks);
    }

    /// <summary>Bytes that the daemon allocates while it is looked at several times, so many calls before each look.</summary>
    private static long AllocatedIn(Scene scene, Tool tool, int callsBefore)
    {
        long before = Allocated(scene);
        for (int i = 0; i < Looks; i++)
        {
            Make(tool, callsBefore);
            _ = Allocated(scene);
        }
        return Allocated(scene) - before;
    }

    private static void Make(Tool tool, int calls) => Assert.Equal("done", tool.Ask(calls.ToString(CultureInfo.InvariantCulture)));

    private static long Allocated(Scene scene)
    {
        string text = StatusFiles.Read(scene.Process, scene.PathOf(".status/memory"));
        string[] row = Assert.Single(StatusFiles.Cells(text), static row => row[0] == "allocated bytes");
        return long.Parse(row[1], CultureInfo.InvariantCulture);
    }
}
