using System.Text;
using Kdbus.Engine;

namespace Kdbus.Fuzz.Naive;

/// <summary>
/// Policy without tables: for each owner the items he gave, as they stand there. Each question reads all of them from the
/// beginning.
/// </summary>
internal sealed class NaivePolicy
{
    private readonly Dictionary<object, List<(string Name, List<Access> Access)>> _owned = [];

    /// <summary>Who gets how much, by the names of ids that count in the domain.</summary>
    internal readonly record struct Access(ulong Type, ulong Level, uint Id);

    /// <summary>Names in it.</summary>
    public int Count => _owned.Values.Sum(owned => owned.Count);

    /// <summary>Some access is for a group.</summary>
    public bool AsksForGroups => _owned.Values.Any(owned => owned.Exists(entry => entry.Access.Exists(access => access.Type == 2)));

    /// <summary>What an owner's items say, or the error they get.</summary>
    public static Errno Read(IEnumerable<(ItemType Type, byte[] Payload)> items, IdMaps? maps, int maxNames, bool wildcards, out List<(string Name, List<Access> Access)> read)
    {
        read = [];
        foreach (var (type, payload) in items)
        {
            if (type == ItemType.Name)
            {
                if (maxNames > 0 && read.Count == maxNames) return Errno.E2BIG;
                var name = Encoding.Latin1.GetString(payload).TrimEnd('\0');
                if (!NaiveName.IsWellKnown(name) && !(wildcards && NaiveName.IsWildcard(name))) return Errno.EINVAL;
                read.Add((name, []));
                continue;
            }

            if (read.Count == 0) return Errno.EINVAL;
            var (kind, level, id) = (BitConverter.ToUInt64(payload), BitConverter.ToUInt64(payload, 8), BitConverter.ToUInt32(payload, 16));
            if (kind is < 1 or > 3 || level > 2) return Errno.EINVAL;
            if (kind != 3 && (id == uint.MaxValue || !NaiveIds.TryMapOut(kind == 1 ? maps?.Users : maps?.Groups, ref id))) return Errno.EINVAL;
            read[^1].Access.Add(new Access(kind, level, id));
        }

        return Errno.OK;
    }

    /// <summary>Puts what was read in the place of all that an owner had.</summary>
    public Errno Set(object owner, List<(string Name, List<Access> Access)> read)
    {
        var others = _owned.Where(owned => owned.Key != owner).SelectMany(owned => owned.Value).Select(entry => entry.Name);
        var names = read.ConvertAll(entry => entry.Name);
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Count || names.Intersect(others, StringComparer.Ordinal).Any()) return Errno.EEXIST;
        _owned[owner] = read;
        return Errno.OK;
    }

    public void Remove(object owner) => _owned.Remove(owner);

    /// <summary>How much of a name somebody gets; null for nothing.</summary>
    public ulong? Lookup(uint user, IReadOnlyCollection<uint> groups, string name)
    {
        var dot = name.LastIndexOf('.');
        var all = _owned.Values.SelectMany(owned => owned).ToList();
        var found = all.FindAll(entry => entry.Name == name);
        if (found.Count == 0 && dot >= 0) found = all.FindAll(entry => entry.Name == name[..dot] + ".*");
        return found.SelectMany(entry => entry.Access)
            .Where(access => access.Type == 3 || (access.Type == 1 ? access.Id == user : groups.Contains(access.Id)))
            .Max(access => (ulong?)access.Level);
    }
}
