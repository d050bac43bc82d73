using System.Runtime.CompilerServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>HELLO: an untyped handle becomes a connection.</summary>
internal static class HelloCommand
{
    /// <summary>Pools are counted in these, whatever the page size of the host.</summary>
    private const ulong PageSize = 4096;

    private const HelloFlags Special = HelloFlags.Activator | HelloFlags.PolicyHolder | HelloFlags.Monitor;

    public static Errno Run(Domain domain, ref Invocation call, Handle handle, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdHello>();
        var items = call.Frame.Items<KdbusCmdHello>();
        var endpoint = handle.Endpoint!;
        var bus = endpoint.Bus;

        var result = Check(ref cmd, items, handle, out var send, out var recv);
        if (result != Errno.OK) return result;

        var id = domain.NextId();
        if (call.Pool == null) return Errno.ENOMEM;
        var user = endpoint.User ?? domain.Users.Get(call.Caller.Uid);
        if (user.Connections >= Limits.UserMaxConn) return Errno.EMFILE;

        var pool = new Pool(call.Pool, cmd.PoolSize);
        result = PublishBloomParameter(pool, bus.Bloom, out var published);
        if (result != Errno.OK)
        {
            domain.Users.Trim(user);
            return result;
        }

        user.Connections++;
        var description = CommandFrame.TryFind(items, ItemType.ConnDescription, out var item) ? item.String.ToArray() : [];
        var connection = new Connection(id, handle, (HelloFlags)cmd.Flags, user, call.Caller, pool)
        {
            AttachFlagsSend = send,
            AttachFlagsRecv = recv,
            Description = description,
        };
        bus.Add(connection);
        handle.Become(connection);

        cmd.BusFlags = (ulong)bus.MakeFlags;
        cmd.Id = id;
        cmd.Offset = published.Offset;
        cmd.ItemsSize = published.Size;
        cmd.Id128 = bus.Id128;
        outcome.StoreReturnFlags();
        outcome.StoreResults(24, Unsafe.SizeOf<KdbusCmdHello>() - 24);
        outcome.Published = published;
        return Errno.OK;
    }

    private static Errno Check(ref KdbusCmdHello cmd, ReadOnlySpan<byte> items, Handle handle, out AttachFlags send, out AttachFlags recv)
    {
        send = recv = AttachFlags.None;
        var kind = (HelloFlags)cmd.Flags & Special;
        var takesName = kind is HelloFlags.Activator or HelloFlags.PolicyHolder;

        if (cmd.PoolSize == 0 || cmd.PoolSize % PageSize != 0) return Errno.EINVAL;
        if (!ulong.IsPow2((ulong)kind) && kind != 0) return Errno.EINVAL;
        if (CommandFrame.TryFind(items, ItemType.Name, out var name) != takesName) return Errno.EINVAL;
        if (takesName)
        {
            // Only a policy holder may speak for all names under a stem.
            var wildcard = kind == HelloFlags.PolicyHolder;
            if (!WellKnownName.IsValid(name.String, wildcard)) return Errno.EINVAL;
        }

        if (kind == HelloFlags.Monitor && handle.Endpoint!.IsCustom) return Errno.EOPNOTSUPP;
        if (kind != 0 && !handle.Privileged) return Errno.EPERM;
        var fakes = CommandFrame.TryFind(items, ItemType.Creds, out _)
            || CommandFrame.TryFind(items, ItemType.Pids, out _)
            || CommandFrame.TryFind(items, ItemType.Seclabel, out _);
        if (fakes && !handle.Privileged) return Errno.EPERM;
        if (AttachMask.Sanitize(cmd.AttachFlagsSend, out send) != Errno.OK) return Errno.EINVAL;
        if (AttachMask.Sanitize(cmd.AttachFlagsRecv, out recv) != Errno.OK) return Errno.EINVAL;
        var required = handle.Endpoint!.Bus.RequiredAttachFlags;
        if ((required & ~send) != 0) return Errno.ECONNREFUSED;

        // Understood and checked, but these kinds of connections and metadata are not there yet.
        return kind != 0 || fakes ? Errno.EOPNOTSUPP : Errno.OK;
    }

    private static Errno PublishBloomParameter(Pool pool, KdbusBloomParameter bloom, out PoolRange published)
    {
        published = default;
        var size = Item.SizeInChain(Unsafe.SizeOf<KdbusBloomParameter>());
        var result = pool.Allocate((ulong)size, out var slice);
        if (result != Errno.OK) return result;

        var items = new ItemWriter(pool.Memory.Room(slice.Offset, size));
        items.Write(ItemType.BloomParameter, in bloom);
        slice.HeldByOwner = true;
        pool.ReleaseByBus(slice);
        published = new PoolRange(slice.Offset, slice.Size);
        return Errno.OK;
    }
}
