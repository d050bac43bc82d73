using System.CommandLine;
using System.CommandLine.Parsing;
using Kdbus.Abi;

namespace Kdbus.Cli.Watching;

/// <summary>The options that pick messages, which all commands that watch have.</summary>
internal sealed class FilterOptions
{
    private readonly Option<string[]> _sender = Side("--sender", "only what this one sends");
    private readonly Option<string[]> _receiver = Side("--receiver", "only what is sent to this one");
    private readonly Option<string[]> _name = Side("--name", "only what this one sends or is sent, and what the bus tells about it");
    private readonly Option<string[]> _kind = new("--kind", "-k")
    {
        Description = $"only these kinds, with commas between them: {string.Join(", ", MessageKinds.Words)}; the replies to calls come along",
        HelpName = "KIND",
        CustomParser = ParseKinds,
    };
    private readonly Option<ulong[]> _type = new("--type")
    {
        Description = "only these payload types: eight characters such as raw.data or bus.call, or a number in hexadecimal (0x...)",
        HelpName = "TYPE",
        CustomParser = ParseTypes,
    };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_sender);
        command.Options.Add(_receiver);
        command.Options.Add(_name);
        command.Options.Add(_kind);
        command.Options.Add(_type);
    }

    /// <summary>What was asked for.</summary>
    public TrafficFilter Filter(Invocation invocation) => new()
    {
        Senders = Rules(invocation.Get(_sender)),
        Receivers = Rules(invocation.Get(_receiver)),
        Sides = Rules(invocation.Get(_name)),
        Kinds = invocation.Get(_kind) ?? [],
        Types = invocation.Get(_type) ?? [],
    };

    private static IReadOnlyList<SideRule> Rules(string[]? sides) => [.. (sides ?? []).Select(SideRule.Parse)];

    private static Option<string[]> Side(string name, string description, params string[] aliases)
    {
        Option<string[]> option = new(name, aliases) { Description = $"{description}: an id, or a name, which means its owner too", HelpName = "NAME|ID", CustomParser = result => ParseSides(name, result) };
        option.CompletionSources.Add(Completions.Peers);
        return option;
    }

    private static string[] ParseSides(string option, ArgumentResult result)
    {
        string[] words = Words(result);
        foreach (string word in words)
        {
            SideRule rule = SideRule.Parse(word);
            if (rule.Name is null ? rule.Id == 0 : !WellKnownName.IsValid(System.Text.Encoding.UTF8.GetBytes(word)))
                result.AddError($"{option}: '{word}' is neither the id of a connection nor a well-known name.");
        }
        return words;
    }

    private static string[] ParseKinds(ArgumentResult result)
    {
        string[] words = Words(result);
        foreach (string word in words.Where(static word => !MessageKinds.Words.Contains(word, StringComparer.Ordinal)))
            result.AddError($"'{word}' is no kind of message: {string.Join(", ", MessageKinds.Words)}.");
        return words;
    }

    private static ulong[] ParseTypes(ArgumentResult result)
    {
        List<ulong> types = [];
        foreach (string word in Words(result))
        {
            if (PayloadTypeNames.Parse(word) is { } type)
                types.Add(type);
            else
                result.AddError($"'{word}' is no payload type: eight characters such as raw.data, or a number in hexadecimal (0x...).");
        }
        return [.. types];
    }

    private static string[] Words(ArgumentResult result) =>
        [.. result.Tokens.SelectMany(static token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
}
