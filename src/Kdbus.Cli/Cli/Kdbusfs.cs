using System.CommandLine;
using System.Text;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>The commands that kdbusfs does: <c>mount</c>, <c>unmount</c>, <c>run</c>. This process becomes kdbusfs, with the same arguments.</summary>
internal static class Kdbusfs
{
    private const string Program = "kdbusfs";
    private const string Variable = "KDBUSFS_BIN";

    private static readonly (string Name, string Description)[] s_commands =
    [
        ("mount", "Mount a domain; done by kdbusfs, see 'kdbusctl mount --help' and kdbusfs(1)."),
        ("unmount", "Unmount a domain; done by kdbusfs."),
        ("run", "Run a program so that it gets the descriptors of messages; done by kdbusfs."),
    ];

    /// <summary>Whether a command line is one for kdbusfs.</summary>
    public static bool Applies(string[] arguments) => arguments is [var first, ..] && s_commands.Any(command => command.Name == first);

    /// <summary>The commands as the help shows them.</summary>
    public static IEnumerable<Command> Create()
    {
        foreach ((string name, string description) in s_commands)
        {
            string usage = name == "run" ? "PROGRAM [ARGS...]" : "DIR [OPTIONS...]";
            Argument<string[]> arguments = new(usage) { HelpName = usage, Description = $"as for kdbusfs {name}", Arity = ArgumentArity.ZeroOrMore };
            if (name == "unmount")
                arguments.CompletionSources.Add(static _ => Completions.Domains());
            yield return new Command(name, description) { arguments };
        }
    }

    /// <summary>Becomes kdbusfs. Returns only if that fails: the exit code; what is wrong has been printed.</summary>
    public static int Become(string[] arguments)
    {
        string? path = Find();
        int error = -SystemError.ENOENT;
        if (path is not null)
        {
            // As bytes: arguments need not be UTF-8.
            int read = CurrentProcess.ReadArguments(out byte[][] all);
            byte[][] rest = read < 0 || all.Length <= arguments.Length ? [.. arguments.Select(Terminated)] : all[^arguments.Length..];
            error = CurrentProcess.Execute([Terminated(path), .. rest]);
        }
        Console.Error.Write(new Complaint(
            127,
            path is null ? $"cannot {arguments[0]}: there is no {Program} beside this program or in PATH (ENOENT)" : $"cannot start {path}: {SystemError.Describe(error)}",
            $"install it, or say where it is: {Variable}=/path/to/{Program}"));
        return 127;
    }

    /// <summary>Where kdbusfs is: where the environment says, beside this program, in PATH; null if nowhere.</summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return named;
        string[] places = [Path.GetDirectoryName(Environment.ProcessPath) ?? "", .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')];
        return places.Where(static place => place.Length > 0).Select(static place => Path.Combine(place, Program)).FirstOrDefault(File.Exists);
    }

    private static byte[] Terminated(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}
