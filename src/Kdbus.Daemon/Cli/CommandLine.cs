using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using System.Text;
using Kdbus.Linux;
using Kdbus.Spelling;

namespace Kdbus.Daemon.Cli;

/// <summary>
/// The command line of kdbusfs: which words there are, and what they mean to <see cref="MountCommand"/> and <see cref="UnmountCommand"/>.
/// The forms other programs dictate are recognised first (<see cref="MountHelperForm"/>); whatever is wrong is one message and exit code
/// 64.
/// </summary>
public static class CommandLine
{
    internal const string ReadyDescriptorName = "--ready-descriptor";
    internal const string IgnoreUnknownOptionsName = "--ignore-unknown-options";

    private static readonly (string Word, LogFormat Format)[] s_logFormats =
        [("text", LogFormat.Text), ("json", LogFormat.Json), ("systemd", LogFormat.Systemd)];

    /// <summary>Runs the program.</summary>
    /// <param name="arguments">The arguments, without the program's name.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments)
    {
        string programName = ProgramName();
        if (MountHelperForm.Applies(programName, arguments))
        {
            Failure? failure = MountHelperForm.Parse(programName, arguments, out MountRequest? request);
            return failure is null ? MountCommand.Run(request!) : StandardError.Print(failure);
        }
        if (RunForm.Applies(arguments))
            return RunForm.Run(arguments);
        ParseResult result = Build().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Errors.Count > 0 && result.Action is not (HelpTables or VersionText))
            return StandardError.Print(Complaint(result));
        return result.Invoke();
    }

    internal static string NameOf(LogFormat format) => s_logFormats.First(known => known.Format == format).Word;

    private static RootCommand Build()
    {
        var directory = new Argument<string>("DIR") { Description = "the directory to mount on" };
        var optionLists = new Option<string[]>("-o")
        {
            Description = "mount options, separated by commas",
            HelpName = "OPT[,OPT...]",
            DefaultValueFactory = static _ => [],
        };
        var foreground = new Option<bool>("--foreground", "-f") { Description = "serve in this process instead of a background one" };
        var debug = new Option<bool>("--debug", "-d") { Description = "log every request" };
        var logFormat = new Option<string>("--log-format")
        {
            Description = "how log lines look",
            HelpName = "text|json|systemd",
            DefaultValueFactory = static _ => "text",
        };
        _ = logFormat.AcceptOnlyFromAmong([.. s_logFormats.Select(known => known.Word)]);
        var logFile = new Option<string>("--log-file")
        {
            Description = "append log lines to a file; without it a background process logs nothing",
            HelpName = "FILE",
        };
        var readyDescriptor = new Option<int>(ReadyDescriptorName) { Hidden = true, DefaultValueFactory = _ => -1 };
        var ignoreUnknown = new Option<bool>(IgnoreUnknownOptionsName) { Hidden = true };
        var mount = new Command("mount", "Mount a kdbus domain; done when it can be used.")
        {
            directory, optionLists, foreground, debug, logFormat, logFile, readyDescriptor, ignoreUnknown,
        };
        mount.SetAction(result => MountCommand.Run(
            new MountRequest
            {
                Directory = result.GetRequiredValue(directory),
                OptionLists = result.GetRequiredValue(optionLists),
                Foreground = result.GetValue(foreground),
                Debug = result.GetValue(debug),
                LogFormat = s_logFormats.First(known => known.Word == result.GetRequiredValue(logFormat)).Format,
                LogFile = result.GetValue(logFile),
                ReadyDescriptor = result.GetValue(readyDescriptor),
                IgnoreUnknownOptions = result.GetValue(ignoreUnknown),
                Tells = true,
            }));

        var mountPoint = new Argument<string>("DIR") { Description = "where it is mounted" };
        var lazy = new Option<bool>("--lazy", "-z", "-l") { Description = "take it out of the tree at once; open files go on working" };
        var unmount = new Command("unmount", "Unmount a kdbus domain.") { mountPoint, lazy };
        unmount.SetAction(result => UnmountCommand.Run(result.GetRequiredValue(mountPoint), result.GetValue(lazy)));

        var program = new Argument<string>("PROGRAM") { Description = "the program, looked for in PATH" };
        var programArguments = new Argument<string[]>("ARGS") { Description = "its arguments; all that follows PROGRAM is one" };
        var run = new Command(RunForm.Command, RunHelp.Text) { program, programArguments };

        var root = new RootCommand("kdbusfs: kdbus, the message bus that is a file system, in user space.") { mount, unmount, run };
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction standard } help)
                help.Action = new HelpTables(standard);
            else if (option is VersionOption version)
                version.Action = new VersionText();
        }
        return root;
    }

    private static Failure Complaint(ParseResult result)
    {
        if (result.CommandResult.Command is RootCommand root && result.UnmatchedTokens is [var word, ..])
        {
            string? meant = EditDistance.Closest(word, root.Subcommands.Select(static command => command.Name));
            string hint = meant is null ? "see kdbusfs --help" : $"did you mean '{meant}'?";
            return new Failure(ExitCode.Usage, $"unknown command '{word}'", hint);
        }
        // Some of the parser's messages are lists over several lines.
        string message = string.Join(' ', result.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return new Failure(ExitCode.Usage, message.TrimEnd('.'), "see kdbusfs --help");
    }

    // argv[0]: the runtime's own list of arguments begins with the path of the program instead of the name it was called by.
    private static string ProgramName()
    {
        byte[] text = [];
        int length = ProcFile.Read(Environment.ProcessId, "cmdline"u8, ref text);
        int end = length <= 0 ? -1 : text.AsSpan(0, length).IndexOf((byte)0);
        return end <= 0 ? "kdbusfs" : Encoding.UTF8.GetString(text, 0, end);
    }

    private sealed class HelpTables(HelpAction standard) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = standard.Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            if (parseResult.CommandResult.Command.Name is not ("unmount" or RunForm.Command))
                WriteMountOptions(output);
            output.WriteLine("Exit codes:");
            foreach ((int number, string meaning) in ExitCode.Table)
                output.WriteLine($"  {number,3}  {meaning}");
            return code;
        }

        private static void WriteMountOptions(TextWriter output)
        {
            output.WriteLine("Mount options:");
            foreach (MountOption option in MountOptions.Table)
            {
                string usage = option.ValueName is null ? option.Name : $"{option.Name}={option.ValueName}";
                if (option.Help is not null)
                    output.WriteLine($"  {usage,-36}  {option.Help}");
            }
            output.WriteLine("  (rw, noauto, user, _netdev, x-... and the other options common to all mounts are accepted)");
            output.WriteLine();
        }
    }

    private sealed class VersionText : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var version = typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
            parseResult.InvocationConfiguration.Output.WriteLine($"kdbusfs {version?.InformationalVersion}");
            return ExitCode.Success;
        }
    }
}
