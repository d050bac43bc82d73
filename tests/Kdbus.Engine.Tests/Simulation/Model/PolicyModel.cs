namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>An item of a policy: a name, or what somebody gets of the name before it.</summary>
internal sealed record PolicyLine(string? Name, ulong Type = 0, ulong Level = 0, ulong Id = 0)
{
    public byte[] Item => Name != null
        ? Frame.Item(ItemType.Name, Name)
        : Frame.Item(ItemType.PolicyAccess, new KdbusPolicyAccess { Type = Type, Access = Level, Id = Id });
}

/// <summary>Well-known names by the letter of the rules.</summary>
internal static class NameRules
{
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";

    public static bool IsValid(string name, bool acceptWildcard = false)
    {
        var elements = name.Split('.');
        if (acceptWildcard && elements.Length > 1 && elements[^1] == "*") elements[^1] = "any";
        return name.Length <= 255 && elements.Length > 1 && Array.TrueForAll(elements, IsElement);
    }

    private static bool IsElement(string element) =>
        element.Length > 0 && Letters.Contains(element[0]) && element.All(each => Letters.Contains(each) || char.IsAsciiDigit(each));
}

/// <summary>A policy database: one list of all entries, looked through from one end to the other.</summary>
internal sealed class PolicyModel
{
    public List<(object Owner, string Name, List<PolicyLine> Access)> Entries { get; private set; } = [];

    /// <summary>The highest level that somebody gets of a name, or -1.</summary>
    public int Lookup(in Caller caller, string name)
    {
        var stem = name[..name.LastIndexOf('.')];
        var found = Entries.FindIndex(entry => entry.Name == name);
        if (found < 0) found = Entries.FindIndex(entry => entry.Name == stem + ".*");
        if (found < 0) return -1;

        var highest = -1;
        foreach (var line in Entries[found].Access)
        {
            var id = (uint)line.Id;
            var applies = line.Type switch
            {
                1 => caller.Euid == id,
                2 => caller.Egid == id || caller.Groups.Span.Contains(id),
                _ => true,
            };
            if (applies) highest = Math.Max(highest, (int)line.Level);
        }

        return highest;
    }

    /// <summary>Reads the items in their order; the first bad one decides. Ids are those of a user namespace, and must be some of the domain.</summary>
    public static Errno Read(IEnumerable<PolicyLine> lines, UserNamespaceModel users, int maxNames, bool acceptWildcards, out List<(string Name, List<PolicyLine> Access)> entries)
    {
        entries = [];
        foreach (var line in lines)
        {
            if (line.Name != null)
            {
                if (maxNames != 0 && entries.Count == maxNames) return Errno.E2BIG;
                if (!NameRules.IsValid(line.Name, acceptWildcards)) return Errno.EINVAL;
                entries.Add((line.Name, []));
                continue;
            }

            if (entries.Count == 0 || line.Level > 2 || line.Type is 0 or > 3) return Errno.EINVAL;
            uint? id = line.Type == 3 ? 0 : UserNamespaceModel.Outside(line.Type == 1 ? users.Users : users.Groups, (uint)line.Id);
            if (id == null || (line.Type != 3 && (uint)line.Id == uint.MaxValue)) return Errno.EINVAL;
            entries[^1].Access.Add(line with { Id = id.Value });
        }

        return Errno.OK;
    }

    public Errno MaySet(object owner, List<(string Name, List<PolicyLine> Access)> entries)
    {
        if (entries.Exists(entry => Entries.Exists(other => other.Owner != owner && other.Name == entry.Name))) return Errno.EEXIST;
        return entries.DistinctBy(entry => entry.Name, StringComparer.Ordinal).Count() == entries.Count ? Errno.OK : Errno.EEXIST;
    }

    public Errno Set(object owner, List<(string Name, List<PolicyLine> Access)> entries)
    {
        var result = MaySet(owner, entries);
        if (result != Errno.OK) return result;
        Remove(owner);
        Entries.AddRange(entries.Select(entry => (owner, entry.Name, entry.Access)));
        return Errno.OK;
    }

    public void Remove(object owner) => Entries = Entries.FindAll(entry => entry.Owner != owner);
}
