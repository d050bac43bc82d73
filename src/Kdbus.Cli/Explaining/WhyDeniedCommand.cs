using System.CommandLine;
using Kdbus.Abi;
using Kdbus.Cli.Status;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl why-denied</c>: why somebody may not talk to somebody, and what to write to let him.</summary>
internal static class WhyDeniedCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> from = new("FROM") { Description = "a connection id or the name it owns, user:alice, user:1000, alice, or me" };
        Argument<string> to = new("TO") { Description = "a name, or a connection id" };
        Option<bool> own = new("--own") { Description = "whether it may own the name TO" };
        Option<bool> see = new("--see") { Description = "whether it may see TO" };
        Command command = new(
            "why-denied",
            "Say whether somebody may talk to somebody, what decides, and what to write to allow it: permissions of the bus, the policy of the sender's endpoint, that of the bus. For the owner of the bus and root.")
        {
            from.WithPeers(), to.WithPeers(), own, see, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, invocation =>
        {
            PolicyAccessLevel level = (invocation.Get(own), invocation.Get(see)) switch
            {
                (true, true) => throw new CommandException(ExitCode.Usage, "--own and --see are two questions; ask them one by one"),
                (true, false) => PolicyAccessLevel.Own,
                (false, true) => PolicyAccessLevel.See,
                _ => PolicyAccessLevel.Talk,
            };
            BusPlace bus = invocation.Bus;
            StatusFiles status = new(bus);
            IReadOnlyList<ConnectionRow> connections = status.Connections();
            Somebody somebody = Askers.Find(bus, connections, invocation.Get(from));
            // Who is on the bus has come in.
            if (somebody.Connection is null && Entrance.WhyClosed(bus, somebody.Ids) is { } closed)
                return Task.FromResult(Deny(invocation.Output, somebody, level, invocation.Get(to), closed));
            return Task.FromResult(Explain(status, connections, somebody, level, invocation.Get(to)).Tell(invocation.Output));
        });
        return command;
    }

    private static Explanation Explain(StatusFiles status, IReadOnlyList<ConnectionRow> connections, Somebody somebody, PolicyAccessLevel level, string to)
    {
        bool isName = Askers.IsName(to);
        if (level == PolicyAccessLevel.Own && !isName)
            throw new CommandException(ExitCode.Usage, $"'{Escaped.Text(to)}' is no name that could be owned");
        if (level == PolicyAccessLevel.Own || (isName && !connections.Any(row => row.Owns(to))))
            return PolicyCheckCommand.Explain(status, connections, somebody, level, to);
        ConnectionRow target = Askers.FindConnection(connections, to);
        if (level == PolicyAccessLevel.Talk)
            return PolicyCheckCommand.ExplainTalk(status, somebody, target, isName ? to : null);
        if (isName)
            return PolicyCheckCommand.Explain(status, connections, somebody, level, to);
        IReadOnlyList<PolicyRow> rows = status.Policy();
        PolicyBook? own = somebody.Endpoint is { } endpoint ? PolicyBook.Of(rows, endpoint) : null;
        return new Explanation(
            somebody.Title, somebody.Ids, level, Party.Title(target), target.Names, Verdict.See(somebody.Ids, own, PolicyBook.Of(rows, endpoint: null), target.Names));
    }

    private static int Deny(Output output, Somebody somebody, PolicyAccessLevel level, string to, Closed closed)
    {
        if (output.IsJson)
        {
            output.Json(new System.Text.Json.Nodes.JsonObject
            {
                ["allowed"] = false,
                ["access"] = PolicyText.Of(level),
                ["reasons"] = new System.Text.Json.Nodes.JsonArray(closed.Reason),
                ["decidedBy"] = new System.Text.Json.Nodes.JsonObject { ["ground"] = "permissions", ["endpoint"] = null, ["entry"] = null },
                ["rule"] = null,
            });
        }
        output.Part("denied", "red");
        output.Line($": {somebody.Title} cannot even connect, so may not {(level == PolicyAccessLevel.Talk ? "talk to" : PolicyText.Of(level))} {Escaped.Text(to)}");
        output.Line($"  {closed.Reason}");
        output.Line($"  {closed.Advice}");
        return ExitCode.No;
    }
}
