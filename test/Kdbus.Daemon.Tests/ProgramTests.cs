using Kdbus.Daemon.Cli;

namespace Kdbus.Daemon.Tests;

/// <summary>What the program says and how it ends where nothing needs to be mounted.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly Workplace _here = new();

    public void Dispose() => _here.Dispose();

    private void Refused(int code, string text, params string[] arguments)
    {
        Outcome outcome = _here.Kdbusfs(arguments);
        Assert.Equal((code, text), (outcome.Code, outcome.Text));
    }

    [Fact]
    public void Help_lists_options_and_exit_codes()
    {
        Outcome help = _here.Kdbusfs("mount", "--help");
        Assert.Equal(0, help.Code);
        string[] parts = ["--foreground", "--log-format", "profile=auto|passthrough|page-cache", "allow_other", "   75  unmount: "];
        foreach (string expected in parts)
            Assert.Contains(expected, help.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("ready-descriptor", help.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_names_program_and_version()
    {
        Outcome version = _here.Kdbusfs("--version");
        Assert.Equal(0, version.Code);
        Assert.Matches(@"^kdbusfs \d+\.\d+\.\d+", version.Text);
    }

    [Fact]
    public void A_wrong_command_line_is_64()
    {
        Refused(ExitCode.Usage, "kdbusfs: unknown command 'mout'\n  did you mean 'mount'?\n", "mout", "/x");
        Refused(ExitCode.Usage, "kdbusfs: Unrecognized command or argument '--bogus'\n  see kdbusfs --help\n", "mount", "/x", "--bogus");
        Assert.Equal(ExitCode.Usage, _here.Kdbusfs().Code);
        Assert.Equal(ExitCode.Usage, _here.Kdbusfs("mount").Code);
        Assert.Equal(ExitCode.Usage, _here.Kdbusfs("mount", "/x", "--log-format", "xml").Code);
        string message = "kdbusfs: unknown mount option 'allow_othr'\n  did you mean 'allow_other'?\n";
        Refused(ExitCode.Usage, message, "mount", _here.MountPoint, "-o", "allow_othr");
        Refused(
            ExitCode.Usage, "kdbusfs: descriptor 77 is not open\n", "mount", _here.MountPoint, "--foreground", "--ready-descriptor", "77");
    }

    [Fact]
    public void A_directory_that_is_none_is_66()
    {
        string missing = Path.Combine(_here.Root, "missing"), file = Path.Combine(_here.Root, "file");
        File.WriteAllText(file, "");
        Refused(ExitCode.NoDirectory, $"kdbusfs: '{missing}' does not exist\n", "mount", missing);
        Refused(ExitCode.NoDirectory, $"kdbusfs: '{file}' is not a directory\n", "mount", file);
        Refused(ExitCode.NoDirectory, $"kdbusfs: '{missing}' does not exist\n", "unmount", missing);
        Refused(ExitCode.NoDirectory, "kdbusfs: '@file' does not exist\n", "mount", "@file");
    }

    [Fact]
    public void Unmounting_what_is_no_kdbusfs_is_65()
    {
        Refused(ExitCode.NotKdbusfs, $"kdbusfs: nothing is mounted on '{_here.MountPoint}'\n", "unmount", _here.MountPoint);
        Refused(ExitCode.NotKdbusfs, "kdbusfs: a proc file system is mounted on '/proc', not a kdbusfs\n", "unmount", "/proc");
    }

    [Fact]
    public void A_log_file_that_cannot_be_opened_is_73()
    {
        string missing = Path.Combine(_here.Root, "missing", "log");
        string message = $"kdbusfs: cannot open the log file '{missing}': No such file or directory (errno 2)\n";
        Refused(ExitCode.NoLogFile, message, "mount", _here.MountPoint, "--log-file", missing);
        Refused(ExitCode.NoLogFile, message, "mount", _here.MountPoint, "--foreground", "--log-file", missing);
    }
}
