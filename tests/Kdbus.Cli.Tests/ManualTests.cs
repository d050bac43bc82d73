using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Kdbus.Linux;

namespace Kdbus.Cli.Tests;

/// <summary>
/// What the manual pages and the README show is what happens. tests/guide/tour.sh runs their commands, in a process and a mount namespace of its own, so that nothing they start outlives them.
/// </summary>
public sealed class ManualTests
{
    private static string Root { get; } = typeof(ManualTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static data => data.Key == "RepoRoot").Value!;

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/kdbusctl.1.md")]
    [InlineData("docs/kdbusfs.1.md")]
    public void Each_command_prints_what_the_text_shows(string text)
    {
        Assert.SkipUnless(Credentials.IsRoot && File.Exists("/dev/fuse"), "needs root and /dev/fuse");
        Assert.SkipUnless(Run("unshare", ["--mount", "--pid", "--fork", "--mount-proc", "true"]).Code == 0, "this machine allows no process namespaces");
        string files = Directory.CreateTempSubdirectory("kdbusctl-tour-").FullName;
        string programs = Path.Combine(files, "programs");
        // Other users are asked about, and have to get here.
        File.SetUnixFileMode(files, (UnixFileMode)0x1ed);
        try
        {
            _ = Directory.CreateDirectory(programs);
            string server = Environment.GetEnvironmentVariable("KDBUSFS_BIN") ?? throw new InvalidOperationException("KDBUSFS_BIN says which kdbusfs is tested.");
            // What is in the directory is called by its name, from wherever it is.
            foreach ((string name, string path) in ((string, string)[])[("kdbusctl", Running.Program), ("kdbusfs", server)])
            {
                File.WriteAllText(Path.Combine(programs, name), $"#!/bin/sh\nKDBUSFS_BIN={server} exec {path} \"$@\"\n");
                File.SetUnixFileMode(Path.Combine(programs, name), (UnixFileMode)0x1ed);
            }
            Outcome outcome = Run("bash", [Path.Combine(Root, "tests/guide/tour.sh"), Path.Combine(Root, text), Path.Combine(programs, "kdbusfs"), programs], $"TMPDIR={files}");
            Assert.True(outcome.Code == 0, $"{outcome.Output}{outcome.Error}");
        }
        finally
        {
            Directory.Delete(files, recursive: true);
        }
    }

    [Fact]
    public void The_manual_page_has_all_commands_options_and_exit_codes()
    {
        string manual = File.ReadAllText(Path.Combine(Root, "docs/kdbusctl.1.md"));
        foreach ((int code, string meaning) in ExitCode.Table)
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"| {code} | {meaning} |"), manual, StringComparison.Ordinal);
        foreach (Command command in CommandLine.Build().Subcommands.Where(static command => !command.Hidden))
            AssertExplained(command, command.Name, manual);
    }

    [Fact]
    public void The_pages_in_packaging_are_those_of_the_texts()
    {
        string files = Directory.CreateTempSubdirectory("kdbusctl-man-").FullName;
        try
        {
            Outcome outcome = Run(Path.Combine(Root, "eng/man.sh"), [files]);
            Assert.True(outcome.Code == 0, outcome.Error);
            string[] pages = [.. Directory.GetFiles(files).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
            Assert.Equal("kdbusctl.1 kdbusfs.1", string.Join(' ', pages));
            foreach (string page in pages)
            {
                Assert.True(
                    File.ReadAllText(Path.Combine(files, page)) == File.ReadAllText(Path.Combine(Root, "packaging/man", page)), $"packaging/man/{page} is old: run eng/man.sh");
            }
        }
        finally
        {
            Directory.Delete(files, recursive: true);
        }
    }

    private static void AssertExplained(Command command, string path, string manual)
    {
        if (command.Subcommands.Count > 0)
        {
            foreach (Command below in command.Subcommands.Where(static below => !below.Hidden))
                AssertExplained(below, $"{path} {below.Name}", manual);
            return;
        }
        Assert.Contains($"kdbusctl {path}", manual, StringComparison.Ordinal);
        foreach (System.CommandLine.Option option in command.Options.Where(static option => !option.Hidden))
            Assert.True(manual.Contains($"`{option.Name}", StringComparison.Ordinal) || manual.Contains($", `{option.Name}", StringComparison.Ordinal), $"{path} {option.Name} is not explained");
    }

    private static Outcome Run(string program, string[] arguments, params string[] environment)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string variable in environment)
            start.Environment[variable.Split('=')[0]] = variable[(variable.IndexOf('=', StringComparison.Ordinal) + 1)..];
        _ = start.Environment.Remove("KDBUSCTL_BUS");
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error.Result);
    }
}
