using System.CommandLine;
using System.Text.Json.Nodes;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl endpoint make</c>: a custom endpoint, with a policy of its own, that lives as long as the command.</summary>
internal static class EndpointCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Argument<string> name = new("NAME") { Description = "what the endpoint is called behind your uid and a dash: letters, digits, and _ - . inside" };
        (Option<bool> world, Option<bool> group) = Doors.Options("the endpoint");
        PolicySource policy = new("--policy", "--allow");
        Command make = new("make", "Make a custom endpoint: one more door to a bus, which allows what its policy says and the bus allows too. It lives until Ctrl-C or SIGTERM, or until the bus ends.")
        {
            name, world, group, policy.FileOption, policy.RulesOption!, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Holding.SetAction(make, words: 2, invocation =>
        {
            IReadOnlyList<PolicyEntry> entries = policy.Read(invocation);
            OwnedEndpoint endpoint = OwnedEndpoint.Make(invocation.Bus.Directory, Doors.Check(invocation.Get(name), "an endpoint"), Doors.Access(invocation, world, group));
            try
            {
                Set(endpoint, entries);
            }
            catch
            {
                endpoint.Dispose();
                throw;
            }
            return Task.FromResult(new Held(endpoint.Path, () => Tell(invocation.Output, endpoint, entries), policy.Reload(invocation, read => Set(endpoint, read)), () =>
            {
                endpoint.Dispose();
                return ValueTask.CompletedTask;
            }));
        });
        return new Command("endpoint", "Make a custom endpoint.") { make };
    }

    private static void Set(OwnedEndpoint endpoint, IReadOnlyList<PolicyEntry> entries) =>
        endpoint.SetPolicy(entries.Select(static entry => KeyValuePair.Create(entry.Name, entry.Access)));

    private static void Tell(Output output, OwnedEndpoint endpoint, IReadOnlyList<PolicyEntry> entries)
    {
        if (output.IsJson)
        {
            output.Json(new JsonObject
            {
                ["endpoint"] = endpoint.Path,
                ["pid"] = Environment.ProcessId,
                ["policy"] = new JsonArray([.. entries.Select(static entry => (JsonNode?)JsonValue.Create(entry.ToString()))]),
            });
        }
        output.Line(endpoint.Path);
    }
}
