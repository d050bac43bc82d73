using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;

namespace Kdbus.Engine;

/// <summary>Who may do how much with a name.</summary>
internal readonly record struct PolicyAccess(PolicyAccessType Type, PolicyAccessLevel Level, uint Id);

/// <summary>
/// Names and who may see them, talk to them, own them. A set of entries is taken over whole or not at all. No name is in
/// use yet on any bus, so nothing is looked up here so far: what an endpoint is told is checked and kept.
/// </summary>
internal sealed class PolicyDatabase
{
    private Dictionary<string, List<PolicyAccess>> _entries = new(StringComparer.Ordinal);

    /// <summary>Number of names in it.</summary>
    public int Count => _entries.Count;

    /// <summary>
    /// Replaces all entries by the NAME and POLICY_ACCESS items of a command: EINVAL for a bad name, an access without a
    /// name or a bad access, EEXIST for a name given twice; then nothing changes.
    /// </summary>
    public Errno Set(ReadOnlySpan<byte> items)
    {
        var entries = new Dictionary<string, List<PolicyAccess>>(StringComparer.Ordinal);
        var twice = false;
        List<PolicyAccess>? current = null;
        var reader = new ItemReader(items);
        while (reader.TryRead(out var item))
        {
            if (item.Type == ItemType.Name)
            {
                if (!WellKnownName.IsValid(item.String, acceptWildcard: true)) return Errno.EINVAL;
                current = [];
                twice |= !entries.TryAdd(Encoding.ASCII.GetString(item.String), current);
            }
            else if (item.Type == ItemType.PolicyAccess)
            {
                if (current == null || !TryParse(item.Payload, out var access)) return Errno.EINVAL;
                current.Add(access);
            }
        }

        if (twice) return Errno.EEXIST;
        _entries = entries;
        return Errno.OK;
    }

    private static bool TryParse(ReadOnlySpan<byte> payload, out PolicyAccess access)
    {
        var given = MemoryMarshal.Read<KdbusPolicyAccess>(payload);
        var type = (PolicyAccessType)given.Type;
        var level = (PolicyAccessLevel)given.Access;
        var id = (uint)given.Id;
        access = new PolicyAccess(type, level, id);
        if (level > PolicyAccessLevel.Own) return false;
        return type == PolicyAccessType.World
            || (type is PolicyAccessType.User or PolicyAccessType.Group && id != uint.MaxValue);
    }
}
