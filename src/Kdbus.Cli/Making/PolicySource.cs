using System.CommandLine;

namespace Kdbus.Cli;

/// <summary>Where a command has its policy from: a file, which is read again on SIGHUP, or rules on the command line.</summary>
internal sealed class PolicySource
{
    private readonly Argument<string[]>? _arguments;
    private readonly Lock _reloading = new();

    /// <summary>With two options.</summary>
    /// <param name="file">Name of the option with the file.</param>
    /// <param name="rules">Name of the option with rules; null: they are arguments.</param>
    public PolicySource(string file, string? rules)
    {
        FileOption = new Option<string?>(file) { Description = "a file of rules, one a line; read again on SIGHUP, and if it is wrong then the old policy stays", HelpName = "FILE" };
        const string Description = "a rule: NAME WHO ACCESS, as 'org.example.Clock user:alice own' or 'org.example.* user:alice=talk,world=see'";
        if (rules is null)
            _arguments = new Argument<string[]>("RULE") { Description = Description, Arity = ArgumentArity.ZeroOrMore };
        else
            RulesOption = new Option<string[]>(rules) { Description = Description, HelpName = "RULE", AllowMultipleArgumentsPerToken = true };
    }

    /// <summary>The option with the file.</summary>
    public Option<string?> FileOption { get; }

    /// <summary>The option with rules.</summary>
    public Option<string[]>? RulesOption { get; }

    /// <summary>The arguments with rules.</summary>
    public Argument<string[]>? Arguments => _arguments;

    /// <summary>Reads it.</summary>
    /// <exception cref="CommandException">It is wrong.</exception>
    public IReadOnlyList<PolicyEntry> Read(Invocation invocation)
    {
        string[] rules = (RulesOption is { } option ? invocation.Get(option) : invocation.Get(_arguments!)) ?? [];
        if (invocation.Get(FileOption) is not { } file)
            return PolicyText.ReadRules(rules);
        return rules.Length == 0 ? PolicyText.ReadFile(file)
            : throw new CommandException(ExitCode.Usage, $"rules come from {FileOption.Name} or from the command line, not from both");
    }

    /// <summary>What SIGHUP does: reads the file again and sets what it says; a wrong one is told, and nothing changes.</summary>
    /// <param name="invocation">The command.</param>
    /// <param name="set">Sets it.</param>
    /// <returns>Null: there is no file.</returns>
    public Action? Reload(Invocation invocation, Action<IReadOnlyList<PolicyEntry>> set) => invocation.Get(FileOption) is null ? null : () =>
    {
        try
        {
            lock (_reloading)
            {
                IReadOnlyList<PolicyEntry> read = Read(invocation);
                set(read);
                Invocation.Note($"policy read again: {read.Count} names");
            }
        }
#pragma warning disable CA1031 // Whatever it is: what was said before holds.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Complaint complaint = Complaint.Of(exception) ?? new Complaint(ExitCode.Internal, $"a fault of kdbusctl: {exception}", null);
            Invocation.Note($"kdbusctl: {complaint.Message}\n  the old policy stays");
        }
    };
}
