using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Client;
using Kdbus.Linux;
using Spectre.Console;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl tree</c>: domains, their buses, their endpoints, who is connected, under which names.</summary>
internal static class TreeCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Command command = new("tree", "Show domains, buses, endpoints, connections and names as a tree; of one bus with --bus.") { CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color };
        Invocation.SetAction(command, async invocation =>
        {
            IReadOnlyList<IGrouping<string, BusPlace>> domains = invocation.Has(CommonOptions.Bus) || Environment.GetEnvironmentVariable(BusPlace.Variable) is { Length: > 0 }
                ? [.. new[] { invocation.Bus }.GroupBy(static bus => bus.Domain, StringComparer.Ordinal)]
                : [.. BusPlace.All().GroupBy(static bus => bus.Domain, StringComparer.Ordinal)];
            JsonArray json = [];
            foreach (IGrouping<string, BusPlace> domain in domains)
            {
                List<Branch> buses = [];
                foreach (BusPlace bus in domain)
                    buses.Add(await BusAsync(bus, invocation.Ending).ConfigureAwait(false));
                Branch root = new(domain.Key, "bold", new JsonObject { ["domain"] = domain.Key }, "buses", buses);
                if (invocation.Output.IsJson)
                    json.Add((JsonNode?)root.ToJson());
                else
                    invocation.Output.Console.Write(root.ToTree());
            }
            if (invocation.Output.IsJson)
                invocation.Output.Json(json);
            else if (domains.Count == 0)
                Invocation.Note("there is no bus here; 'kdbusctl domains' shows what is mounted");
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task<Branch> BusAsync(BusPlace place, CancellationToken cancellation)
    {
        List<Branch> below = [];
        foreach (string endpoint in new MountedDomain(place.Domain).Endpoints(place.Bus).Where(static endpoint => endpoint != BusPlace.DefaultEndpoint))
            below.Add(new Branch($"{endpoint} (endpoint)", "yellow", new JsonObject { ["endpoint"] = endpoint }, null, []));
        string? trouble = null;
        try
        {
            BusConnection bus = await BusConnection.ConnectAsync(place.Endpoint, new BusConnectionOptions { Description = "kdbusctl" }, cancellation).ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
            {
                foreach (PeerInfo listed in bus.List(ListFlags.Unique).Where(peer => peer.Id != bus.Id).OrderBy(static peer => peer.Id))
                    below.Add(Connection(Peer.Find(bus, listed, out IReadOnlyList<string> names), names));
            }
        }
        catch (BusException exception)
        {
            trouble = Complaint.Of(exception)!.Message;
        }
        string owner = FileStatus.Of(place.Directory, out FileStatus status) < 0 ? "?" : Users.NameOf(status.Uid);
        JsonObject json = new() { ["bus"] = place.Bus, ["owner"] = owner, ["trouble"] = trouble };
        return new Branch($"{place.Bus} (bus of {owner}){(trouble is null ? "" : $": {trouble}")}", trouble is null ? "green" : "red", json, "below", below);
    }

    private static Branch Connection(Peer peer, IReadOnlyList<string> names)
    {
        string what = $"{peer.Id}  {(peer.Kind == "ordinary" ? "" : $"{peer.Kind}, ")}{Escaped.Text(peer.Process ?? "?")}{(peer.Pid is { } pid ? $" [{pid}]" : "")}"
            + $"{(peer.User is null ? "" : $" of {Escaped.Text(peer.User)}")}{(peer.Description is null ? "" : $", \"{Escaped.Text(peer.Description)}\"")}";
        JsonObject json = new() { ["id"] = peer.Id, ["kind"] = peer.Kind, ["pid"] = peer.Pid, ["process"] = peer.Process, ["user"] = peer.User, ["description"] = peer.Description };
        return new Branch(what, "cyan", json, "names", [.. names.Order(StringComparer.Ordinal).Select(static name => new Branch(name, "green", new JsonObject { ["name"] = name }, null, []))]);
    }

    /// <summary>A thing and what belongs to it.</summary>
    private sealed record Branch(string Text, string Style, JsonObject Json, string? Below, List<Branch> Branches)
    {
        public JsonObject ToJson()
        {
            if (Below is not null)
                Json[Below] = new JsonArray([.. Branches.Select(static branch => (JsonNode?)branch.ToJson())]);
            return Json;
        }

        public Tree ToTree()
        {
            Tree tree = new(new Text(Text, Spectre.Console.Style.Parse(Style)));
            foreach (Branch branch in Branches)
                branch.AddTo(tree);
            return tree;
        }

        private void AddTo(IHasTreeNodes parent)
        {
            TreeNode node = parent.AddNode(new Text(Text, Spectre.Console.Style.Parse(Style)));
            foreach (Branch branch in Branches)
                branch.AddTo(node);
        }
    }
}
