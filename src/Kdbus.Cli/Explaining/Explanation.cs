using System.Globalization;
using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>A verdict in sentences, and what would have to be said for it to be yes.</summary>
/// <param name="Asker">Who asks, in a sentence.</param>
/// <param name="Ids">Who that is for policy.</param>
/// <param name="Level">What it wants.</param>
/// <param name="Target">Of what, in a sentence.</param>
/// <param name="Names">The names that could allow it.</param>
/// <param name="Verdict">What the bus would say.</param>
internal sealed record Explanation(string Asker, Asker Ids, PolicyAccessLevel Level, string Target, IReadOnlyList<string> Names, Verdict Verdict)
{
    /// <summary>Shows it; the exit code.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="remarks">More sentences.</param>
    public int Tell(Output output, params IReadOnlyList<string> remarks)
    {
        bool allows = Verdict.Allows;
        string[] sentences = [.. Verdict.Steps.Select(Sentence), .. remarks];
        string? advice = allows ? null : Advice(Verdict.Decisive);
        string? rule = allows ? null : Rule(Verdict.Decisive);
        if (output.IsJson)
        {
            output.Json(new JsonObject
            {
                ["allowed"] = allows,
                ["access"] = PolicyText.Of(Level),
                ["reasons"] = new JsonArray([.. sentences.Select(static text => (JsonNode?)JsonValue.Create(text))]),
                ["decidedBy"] = Verdict.Decisive is { } step ? new JsonObject
                {
                    ["ground"] = Word(step.Ground),
                    ["endpoint"] = step.Book.Endpoint,
                    ["entry"] = step.Answer.Count == 0 ? null : step.Answer[0].Entry?.ToString(),
                }
                : null,
                ["rule"] = rule,
            });
        }
        output.Part(allows ? "allowed" : "denied", allows ? "green" : "red");
        output.Line($": {Asker} {(allows ? "may" : "may not")} {PolicyText.Of(Level)} {Target}".Replace(" talk ", " talk to ", StringComparison.Ordinal));
        foreach (string sentence in sentences)
            output.Line($"  {sentence}");
        if (advice is not null)
            output.Line($"  {advice}");
        return allows ? ExitCode.Success : ExitCode.No;
    }

    private string Sentence(Step step) => step.Ground switch
    {
        Ground.Privileged => $"the owner of the bus, and who has CAP_IPC_OWNER, may do everything on the endpoint 'bus'; that is {Asker}",
        Ground.SameUser => "both are of the same user, and no policy is asked",
        Ground.NothingHidden => "through the endpoint 'bus' everything can be seen",
        Ground.NoName => $"{Target} owns no name, and {step.Book.Title} speaks of names only",
        Ground.NoEntry => $"{step.Book.Title} has no entry for {OneOf(step.Answer)}",
        _ when step.Allows => $"{step.Book.Title} allows it: '{step.Answer[0].Entry!.Name} {PolicyText.Of(step.Answer[0].Granted!.Value)}'{Stands(step.Answer[0])}",
        _ => $"{step.Book.Title} does not allow it: {string.Join("; ", step.Answer.Where(static answer => answer.Entry is not null).Select(Shortfall))}",
    };

    private string Shortfall(PolicyAnswer answer)
    {
        string what = answer.Granted is { } granted ? $"gives {Asker} no more than {PolicyText.Of(granted.Level)}" : $"gives {Asker} nothing";
        string hidden = answer.Entry!.Name == answer.Name && Hides(answer) is { } wildcard ? $", and hides '{wildcard}'" : "";
        return $"the entry '{answer.Entry}' {what}{hidden}";
    }

    /// <summary>The wildcard that would have given it, were it not for an entry of the very name.</summary>
    private PolicyEntry? Hides(PolicyAnswer answer)
    {
        PolicyBook book = Verdict.Decisive.Book;
        PolicyAnswer without = new PolicyBook(book.Endpoint, [.. book.Entries.Where(entry => entry.Name != answer.Name)]).Ask(Ids, answer.Name);
        return without.Gives(Level) ? without.Entry : null;
    }

    private static string Stands(PolicyAnswer answer) => answer.Entry!.Name == answer.Name ? "" : $", which stands for {answer.Name}";

    private static string OneOf(IReadOnlyList<PolicyAnswer> answers) => answers.Count == 1 ? answers[0].Name : $"any of {string.Join(", ", answers.Select(static answer => answer.Name))}";

    /// <summary>The line that would allow it: what the name's own entry says already, and this.</summary>
    private string? Rule(Step step)
    {
        if (Names.Count == 0)
            return null;
        PolicyAnswer answer = step.Answer.FirstOrDefault(answer => answer.Entry?.Name == answer.Name) ?? step.Answer[0];
        IEnumerable<PolicyAccess> known = answer.Entry?.Name == answer.Name ? answer.Entry.Access : [];
        PolicyAccess wanted = PolicyAccess.User(Ids.Uid, Level);
        return new PolicyEntry(answer.Name, [.. known.Where(access => (access.Type, access.Id) != (wanted.Type, wanted.Id)), wanted]).ToString();
    }

    private string Advice(Step step)
    {
        if (Rule(step) is not { } rule)
            return "only its own user and who is privileged on the bus can reach it; it would have to own a name that policy allows";
        if (step.Book.Endpoint is { } endpoint)
            return $"to allow it, the maker of the endpoint {endpoint} has to say: {rule}";
        if (step.Answer.FirstOrDefault(static answer => answer.Entry?.Name == answer.Name)?.Entry is not { } entry)
            return $"to allow it: kdbusctl policy set '{rule}'";
        // A name has one holder.
        string holder = entry.Holder is { } id ? string.Create(CultureInfo.InvariantCulture, $"connection {id}, which holds that entry,") : "who holds that entry";
        return $"to allow it, {holder} has to say: {rule}";
    }

    private static string Word(Ground ground) => ground switch
    {
        Ground.Privileged => "privileged",
        Ground.SameUser => "same-user",
        Ground.Entry => "entry",
        Ground.NoEntry => "no-entry",
        Ground.NoName => "no-name",
        _ => "nothing-hidden",
    };
}
