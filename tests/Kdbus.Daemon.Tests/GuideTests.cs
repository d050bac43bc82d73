namespace Kdbus.Daemon.Tests;

/// <summary>
/// What a reader of docs/guide.md types prints what the guide shows. tests/guide/tour.sh does the work, in a process namespace of its own,
/// so that nothing it starts outlives it.
/// </summary>
public sealed class GuideTests : IDisposable
{
    private readonly Workplace _here;

    public GuideTests()
    {
        Workplace.SkipUnlessRootWithFuse();
        _here = new Workplace();
        Assert.SkipUnless(_here.Shell("command -v cc make").Code == 0, "there is no C compiler or no make");
        Assert.SkipUnless(_here.Shell("unshare --mount --pid --fork --mount-proc true").Code == 0, "this machine allows no process namespaces");
    }

    /// <summary>The parts of the repository that the tour needs.</summary>
    private static string Tree { get; } = Path.Combine(AppContext.BaseDirectory, "tree");

    public void Dispose() => _here.Dispose();

    [Fact]
    public void The_tour_of_the_guide_prints_what_the_guide_shows()
    {
        Outcome outcome = _here.Shell($"make -C '{Tree}/samples/c' OUT=$T/samples CFLAGS=-O0");
        Assert.True(outcome.Code == 0, outcome.Text);
        outcome = _here.Shell($"TMPDIR=$T exec bash '{Tree}/tests/guide/tour.sh' '{Tree}/docs/guide.md' $K $T/samples");
        Assert.True(outcome.Code == 0, outcome.Text);
    }
}
