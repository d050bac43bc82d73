using System.CommandLine;
using System.Text.Json.Nodes;
using Kdbus.Cli.Status;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl policy</c>: the policy that is in force, policy that this program holds, and what it means for somebody.</summary>
internal static class PolicyCommand
{
    private static readonly Sheet<Row> s_sheet = new Sheet<Row>()
        .Column("OF", "of", static row => row.Endpoint is null ? Cell.Of("bus", "dim") : Cell.Of(row.Endpoint, "yellow"))
        .Column("NAME", "name", static row => Cell.Of(row.Name, "green"))
        .Column("ACCESS", "access", static row => new Cell(
            PolicyText.Of(row.Access), new JsonArray([.. row.Access.Select(static access => (JsonNode?)JsonValue.Create(PolicyText.Of(access)))])))
        .Column("HOLDER", "holder", static row => Cell.Of(row.Holder, "cyan"), rank: 1, isNumber: true)
        .Column("PROCESS", "process", static row => Cell.Of(row.Process), rank: 2)
        .Column("USER", "user", static row => Cell.Of(row.User), rank: 3);

    /// <summary>Makes the command.</summary>
    public static Command Create() => new("policy", "Show the policy of a bus, hold policy, and say what it allows to whom.") { Show(), Set(), PolicyCheckCommand.Create() };

    private static Command Show()
    {
        Argument<string?> name = new("NAME") { Description = "only what is about this name: its own entry, and the wildcard that would stand for it", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = static _ => null };
        Option<string?> endpoint = new("--endpoint", "-e") { Description = "only the policy of this custom endpoint; 'bus' is that of the bus", HelpName = "ENDPOINT" };
        Option<bool> rules = new("--rules") { Description = "as rules, one a line, as 'policy set --file' and 'endpoint make --policy' read them; those of the bus, unless --endpoint says another" };
        Command command = new("show", "Show the policy of a bus and of its custom endpoints: who may see, talk to, or own which names, and who says so. For the owner of the bus and root.")
        {
            name.WithPeers(), endpoint, rules, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, invocation =>
        {
            string? asked = invocation.Get(name), of = invocation.Get(endpoint);
            // What is read again is the policy of one of them.
            if (of is null && invocation.Get(rules))
                of = BusPlace.DefaultEndpoint;
            if (of is not null)
                of = Askers.Endpoint(invocation.Bus, of);
            StatusFiles status = new(invocation.Bus);
            Dictionary<ulong, string?> processes = status.Connections().ToDictionary(static row => row.Id, static row => row.Process);
            List<Row> rows =
            [
                .. status.Policy().Where(row => of is null || (row.Endpoint ?? BusPlace.DefaultEndpoint) == of)
                    .Where(row => asked is null || row.Name == asked || row.Name == PolicyBook.WildcardOf(asked))
                    .Select(row => new Row(
                        row.Endpoint, row.Name, [.. row.Access.Select(PolicyBook.Read)], row.Owner, row.Owner is { } id ? processes.GetValueOrDefault(id) : null,
                        row.Uid is { } uid ? Users.NameOf(uid) : null)),
            ];
            if (invocation.Get(rules) && !invocation.Output.IsJson)
                rows.ForEach(row => invocation.Output.Line($"{row.Name} {PolicyText.Of(row.Access)}"));
            else
                invocation.Output.Write(s_sheet, rows);
            return Task.FromResult(ExitCode.Success);
        });
        return command;
    }

    private static Command Set()
    {
        PolicySource policy = new("--file", rules: null);
        Command command = new("set", "Hold policy: a policy holder for each name, until Ctrl-C or SIGTERM, or until the bus ends. For the owner of the bus and root.")
        {
            policy.Arguments!, policy.FileOption, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Holding.SetAction(command, words: 2, async invocation =>
        {
            IReadOnlyList<PolicyEntry> entries = policy.Read(invocation);
            if (entries.Count == 0)
                throw new CommandException(ExitCode.Usage, "no rule is given", "say NAME WHO ACCESS, as: kdbusctl policy set org.example.Clock world talk");
            HeldPolicy held = new(invocation.Bus, invocation.ConnectAsync);
            await held.SetAsync(entries).ConfigureAwait(false);
            Action? reload = policy.Reload(invocation, read => held.SetAsync(read).AsTask().GetAwaiter().GetResult());
            return new Held(invocation.Bus.Endpoint, () => Tell(invocation.Output, entries), reload, held.DisposeAsync);
        });
        return command;
    }

    private static void Tell(Output output, IReadOnlyList<PolicyEntry> entries)
    {
        if (output.IsJson)
        {
            output.Json(new JsonObject
            {
                ["pid"] = Environment.ProcessId, ["policy"] = new JsonArray([.. entries.Select(static entry => (JsonNode?)JsonValue.Create(entry.ToString()))]),
            });
        }
        output.Line($"holding the policy of {string.Join(", ", entries.Select(static entry => entry.Name))}");
    }

    private sealed record Row(string? Endpoint, string Name, IReadOnlyList<Client.PolicyAccess> Access, ulong? Holder, string? Process, string? User);
}
