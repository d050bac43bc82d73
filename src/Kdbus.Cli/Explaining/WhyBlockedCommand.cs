using System.CommandLine;
using System.Text.Json.Nodes;
using Kdbus.Cli.Status;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl why-blocked</c>: why senders find no room at a receiver.</summary>
internal static class WhyBlockedCommand
{
    private const long UsualMaxRequests = 128;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> whom = new("ID|NAME") { Description = "the receiver: a connection id, or a name" };
        Command command = new(
            "why-blocked",
            "Say whether senders find no room at a receiver (ENOBUFS, EXFULL, EMFILE), whose messages are in the way, and since when it has not read. For the owner of the bus and root.")
        {
            whom.WithPeers(), CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, invocation =>
        {
            StatusFiles status = new(invocation.Bus);
            IReadOnlyList<ConnectionRow> connections = status.Connections();
            ConnectionRow receiver = Askers.FindConnection(connections, invocation.Get(whom));
            ReceiverState state = new(
                receiver, connections, [.. status.Quota().Where(row => row.Receiver == receiver.Id)], [.. status.Queues().Where(row => row.Receiver == receiver.Id)], status.Replies(),
                MaxRequests(invocation.Bus));
            return Task.FromResult(Tell(invocation.Output, receiver, Blockage.Find(state)));
        });
        return command;
    }

    private static int Tell(Output output, ConnectionRow receiver, IReadOnlyList<Obstacle> found)
    {
        bool blocks = found.Any(static obstacle => obstacle is { Error: not null, IsNow: true });
        bool blocked = found.Any(static obstacle => obstacle.Error is not null);
        string[] advice = [.. found.Where(static obstacle => obstacle.Advice is not null).Select(static obstacle => obstacle.Advice!).Distinct(StringComparer.Ordinal)];
        if (output.IsJson)
        {
            output.Json(new JsonObject
            {
                ["id"] = receiver.Id,
                ["blocks"] = blocks,
                ["blocked"] = blocked,
                ["findings"] = new JsonArray([.. found.Select(static obstacle => (JsonNode?)new JsonObject { ["text"] = obstacle.Sentence, ["error"] = obstacle.Error, ["now"] = obstacle.IsNow })]),
                ["advice"] = new JsonArray([.. advice.Select(static text => (JsonNode?)JsonValue.Create(text))]),
            });
        }
        output.Part(blocks ? "blocked" : blocked ? "was blocked" : "not blocked", blocks ? "red" : blocked ? "yellow" : "green");
        output.Line($": {Party.Title(receiver)}{(blocks ? " has no room" : blocked ? " had no room" : " has room")}");
        foreach (Obstacle obstacle in found)
        {
            output.Part($"  {obstacle.Sentence}");
            output.Line(obstacle is { Error: { } error, IsNow: true } ? $" ({error})" : "");
        }
        foreach (string line in advice)
            output.Line($"  {line}", "dim");
        return blocked ? ExitCode.No : ExitCode.Success;
    }

    // Only the user of the server reads the limits.
    private static long MaxRequests(BusPlace bus)
    {
        try
        {
            return StatusFiles.Limits(new MountedDomain(bus.Domain)).FirstOrDefault(static limit => limit.Name == "max-requests")?.Value ?? UsualMaxRequests;
        }
        catch (CommandException)
        {
            return UsualMaxRequests;
        }
    }
}
