namespace Kdbus.Conformance.Words;

/// <summary>Policy being put together, as HELLO, UPDATE and ENDPOINT_UPDATE take it: names, and behind each who may do what with it.</summary>
public sealed class PolicyRules(WireStruct command)
{
    /// <summary>Begins the entry of a name or wildcard.</summary>
    public PolicyRules Name(string name)
    {
        command.Text(ItemType.Name, name);
        return this;
    }

    /// <summary>What a user may do.</summary>
    public PolicyRules User(uint uid, PolicyAccessLevel level) => Access((ulong)PolicyAccessType.User, (ulong)level, uid);

    /// <summary>What the members of a group may do.</summary>
    public PolicyRules Group(uint gid, PolicyAccessLevel level) => Access((ulong)PolicyAccessType.Group, (ulong)level, gid);

    /// <summary>What everybody may do.</summary>
    public PolicyRules World(PolicyAccessLevel level) => Access((ulong)PolicyAccessType.World, (ulong)level, 0);

    /// <summary>An entry of any numbers.</summary>
    public PolicyRules Access(ulong type, ulong level, ulong id)
    {
        command.Item(ItemType.PolicyAccess, new KdbusPolicyAccess { Type = type, Access = level, Id = id });
        return this;
    }
}
