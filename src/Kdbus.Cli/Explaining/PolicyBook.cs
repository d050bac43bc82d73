using Kdbus.Abi;
using Kdbus.Cli.Status;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>Who asks for something: the ids that policy looks at.</summary>
/// <param name="Uid">Effective user.</param>
/// <param name="Groups">Effective group and supplementary ones.</param>
/// <param name="IsPrivileged">The owner of the bus, or CAP_IPC_OWNER: may do everything on the default endpoint.</param>
internal sealed record Asker(uint Uid, IReadOnlySet<uint> Groups, bool IsPrivileged)
{
    /// <summary>Whether a line of policy is about it.</summary>
    public bool IsMeant(PolicyAccess access) => access.Type switch
    {
        PolicyAccessType.User => access.Id == Uid,
        PolicyAccessType.Group => access.Id <= uint.MaxValue && Groups.Contains((uint)access.Id),
        _ => true,
    };
}

/// <summary>What a policy says about a name.</summary>
/// <param name="Name">The name.</param>
/// <param name="Entry">The entry that counts; null: there is none.</param>
/// <param name="Granted">What of it gives the most; null: nothing of it is about who asks.</param>
internal sealed record PolicyAnswer(string Name, PolicyEntry? Entry, PolicyAccess? Granted)
{
    /// <summary>Whether it gives this much.</summary>
    public bool Gives(PolicyAccessLevel level) => Granted is { } granted && granted.Level >= level;
}

/// <summary>A policy: that of a bus, or of a custom endpoint. It answers as the bus does.</summary>
/// <param name="endpoint">The custom endpoint; null: the bus.</param>
/// <param name="entries">At most one for each name.</param>
internal sealed class PolicyBook(string? endpoint, IReadOnlyList<PolicyEntry> entries)
{
    /// <summary>The custom endpoint; null: the bus.</summary>
    public string? Endpoint => endpoint;

    /// <summary>Its entries.</summary>
    public IReadOnlyList<PolicyEntry> Entries => entries;

    /// <summary>Whose it is, in a sentence.</summary>
    public string Title => endpoint is null ? "the policy of the bus" : $"the policy of the endpoint {endpoint}";

    /// <summary>That of a bus, or of one of its endpoints, from what the status shows of all.</summary>
    public static PolicyBook Of(IEnumerable<PolicyRow> rows, string? endpoint) =>
        new(endpoint, [.. rows.Where(row => row.Endpoint == endpoint).Select(static row => new PolicyEntry(row.Name, [.. row.Access.Select(Read)], row.Owner))]);

    /// <summary>A line of the status.</summary>
    public static PolicyAccess Read(AccessRow row)
    {
        PolicyAccessLevel level = PolicyText.Level(row.Level) ?? PolicyAccessLevel.See;
        return row.Type switch
        {
            "user" => PolicyAccess.User((uint)(row.Id ?? 0), level),
            "group" => PolicyAccess.Group((uint)(row.Id ?? 0), level),
            _ => PolicyAccess.Everybody(level),
        };
    }

    /// <summary>What it says about a name to somebody. An entry for the very name hides a wildcard, which stands for one more word and no more.</summary>
    public PolicyAnswer Ask(Asker asker, string name)
    {
        PolicyEntry? entry = Find(name) ?? Find(WildcardOf(name));
        PolicyAccess? granted = null;
        foreach (PolicyAccess access in entry?.Access ?? [])
        {
            if (asker.IsMeant(access) && (granted is null || access.Level > granted.Value.Level))
                granted = access;
        }
        return new PolicyAnswer(name, entry, granted);
    }

    /// <summary>The wildcard that would stand for a name: <c>org.example.*</c> for org.example.Clock.</summary>
    public static string WildcardOf(string name) => $"{name[..Math.Max(0, name.LastIndexOf('.'))]}.*";

    private PolicyEntry? Find(string name) => entries.FirstOrDefault(entry => entry.Name == name);
}
