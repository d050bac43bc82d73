namespace Kdbus.Daemon.Tests;

/// <summary>
/// A program that knows of nothing but the interface gets descriptors under <c>kdbusfs run</c>: each test is one of tests/programs/carry.c.
/// </summary>
public sealed class RunCarryTests : IDisposable
{
    private const string AsUser = "setpriv --reuid 65534 --regid 65534 --clear-groups ";
    private static readonly string s_carry = Path.Combine(AppContext.BaseDirectory, "carry");

    private readonly Workplace _here;

    public RunCarryTests()
    {
        Workplace.SkipUnlessRootWithFuse();
        _here = new Workplace();
        Assert.SkipUnless(_here.Kdbusfs("run", "true").Code == 0, "this kernel does not allow system calls to be supervised");
    }

    public static TheoryData<string> Tests =>
    [
        "recv", "reply", "request", "limit", "restart", "restart-threads", "interrupt", "stop", "kill", "cancel", "crowd", "exec",
    ];

    public void Dispose() => _here.Dispose();

    [Theory]
    [MemberData(nameof(Tests))]
    public void It_works_for_root(string test) => Succeeds($"$K run {s_carry} $D {test}");

    [Theory]
    [MemberData(nameof(Tests))]
    public void It_works_for_an_ordinary_user(string test)
    {
        Assert.SkipUnless(_here.Shell(AsUser + "$K --version").Code == 0, "an ordinary user cannot run the program from here");
        Succeeds($"{AsUser}$K run {s_carry} $D {test}");
    }

    [Theory]
    [InlineData("recv")]
    [InlineData("reply")]
    [InlineData("limit")]
    public void It_works_with_pools_in_the_page_cache(string test) => Succeeds($"$K run {s_carry} $D {test}", "profile=page-cache");

    [Fact]
    public void It_works_for_a_program_that_becomes_another_user() => Succeeds($"$K run {AsUser}{s_carry} $D recv");

    [Fact]
    public void It_works_in_a_mount_namespace_and_a_pid_namespace_below() => Succeeds($"$K run unshare --mount --pid --fork {s_carry} $D reply");

    [Fact]
    public void Whatever_is_wrong_is_wrong_in_the_same_way()
    {
        Outcome alone = With("", $"{s_carry} $D errors"), run = With("", $"$K run {s_carry} $D errors");
        Assert.Equal(0, alone.Code);
        Assert.Contains("nobody: ENXIO\n", alone.Text, StringComparison.Ordinal);
        Assert.Equal((alone.Code, alone.Text), (run.Code, run.Text));
    }

    private void Succeeds(string script, string options = "profile=auto")
    {
        Outcome outcome = With(options, script);
        Assert.Equal((0, ""), (outcome.Code, outcome.Text));
    }

    // The domain ends with the test, whatever becomes of the program.
    private Outcome With(string options, string script)
    {
        if (_here.Mounted() is null)
            Assert.Equal(0, _here.Kdbusfs("mount", _here.MountPoint, "-o", options).Code);
        return _here.Shell(script);
    }
}
