using System.CommandLine;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl list</c>: who is on the bus, under which names.</summary>
internal static class ListCommand
{
    private static readonly Sheet<Row> s_sheet = new Sheet<Row>()
        .Column("NAME", "name", static row => row.Name is null ? Cell.None : Cell.Of(row.Name, "green"))
        .Column("ID", "id", static row => Cell.Of(row.Id, "cyan"), isNumber: true)
        .Column("KIND", "kind", static row => Cell.Of(row.Kind, row.Kind == "queued" ? "dim" : null), rank: 2)
        .Column("PID", "pid", static row => Cell.Of(row.Pid), rank: 1, isNumber: true)
        .Column("PROCESS", "process", static row => Cell.Of(row.Process))
        .Column("USER", "user", static row => Cell.Of(row.User), rank: 3)
        .Column("DESCRIPTION", "description", static row => Cell.Of(row.Description), rank: 4);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Option<bool> names = new("--names", "-n") { Description = "only connections that own a name" };
        Option<bool> activators = new("--activators", "-a") { Description = "only activators" };
        Option<bool> queued = new("--queued", "-q") { Description = "only who waits for a name that somebody else owns" };
        Command command = new("list", "Show who is on the bus: names, unique ids, activators, who waits for a name; processes, users, descriptions.")
        {
            names, activators, queued, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, async invocation =>
        {
            ListFlags asked = (invocation.Get(names) ? ListFlags.Names : 0) | (invocation.Get(activators) ? ListFlags.Activators : 0) | (invocation.Get(queued) ? ListFlags.Queued : 0);
            BusConnection bus = await invocation.ConnectAsync().ConfigureAwait(false);
            await using (bus.ConfigureAwait(false))
                invocation.Output.Write(s_sheet, Rows(bus, asked));
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>A row for each name of each connection, and one for each connection without any; sorted by name, then by id.</summary>
    private static List<Row> Rows(BusConnection bus, ListFlags asked)
    {
        Dictionary<ulong, Peer> peers = [];
        List<Row> rows = [];
        foreach (ListFlags one in (ListFlags[])[ListFlags.Unique, ListFlags.Names, ListFlags.Activators, ListFlags.Queued])
        {
            if (asked != 0 && (asked & one) == 0)
                continue;
            foreach (PeerInfo found in bus.List(one))
            {
                if (found.Id == bus.Id)
                    continue;
                if (!peers.TryGetValue(found.Id, out Peer? peer))
                    peers[found.Id] = peer = Peer.Find(bus, found);
                string kind = one == ListFlags.Queued ? "queued" : peer.Kind;
                rows.AddRange(one == ListFlags.Unique
                    ? [new Row(null, peer, kind)]
                    : found.Names.Select(name => new Row(name, peer, kind)));
            }
        }
        HashSet<ulong> named = [.. rows.Where(static row => row.Name is not null && row.Kind != "queued").Select(static row => row.Id)];
        _ = rows.RemoveAll(row => row.Name is null && named.Contains(row.Id));
        return [.. rows.Distinct().OrderBy(static row => row.Name is null).ThenBy(static row => row.Name, StringComparer.Ordinal).ThenBy(static row => row.Id)];
    }

    private sealed record Row(string? Name, Peer Peer, string Kind)
    {
        public ulong Id => Peer.Id;

        public int? Pid => Peer.Pid;

        public string? Process => Peer.Process;

        public string? User => Peer.User;

        public string? Description => Peer.Description;
    }
}
