using System.CommandLine;
using Kdbus.Abi;
using Kdbus.Cli.Status;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl policy check</c>: whether somebody may own, talk to, or see a name, and which entry says so.</summary>
internal static class PolicyCheckCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> who = new("WHO") { Description = "a connection id or the name it owns, user:alice, user:1000, alice, or me" };
        Argument<string> access = new("ACCESS") { Description = "own, talk or see" };
        _ = access.AcceptOnlyFromAmong("own", "talk", "see");
        Argument<string> name = new("NAME") { Description = "the name" };
        Option<string?> endpoint = new("--endpoint", "-e") { Description = "through this custom endpoint: its policy is asked first, then that of the bus", HelpName = "ENDPOINT" };
        Command command = new("check", "Say whether somebody may own, talk to, or see a name, and which entry of the policy decides. For the owner of the bus and root.")
        {
            who.WithPeers(), access, name.WithPeers(), endpoint, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, invocation =>
        {
            PolicyAccessLevel level = PolicyText.Level(invocation.Get(access))!.Value;
            string asked = invocation.Get(name);
            if (!Askers.IsName(asked))
                throw new CommandException(ExitCode.Usage, $"'{Escaped.Text(asked)}' is no name: two words or more with dots between them, none beginning with a digit");
            BusPlace bus = invocation.Get(endpoint) is { } through ? invocation.Bus with { EndpointName = Askers.Endpoint(invocation.Bus, through) } : invocation.Bus;
            StatusFiles status = new(bus);
            IReadOnlyList<ConnectionRow> connections = status.Connections();
            Somebody somebody = Askers.Find(bus, connections, invocation.Get(who));
            if (invocation.Has(endpoint))
                somebody = somebody with { Endpoint = bus.EndpointName == BusPlace.DefaultEndpoint ? null : bus.EndpointName };
            return Task.FromResult(Explain(status, connections, somebody, level, asked).Tell(invocation.Output));
        });
        return command;
    }

    /// <summary>Whether somebody may do something with a name, whoever owns it.</summary>
    public static Explanation Explain(StatusFiles status, IReadOnlyList<ConnectionRow> connections, Somebody somebody, PolicyAccessLevel level, string name)
    {
        if (level == PolicyAccessLevel.Talk && connections.FirstOrDefault(row => row.Owns(name)) is { } owner)
            return ExplainTalk(status, somebody, owner, name);
        IReadOnlyList<PolicyRow> rows = status.Policy();
        PolicyBook bus = PolicyBook.Of(rows, endpoint: null);
        PolicyBook? own = somebody.Endpoint is { } endpoint ? PolicyBook.Of(rows, endpoint) : null;
        Verdict verdict = level switch
        {
            PolicyAccessLevel.Own => Verdict.Own(somebody.Ids, own, bus, name),
            PolicyAccessLevel.Talk => Verdict.Talk(somebody.Ids, own, bus, owner: null, [name]),
            _ => Verdict.See(somebody.Ids, own, bus, [name]),
        };
        return new Explanation(somebody.Title, somebody.Ids, level, level == PolicyAccessLevel.Talk ? $"{name}, which nobody owns now" : name, [name], verdict);
    }

    /// <summary>Whether somebody may talk to a connection: all its names count.</summary>
    public static Explanation ExplainTalk(StatusFiles status, Somebody somebody, ConnectionRow to, string? name)
    {
        IReadOnlyList<PolicyRow> rows = status.Policy();
        PolicyBook? own = somebody.Endpoint is { } endpoint ? PolicyBook.Of(rows, endpoint) : null;
        // The one that was asked about first: it is the one to write policy for.
        string[] names = [.. to.Names.OrderBy(owned => owned != name)];
        return new Explanation(
            somebody.Title, somebody.Ids, PolicyAccessLevel.Talk, Party.Title(to), names, Verdict.Talk(somebody.Ids, own, PolicyBook.Of(rows, endpoint: null), to.Uid, names));
    }
}
