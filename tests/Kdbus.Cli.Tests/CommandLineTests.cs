using System.Diagnostics;

namespace Kdbus.Cli.Tests;

/// <summary>The command line as a whole: help, completion, the fronts of kdbusfs, and how the program ends.</summary>
public sealed class CommandLineTests
{
    public static TheoryData<string> Commands => [.. Leaves(CommandLine.Build()).Select(static command => string.Join(' ', PathOf(command)))];

    [Theory, MemberData(nameof(Commands))]
    public void Each_command_option_and_argument_is_described(string command)
    {
        Command found = Leaves(CommandLine.Build()).Single(known => string.Join(' ', PathOf(known)) == command);
        Assert.EndsWith(".", found.Description, StringComparison.Ordinal);
        Assert.All(found.Options.Where(static option => !option.Hidden), static option => Assert.False(string.IsNullOrEmpty(option.Description), option.Name));
        Assert.All(found.Arguments, static argument => Assert.False(string.IsNullOrEmpty(argument.Description), argument.Name));
    }

    [Fact]
    public async Task Help_has_all_commands_and_exit_codes()
    {
        Outcome outcome = (await RunAsync("--help")).Succeeded();
        foreach (Command command in CommandLine.Build().Subcommands.Where(static command => !command.Hidden))
            Assert.Matches($@"(?m)^  {command.Name} .*\S", outcome.Output);
        foreach ((int code, string meaning) in ExitCode.Table)
            Assert.Contains($"{code,5}  {meaning}", outcome.Output, StringComparison.Ordinal);
        Assert.StartsWith("kdbusctl ", (await RunAsync("--version")).Succeeded().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_words_are_told_with_where_to_look()
    {
        (await RunAsync()).Failed(64, "see kdbusctl --help");
        (await RunAsync("domians")).Failed(64, "unknown command 'domians'", "did you mean 'domains'?");
        (await RunAsync("--no-such-option")).Failed(64, "unknown option '--no-such-option'", "see kdbusctl --help");
        (await RunAsync("--bus", "demo", "list")).Failed(64, "'--bus' stands before the command it belongs to", "options come behind: kdbusctl list --bus");
        (await RunAsync("list", "--color", "pink")).Failed(64, "pink", "see kdbusctl list --help");
    }

    [Fact]
    public async Task Whoever_stops_reading_ends_the_program_quietly()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Client.BusConnection peer = await scene.ConnectAsync();
        Outcome outcome = Shell($"{Running.Program} list --bus {scene.BusPath} | true; echo ${{PIPESTATUS[0]}}");
        Assert.Equal("", outcome.Error);
        Assert.Matches("^(0|141)\n$", outcome.Output);
        outcome = Shell($"{Running.Program} list --bus {scene.BusPath} > /dev/full");
        outcome.Failed(73, "cannot write the output");
    }

    [Fact]
    public async Task Mount_run_and_unmount_are_those_of_kdbusfs()
    {
        await using Scene scene = await Scene.StartAsync();
        string mount = Path.Combine(scene.Files, "mnt");
        _ = Directory.CreateDirectory(mount);
        Outcome mounted = (await scene.RunAsync("mount", mount)).Succeeded();
        try
        {
            Assert.StartsWith($"Serving {mount}, profile ", mounted.Output, StringComparison.Ordinal);
            Assert.Contains(mount, (await scene.RunAsync("domains")).Succeeded().Output, StringComparison.Ordinal);
            Assert.Equal("run\n", (await scene.RunAsync("run", "--", "echo", "run")).Succeeded().Output);
        }
        finally
        {
            _ = (await scene.RunAsync("unmount", mount)).Succeeded();
        }
        Outcome again = await scene.RunAsync("unmount", mount);
        Assert.Equal(65, again.Code);
        Assert.StartsWith("kdbusfs: ", again.Error, StringComparison.Ordinal);
        (await scene.RunAsync(new ProgramCall(["mount", mount]) { Environment = ["KDBUSFS_BIN=/no/such/program"] })).Failed(127, "cannot start /no/such/program", "KDBUSFS_BIN=");
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task A_shell_completes_commands_options_and_the_names_of_the_live_bus(string shell)
    {
        Assert.SkipUnless(File.Exists($"/usr/bin/{shell}"), $"needs {shell}");
        await using Scene scene = await Scene.StartAsync();
        await using Client.BusConnection service = await scene.ConnectAsync();
        await using Client.OwnedName name = await service.AcquireNameAsync("org.example.Completed");
        string programs = Path.GetDirectoryName(Running.Program)!;
        string script = shell switch
        {
            "bash" => """
                source <(kdbusctl completion bash)
                offered() { COMP_LINE=$1 COMP_POINT=${#1}; read -ra COMP_WORDS <<<"$1"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kdbusctl; echo "${COMPREPLY[@]}"; }
                offered 'kdbusctl stat'; offered 'kdbusctl status org.ex'; offered 'kdbusctl list --name'
                """,
            // What would be added to the line: the functions of the completion system work only inside of it.
            "zsh" => """
                compdef() { :; }; compadd() { shift; print -l -- ${(M)@:#${words[CURRENT]}*}; }
                source <(kdbusctl completion zsh)
                offered() { words=("$@"); CURRENT=$#; _kdbusctl; }
                offered kdbusctl stat; offered kdbusctl status org.ex; offered kdbusctl list --name
                """,
            _ => "kdbusctl completion fish | source; complete -C 'kdbusctl stat'; complete -C 'kdbusctl status org.ex'; complete -C 'kdbusctl list --name'",
        };
        Outcome outcome = Shell(script, shell, $"PATH={programs}:{Environment.GetEnvironmentVariable("PATH")}", $"KDBUSCTL_BUS={scene.BusPath}", $"HOME={scene.Files}");
        Assert.Equal("status\norg.example.Completed\n--names\n", outcome.Output);
    }

    [Fact]
    public async Task A_completion_where_nothing_is_mounted_offers_nothing_and_says_nothing()
    {
        Outcome outcome = await RunAsync("[suggest:23]", "kdbusctl status --bus x ");
        Assert.Equal("", outcome.Error);
        (await RunAsync("completion", "tcsh")).Failed(64, "tcsh");
    }

    private static async Task<Outcome> RunAsync(params string[] arguments)
    {
        await using Running program = Running.Start(new ProgramCall(arguments));
        return await program.EndAsync();
    }

    private static Outcome Shell(string script, string shell = "bash", params string[] environment)
    {
        ProcessStartInfo start = new($"/usr/bin/{shell}") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script);
        foreach (string variable in environment)
            start.Environment[variable.Split('=')[0]] = variable[(variable.IndexOf('=', StringComparison.Ordinal) + 1)..];
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new Outcome(process.ExitCode, output, error.Result);
    }

    private static IEnumerable<Command> Leaves(Command command) =>
        command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(Leaves);

    private static IEnumerable<string> PathOf(Command command) => command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? [.. PathOf(parent), command.Name] : [];
}
