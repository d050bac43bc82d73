using Kdbus.Abi;

namespace Kdbus.Client;

/// <summary>One line of a policy: who may do what with a name. What is not said is not allowed; each level includes the lower ones.</summary>
public readonly record struct PolicyAccess
{
    private PolicyAccess(PolicyAccessType type, ulong id, PolicyAccessLevel level) => (Type, Id, Level) = (type, id, level);

    /// <summary>Who.</summary>
    public PolicyAccessType Type { get; }

    /// <summary>The uid or gid; 0 for everybody.</summary>
    public ulong Id { get; }

    /// <summary>What.</summary>
    public PolicyAccessLevel Level { get; }

    /// <summary>A user, by effective uid.</summary>
    public static PolicyAccess User(uint uid, PolicyAccessLevel level) => new(PolicyAccessType.User, uid, level);

    /// <summary>The members of a group.</summary>
    public static PolicyAccess Group(uint gid, PolicyAccessLevel level) => new(PolicyAccessType.Group, gid, level);

    /// <summary>Everybody.</summary>
    public static PolicyAccess Everybody(PolicyAccessLevel level) => new(PolicyAccessType.World, 0, level);

    internal KdbusPolicyAccess ToItem() => new() { Type = (ulong)Type, Access = (ulong)Level, Id = Id };
}
