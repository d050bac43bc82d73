using System.Globalization;

namespace Kdbus.Hostile.Tests;

/// <summary>
/// Two innocent processes that exchange messages all the time. Whatever a hostile client does, they must go on: a pause is measured and told
/// in the test's output, and fails the test only if it is of another kind than "short".
/// </summary>
internal sealed class Chatter : IDisposable
{
    /// <summary>The alternative to a pause of a few milliseconds is one for ever; this is far from both.</summary>
    private const long LongestPause = 2_000_000;

    private readonly Tool _tool;

    public Chatter(Scene scene)
    {
        _tool = new Tool("chatter", scene.Bus.Endpoint);
        _tool.Ask("begin");
    }

    /// <summary>They have gone on since the last look. Gives the longest pause, in microseconds.</summary>
    public long GoesOn(string during)
    {
        // Two looks: what was under way at the first is over at the second.
        string[] first = _tool.Ask("look").Split(' ');
        string[] second = _tool.Ask("look").Split(' ');
        long pause = Math.Max(Number(first[1]), Number(second[1]));
        TestContext.Current.TestOutputHelper?.WriteLine($"longest pause of others during {during}: {pause} us in {Number(first[0]) + Number(second[0])} exchanges");
        Assert.InRange(pause, 1, LongestPause);
        return pause;
    }

    public void Dispose() => _tool.Dispose();

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
