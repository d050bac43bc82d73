using Kdbus.Daemon.Cli;
using Kdbus.Daemon.Mounting;
using Kdbus.Daemon.Serving;

namespace Kdbus.Daemon.Tests;

public sealed class CommandFormTests
{
    private const string MountProgram = "/sbin/mount.fuse.kdbusfs";

    private static MountRequest Parsed(string program, params string[] arguments)
    {
        Assert.True(MountHelperForm.Applies(program, arguments));
        Assert.Null(MountHelperForm.Parse(program, arguments, out MountRequest? request));
        return request!;
    }

    private static string Refused(string program, params string[] arguments)
    {
        Failure? failure = MountHelperForm.Parse(program, arguments, out MountRequest? request);
        Assert.Null(request);
        Assert.Equal(ExitCode.Usage, failure!.ExitCode);
        return failure.Message;
    }

    [Fact]
    public void The_form_of_mount_is_read()
    {
        MountRequest request = Parsed(MountProgram, "my,bus", "/mnt", "-n", "-o", "rw,debug", "-o", "relatime", "-t", "fuse.kdbusfs");
        Assert.Equal("/mnt", request.Directory);
        Assert.Equal([@"fsname=my\,bus", "rw,debug", "relatime"], request.OptionLists);
        Assert.Equal((false, false, false, false), (request.Foreground, request.Debug, request.Fake, request.IgnoreUnknownOptions));
    }

    [Fact]
    public void In_the_form_of_mount_f_is_fake_and_s_sloppy()
    {
        MountRequest request = Parsed(MountProgram, "none", "/mnt", "-sfnv", "-orw");
        Assert.Equal((false, true, true), (request.Foreground, request.Fake, request.IgnoreUnknownOptions));
        Assert.Equal(["fsname=none", "rw"], request.OptionLists);
    }

    [Fact]
    public void In_the_form_of_libfuse_f_is_foreground_and_d_debug()
    {
        MountRequest request = Parsed("kdbusfs", "none", "/mnt", "-o", "rw", "-f");
        Assert.Equal((true, false, false), (request.Foreground, request.Fake, request.Debug));
        request = Parsed("kdbusfs", "none", "/mnt", "-d", "-s", "-o", "rw");
        Assert.Equal((true, true, false), (request.Foreground, request.Debug, request.IgnoreUnknownOptions));
    }

    [Fact]
    public void An_fsname_among_the_options_wins_over_the_source()
    {
        MountRequest request = Parsed(MountProgram, "one", "/mnt", "-o", "fsname=two");
        Assert.Null(MountOptions.Parse(request.OptionLists, ignoreUnknown: false, out MountSettings settings));
        Assert.Equal("two", settings.Source);
    }

    [Fact]
    public void After_two_hyphens_nothing_is_an_option()
        => Assert.Equal("-mnt", Parsed(MountProgram, "-o", "rw", "--", "-source", "-mnt").Directory);

    [Fact]
    public void What_is_wrong_is_named()
    {
        Assert.Equal("unknown option '-q'", Refused(MountProgram, "s", "/mnt", "-q"));
        Assert.Equal("unknown option '-n'", Refused("kdbusfs", "s", "/mnt", "-n", "-o", "rw"));
        Assert.Equal("option -o needs a value", Refused(MountProgram, "s", "/mnt", "-o"));
        Assert.Equal("option -t: the type is 'ext4', not fuse.kdbusfs", Refused(MountProgram, "s", "/mnt", "-t", "ext4"));
        Assert.StartsWith("option -N: ", Refused(MountProgram, "s", "/mnt", "-N", "/proc/1/ns/mnt"), StringComparison.Ordinal);
        Assert.Equal("a source and a directory are needed", Refused(MountProgram, "/mnt"));
        Assert.Equal("unexpected argument 'x'", Refused(MountProgram, "s", "/mnt", "x"));
    }

    [Theory]
    [InlineData("mount", "/mnt", "-o", "rw")]
    [InlineData("unmount", "/mnt", "-o", "rw")]
    [InlineData("mout", "/mnt")]
    [InlineData("--help")]
    [InlineData("-o", "rw", "x")]
    [InlineData]
    public void Commands_of_our_own_are_not_taken_for_it(params string[] arguments)
        => Assert.False(MountHelperForm.Applies("kdbusfs", arguments));

    [Fact]
    public void The_background_copy_is_asked_for_the_same_mount()
    {
        var request = new MountRequest
        {
            Directory = "/a dir",
            OptionLists = ["rw,debug", "fsname=x"],
            Debug = true,
            LogFormat = LogFormat.Json,
            LogFile = "/log",
            IgnoreUnknownOptions = true,
        };
        Assert.Equal(
            [
                "kdbusfs", "mount", "/a dir", "--foreground", "-o", "rw,debug", "-o", "fsname=x", "--ignore-unknown-options", "--debug",
                "--log-format", "json", "--log-file", "/log", "--ready-descriptor", "3",
            ],
            Background.Arguments(request));
    }

    [Fact]
    public void A_background_process_that_ends_before_it_serves_is_reported()
    {
        Assert.Equal(ExitCode.ServerDied, Background.Start("/bin/true", ["true"]));
        Assert.Equal(ExitCode.ServerDied, Background.Start("/bin/sh", ["sh", "-c", "kill -KILL $$"]));
        Assert.Equal(42, Background.Start("/bin/sh", ["sh", "-c", "exit 42"]));
        Assert.Equal(ExitCode.System, Background.Start("/no/such/program", ["x"]));
        Assert.Equal(ExitCode.Success, Background.Start("/bin/sh", ["sh", "-c", "echo >&3; exit 42"]));
    }

    [Theory]
    [InlineData("5.5", ProfileChoice.Auto, false)]
    [InlineData("5.6", ProfileChoice.Auto, true)]
    [InlineData("6.8.12", ProfileChoice.PageCache, true)]
    [InlineData("6.8.12", ProfileChoice.Passthrough, false)]
    [InlineData("6.9.0", ProfileChoice.Passthrough, true)]
    public void A_kernel_too_old_is_refused(string version, ProfileChoice profile, bool newEnough)
    {
        Failure? failure = KernelVersion.Check(Version.Parse(version), profile);
        Assert.Equal(newEnough, failure is null);
        Assert.Equal(newEnough ? null : ExitCode.KernelRefuses, failure?.ExitCode);
    }

    [Theory]
    [InlineData("user_allow_other", true)]
    [InlineData("# comment\n  user_allow_other  \nmount_max = 5\n", true)]
    [InlineData("#user_allow_other\n", false)]
    [InlineData("user_allow_other_x\n", false)]
    [InlineData("", false)]
    public void The_permission_to_allow_others_is_a_line_of_its_own(string configuration, bool allows)
        => Assert.Equal(allows, FuseMount.AllowsOthers(configuration));

    [Fact]
    public void The_number_of_a_files_mount_is_found()
    {
        Assert.Equal(27, MountUsers.MountNumber("pos:\t0\nflags:\t0100000\nmnt_id:\t27\nino:\t5\n"u8));
        Assert.Equal(-1, MountUsers.MountNumber("pos:\t0\n"u8));
    }

    [Fact]
    public void Every_exit_code_is_in_the_table_once()
    {
        var codes = typeof(ExitCode).GetFields().Where(field => field.IsLiteral).Select(field => (int)field.GetRawConstantValue()!);
        Assert.Equal(codes.Order(), ExitCode.Table.Select(row => row.Code));
    }
}
