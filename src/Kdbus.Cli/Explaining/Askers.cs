using System.Globalization;
using System.Text;
using Kdbus.Abi;
using Kdbus.Cli.Status;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>Somebody who may or may not do something on a bus: a connection, or a user who could make one.</summary>
/// <param name="Title">Who, in a sentence.</param>
/// <param name="Ids">The ids that count.</param>
/// <param name="Connection">The connection; null: a user.</param>
/// <param name="Endpoint">The custom endpoint it comes through; null: the default one.</param>
internal sealed record Somebody(string Title, Asker Ids, ConnectionRow? Connection, string? Endpoint);

/// <summary>Finds out who is meant by a word: a connection id, a name, <c>user:alice</c>, <c>uid:1000</c>, a user's name, <c>me</c>.</summary>
internal static class Askers
{
    private const int CapIpcOwner = 15;

    /// <summary>Who is meant.</summary>
    /// <param name="bus">The bus.</param>
    /// <param name="connections">Who is on it.</param>
    /// <param name="word">As it was said.</param>
    /// <exception cref="CommandException">There is nobody like that.</exception>
    public static Somebody Find(BusPlace bus, IReadOnlyList<ConnectionRow> connections, string word)
    {
        if (IsConnection(word))
            return Of(bus, FindConnection(connections, word));
        string? endpoint = bus.EndpointName == BusPlace.DefaultEndpoint ? null : bus.EndpointName;
        if (word == "me")
            return new Somebody($"you ({Users.NameOf(Credentials.EffectiveUid)})", Of(bus, Environment.ProcessId, Credentials.EffectiveUid, Credentials.EffectiveGid), null, endpoint);
        string name = word.StartsWith("user:", StringComparison.Ordinal) ? word[5..] : word.StartsWith("uid:", StringComparison.Ordinal) ? word[4..] : word;
        if (Users.Find(name) is not { } uid || uid == uint.MaxValue)
        {
            throw new CommandException(
                ExitCode.NotFound, $"there is no user '{Escaped.Text(name)}'", "say a connection id, a name on the bus, user:NAME or user:UID, or me");
        }
        // Root has all capabilities, as a rule.
        return new Somebody($"user {Users.NameOf(uid)}", new Asker(uid, UserGroups.Of(uid), uid == 0 || uid == OwnerOf(bus)), null, endpoint);
    }

    /// <summary>Whether a word says a connection: an id, or a name.</summary>
    public static bool IsConnection(string word) =>
        ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _) || IsName(word);

    /// <summary>Whether a word is a well-known name.</summary>
    public static bool IsName(string word) => Ascii.IsValid(word) && WellKnownName.IsValid(Encoding.ASCII.GetBytes(word));

    /// <summary>Whether a connection owns a name.</summary>
    public static bool Owns(this ConnectionRow row, string name) => row.Names.Contains(name, StringComparer.Ordinal);

    /// <summary>The connection of an id, or the one that owns a name.</summary>
    /// <exception cref="CommandException">There is none.</exception>
    public static ConnectionRow FindConnection(IReadOnlyList<ConnectionRow> connections, string word)
    {
        if (ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id))
        {
            return connections.FirstOrDefault(row => row.Id == id)
                ?? throw new CommandException(ExitCode.NotFound, $"there is no connection {id}", "'kdbusctl list' shows who is there; a user is user:UID");
        }
        return connections.FirstOrDefault(row => row.Owns(word))
            ?? throw new CommandException(ExitCode.NotFound, $"nobody owns '{Escaped.Text(word)}'", "'kdbusctl list' shows who is there");
    }

    /// <summary>The endpoint of a bus that is meant, with or without the uid it begins with.</summary>
    /// <exception cref="CommandException">There is none.</exception>
    public static string Endpoint(BusPlace bus, string said)
    {
        IReadOnlyList<string> all = new MountedDomain(bus.Domain).Endpoints(bus.Bus);
        string[] found = [.. all.Where(name => name == said || name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..] == said)];
        return found is [var only] ? only
            : throw new CommandException(ExitCode.NotFound, $"there is no endpoint '{Escaped.Text(said)}'", $"there are: {string.Join(", ", all)}");
    }

    private static Somebody Of(BusPlace bus, ConnectionRow row)
    {
        // What counts is who the process is when it asks: it may have become somebody else since its HELLO.
        Asker ids = row is { Pid: { } pid, Process: not null } ? Of(bus, pid, row.Euid, row.Egid) : new Asker(row.Euid, new HashSet<uint> { row.Egid }, false);
        string? endpoint = row.Endpoint == BusPlace.DefaultEndpoint ? null : row.Endpoint;
        return new Somebody(Party.Title(row), ids with { IsPrivileged = row.Privileged }, row, endpoint);
    }

    private static Asker Of(BusPlace bus, int pid, uint euid, uint egid)
    {
        Linux.TaskStatus task = new();
        if (task.Read(pid) != 0)
            return new Asker(euid, new HashSet<uint> { egid }, euid == OwnerOf(bus));
        HashSet<uint> groups = [task.Gid.Effective, .. task.Groups];
        return new Asker(task.Uid.Effective, groups, task.Uid.Effective == OwnerOf(bus) || (task.CapEffective & (1UL << CapIpcOwner)) != 0);
    }

    // The name of a bus begins with the uid of its owner.
    private static uint? OwnerOf(BusPlace bus) => uint.TryParse(bus.Bus.Split('-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) ? uid : null;
}
