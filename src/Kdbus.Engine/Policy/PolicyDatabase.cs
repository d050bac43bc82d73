using Kdbus.Abi;
using Kdbus.Engine.Names;

namespace Kdbus.Engine.Policy;

/// <summary>Who gets how much of a name.</summary>
internal readonly record struct PolicyAccess(PolicyAccessType Type, PolicyAccessLevel Level, uint Id)
{
    public bool AppliesTo(in Caller caller) => Type switch
    {
        PolicyAccessType.User => caller.Euid == Id,
        PolicyAccessType.Group => caller.Egid == Id || caller.Groups.Span.Contains(Id),
        _ => true,
    };
}

/// <summary>A name, or with a wildcard all names of one more element, and who gets how much of it.</summary>
/// <param name="Name">The name, or what stands before the <c>.*</c>.</param>
/// <param name="IsWildcard">Whether it is a wildcard.</param>
/// <param name="Access">Nobody gets anything that is not listed.</param>
internal sealed record PolicyEntry(byte[] Name, bool IsWildcard, List<PolicyAccess> Access);

/// <summary>
/// Names and who may see them, talk to them, own them. Each entry belongs to an owner, who replaces all of his entries
/// at once or none of them; no two owners have an entry for the same name.
/// </summary>
internal sealed class PolicyDatabase
{
    private readonly Dictionary<byte[], PolicyEntry> _exact = new(NameBytes.Comparer);
    private readonly Dictionary<byte[], PolicyEntry> _wildcards = new(NameBytes.Comparer);
    private readonly Dictionary<object, IReadOnlyList<PolicyEntry>> _owners = new(ReferenceEqualityComparer.Instance);

    /// <summary>Entries that ask for groups: then the groups of who asks must be known.</summary>
    public bool AsksForGroups => GroupAccesses > 0;

    /// <summary>All entries with their owners, in no order.</summary>
    public IEnumerable<(object Owner, PolicyEntry Entry)> Entries =>
        _owners.SelectMany(owned => owned.Value.Select(entry => (owned.Key, entry)));

    private int GroupAccesses { get; set; }

    /// <summary>How much of a name somebody gets, or null if nothing. An entry for the very name hides a wildcard.</summary>
    public PolicyAccessLevel? Lookup(in Caller caller, ReadOnlySpan<byte> name)
    {
        if (!Table(wildcards: false).TryGetValue(name, out var entry))
        {
            var dot = name.LastIndexOf((byte)'.');
            if (dot < 0 || !Table(wildcards: true).TryGetValue(name[..dot], out entry)) return null;
        }

        PolicyAccessLevel? highest = null;
        foreach (var access in entry.Access)
        {
            if (access.AppliesTo(caller) && !(access.Level <= highest)) highest = access.Level;
        }

        return highest;
    }

    /// <summary>Whether <see cref="Set"/> would succeed: EEXIST if another owner has an entry for one of the names, or one comes twice.</summary>
    public Errno MaySet(object owner, IReadOnlyList<PolicyEntry> entries)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            if (Table(entry.IsWildcard).TryGetValue(entry.Name, out var standing) && !IsOf(owner, standing)) return Errno.EEXIST;
            for (var j = 0; j < i; j++)
            {
                if (entries[j].IsWildcard == entry.IsWildcard && entries[j].Name.AsSpan().SequenceEqual(entry.Name)) return Errno.EEXIST;
            }
        }

        return Errno.OK;
    }

    /// <summary>Replaces all entries of an owner: EEXIST, and nothing changes.</summary>
    public Errno Set(object owner, IReadOnlyList<PolicyEntry> entries)
    {
        var result = MaySet(owner, entries);
        if (result != Errno.OK) return result;

        Remove(owner);
        foreach (var entry in entries)
        {
            (entry.IsWildcard ? _wildcards : _exact).Add(entry.Name, entry);
            GroupAccesses += GroupsIn(entry);
        }

        if (entries.Count > 0) _owners.Add(owner, entries);
        return Errno.OK;
    }

    /// <summary>Removes all entries of an owner.</summary>
    public void Remove(object owner)
    {
        if (!_owners.Remove(owner, out var entries)) return;
        foreach (var entry in entries)
        {
            (entry.IsWildcard ? _wildcards : _exact).Remove(entry.Name);
            GroupAccesses -= GroupsIn(entry);
        }
    }

    private bool IsOf(object owner, PolicyEntry entry) => _owners.TryGetValue(owner, out var entries) && entries.Contains(entry);

    private Dictionary<byte[], PolicyEntry>.AlternateLookup<ReadOnlySpan<byte>> Table(bool wildcards) =>
        (wildcards ? _wildcards : _exact).GetAlternateLookup<ReadOnlySpan<byte>>();

    private static int GroupsIn(PolicyEntry entry) => entry.Access.Count(access => access.Type == PolicyAccessType.Group);
}
