using Kdbus.Abi;
using Kdbus.Engine.Policy;

namespace Kdbus.Engine.Commands;

/// <summary>BYEBYE, FREE and UPDATE: what a connection does to itself.</summary>
internal static class ConnectionCommands
{
    public static Errno Byebye(Domain domain, ref Invocation call, Connection connection)
    {
        if (connection.Queue.Count > 0) return Errno.EBUSY;
        Disconnection.Run(domain, connection, call.Now);
        return Errno.OK;
    }

    public static Errno Free(Connection connection, ulong offset)
    {
        if (offset == connection.Pool.Size) return Errno.OK; // the empty slice
        if (connection.Pool.Find(offset) is not { HeldByOwner: true } slice) return Errno.ENXIO;
        connection.Pool.ReleaseByOwner(slice);
        return Errno.OK;
    }

    public static Errno Update(Domain domain, ref Invocation call, Connection connection)
    {
        var send = connection.AttachFlagsSend;
        var recv = connection.AttachFlagsRecv;
        var items = call.Frame.Items<KdbusCmd>();

        if (CommandFrame.TryFind(items, ItemType.AttachFlagsSend, out var item))
        {
            if (connection.Kind is not (ConnectionKind.Ordinary or ConnectionKind.Monitor)) return Errno.EOPNOTSUPP;
            if (domain.ReadMask(item.As<ulong>(), out send) != Errno.OK) return Errno.EINVAL;
            if (connection.Bus.RequiresMoreThan(send, connection.Creator.Pid)) return Errno.EINVAL;
        }

        if (CommandFrame.TryFind(items, ItemType.AttachFlagsRecv, out item))
        {
            if (connection.Kind == ConnectionKind.PolicyHolder) return Errno.EOPNOTSUPP;
            if (domain.ReadMask(item.As<ulong>(), out recv) != Errno.OK) return Errno.EINVAL;
        }

        var changesPolicy = CommandFrame.TryFind(items, ItemType.Name, out _)
            || CommandFrame.TryFind(items, ItemType.PolicyAccess, out _);
        if (changesPolicy)
        {
            if (connection.Kind != ConnectionKind.PolicyHolder) return Errno.EOPNOTSUPP;
            var result = PolicyItems.Read(items, call.Caller, domain.Limits, maxNames: 1, acceptWildcards: true, out var policy);
            if (result == Errno.OK) result = connection.Bus.Policy.Set(connection, policy);
            if (result != Errno.OK) return result;
        }

        connection.AttachFlagsSend = send;
        connection.AttachFlagsRecv = recv;
        return Errno.OK;
    }
}
