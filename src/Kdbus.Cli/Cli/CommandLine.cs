using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using Kdbus.Cli.Capture;
using Kdbus.Cli.Watching;
using Kdbus.Spelling;

namespace Kdbus.Cli;

/// <summary>The command line of kdbusctl: which commands there are. Each is made, and done, in a file of its own.</summary>
internal static class CommandLine
{
    /// <summary>Runs the program.</summary>
    /// <param name="arguments">The arguments, without the program's name.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (Kdbusfs.Applies(arguments))
            return Kdbusfs.Become(arguments);
        ParseResult result = Build().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Errors.Count > 0 && result.Action is not (HelpWithExitCodes or VersionText))
        {
            Complaint complaint = WrongUsage(result);
            await Console.Error.WriteAsync(complaint.ToString()).ConfigureAwait(false);
            return complaint.Code;
        }
        // Signals are the invocation's business.
        return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
    }

    /// <summary>All commands.</summary>
    internal static RootCommand Build()
    {
        RootCommand root = new("kdbusctl: see and drive a kdbusfs bus from the shell.");
        foreach (Command command in (Command[])
            [
                .. Kdbusfs.Create(),
                DomainsCommand.Create(),
                BusCommand.Create(),
                EndpointCommand.Create(),
                PolicyCommand.Create(),
                InfoCommand.Create(),
                ListCommand.Create(),
                StatusCommand.Create(),
                TreeCommand.Create(),
                WaitCommand.Create(),
                SendCommand.Create(),
                CallCommand.Create(),
                EmitCommand.Create(),
                ServeCommand.Create(),
                MonitorCommand.Create(),
                CaptureCommand.Create(),
                ReplayCommand.Create(),
                TopCommand.Create(),
                WhyDeniedCommand.Create(),
                WhyBlockedCommand.Create(),
                DoctorCommand.Create(),
                BenchCommand.Create(),
                CompletionCommand.Create(),
            ])
            root.Add(command);
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction standard } help)
            {
                help.Action = new HelpWithExitCodes(standard);
                // Not those of other systems, which a completion would offer too.
                help.Aliases.Clear();
                help.Aliases.Add("-h");
            }
            else if (option is VersionOption version)
                version.Action = new VersionText();
        }
        return root;
    }

    private static Complaint WrongUsage(ParseResult result)
    {
        string command = string.Join(' ', PathOf(result.CommandResult.Command));
        // Some of the parser's messages are lists over several lines.
        string message = string.Join(' ', result.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
        if (result.UnmatchedTokens.FirstOrDefault(static token => token.StartsWith('-')) is { } option)
        {
            Command here = result.CommandResult.Command;
            Command? knows = here.Subcommands.Prepend(here).FirstOrDefault(known => known.Options.Any(had => had.Name == option || had.Aliases.Contains(option)));
            return knows is null
                ? new Complaint(ExitCode.Usage, $"unknown option '{option}'", $"see {command} --help")
                : new Complaint(ExitCode.Usage, $"'{option}' stands before the command it belongs to", $"options come behind: {string.Join(' ', PathOf(knows))} {option}");
        }
        string[] words = [.. result.CommandResult.Command.Subcommands.Where(static known => !known.Hidden).Select(static known => known.Name)];
        if (words.Length > 0 && result.UnmatchedTokens is [var word, ..])
        {
            string? meant = EditDistance.Closest(word, words);
            return new Complaint(ExitCode.Usage, $"unknown command '{word}'", meant is null ? $"see {command} --help" : $"did you mean '{meant}'?");
        }
        return new Complaint(ExitCode.Usage, message, $"see {command} --help");
    }

    private static IEnumerable<string> PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? [.. PathOf(parent), command.Name] : ["kdbusctl"];

    private sealed class HelpWithExitCodes(HelpAction standard) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = standard.Invoke(parseResult);
            if (parseResult.CommandResult.Command is not RootCommand)
                return code;
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Exit codes:");
            foreach ((int number, string meaning) in ExitCode.Table)
                output.WriteLine($"  {number,3}  {meaning}");
            return code;
        }
    }

    private sealed class VersionText : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var version = typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
            parseResult.InvocationConfiguration.Output.WriteLine($"kdbusctl {version?.InformationalVersion}");
            return ExitCode.Success;
        }
    }
}
