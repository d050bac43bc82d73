using Kdbus.Abi;

namespace Kdbus.Engine.Policy;

/// <summary>
/// What a connection may do, and to whom. What a custom endpoint does not grant, nobody does through it; what the bus's
/// own database does not grant, only the privileged do, and users among themselves. Whose ids count is for the caller to
/// say: those of the task that makes the call, or those the connection was made with.
/// </summary>
internal static class Permission
{
    /// <summary>May the connection own this name?</summary>
    public static bool MayOwn(Connection connection, in Caller caller, ReadOnlySpan<byte> name)
    {
        if (connection.Endpoint.Policy is { } policy && !(policy.Lookup(caller, name) >= PolicyAccessLevel.Own)) return false;
        return connection.Privileged || connection.Bus.Policy.Lookup(caller, name) >= PolicyAccessLevel.Own;
    }

    /// <summary>May the connection talk to another one? It is one of the other's names that allows it, whichever was used.</summary>
    public static bool MayTalk(Connection connection, in Caller caller, Connection target)
    {
        if (connection.Endpoint.Policy is { } policy && !OwnsName(target, policy, caller, PolicyAccessLevel.Talk)) return false;
        return connection.Privileged
            || caller.Euid == target.Creator.Uid
            || OwnsName(target, connection.Bus.Policy, caller, PolicyAccessLevel.Talk);
    }

    /// <summary>May the connection see that this name exists?</summary>
    public static bool MaySee(Connection connection, in Caller caller, ReadOnlySpan<byte> name) =>
        connection.Endpoint.Policy is not { } policy || policy.Lookup(caller, name) >= PolicyAccessLevel.See;

    /// <summary>May the connection see another one?</summary>
    public static bool MaySee(Connection connection, in Caller caller, Connection target) =>
        connection.Endpoint.Policy is not { } policy || OwnsName(target, policy, caller, PolicyAccessLevel.See);

    private static bool OwnsName(Connection target, PolicyDatabase policy, in Caller caller, PolicyAccessLevel least)
    {
        foreach (var name in target.Names)
        {
            if (policy.Lookup(caller, name.Name) >= least) return true;
        }

        return false;
    }
}
