using Kdbus.Abi;

namespace Kdbus.Engine.Policy;

/// <summary>Policy as commands state it: a NAME, then a POLICY_ACCESS for each who gets something of it, then the next NAME.</summary>
internal static class PolicyItems
{
    /// <summary>
    /// Reads the policy in a chain of items; other items are passed over. E2BIG for more than <paramref name="maxNames"/>
    /// names (0: any number), EINVAL for a bad name, an access without a name or a bad access, the first bad item deciding.
    /// </summary>
    public static Errno Read(
        ReadOnlySpan<byte> items, in Caller caller, DomainLimits limits, int maxNames, bool acceptWildcards, out IReadOnlyList<PolicyEntry> entries)
    {
        var names = new List<PolicyEntry>();
        entries = names;
        List<PolicyAccess>? current = null;
        var reader = new ItemReader(items);
        while (reader.TryRead(out var item))
        {
            if (item.Type == ItemType.Name)
            {
                if (maxNames != 0 && names.Count == maxNames) return Errno.E2BIG;
                var name = item.String;
                if (!WellKnownName.IsValid(name, acceptWildcards, limits.NameLength)) return Errno.EINVAL;
                var isWildcard = WellKnownName.IsWildcard(name);
                current = [];
                names.Add(new PolicyEntry((isWildcard ? name[..^2] : name).ToArray(), isWildcard, current));
            }
            else if (item.Type == ItemType.PolicyAccess)
            {
                if (current == null || !TryRead(item.As<KdbusPolicyAccess>(), caller.Maps, out var access)) return Errno.EINVAL;
                current.Add(access);
            }
        }

        return Errno.OK;
    }

    private static bool TryRead(in KdbusPolicyAccess given, IdMaps? maps, out PolicyAccess access)
    {
        var type = (PolicyAccessType)given.Type;
        var level = (PolicyAccessLevel)given.Access;
        access = new PolicyAccess(type, level, 0);
        if (level > PolicyAccessLevel.Own) return false;
        if (type == PolicyAccessType.World) return true;
        if (type is not (PolicyAccessType.User or PolicyAccessType.Group)) return false;

        var inside = (uint)given.Id; // only these bits are an id
        if (inside == uint.MaxValue) return false;
        var outside = inside;
        var ranges = type == PolicyAccessType.User ? maps?.Users : maps?.Groups;
        if (ranges is { } known && !IdMaps.TryMapOut(known, inside, out outside)) return false;
        access = access with { Id = outside };
        return true;
    }
}
