using System.Runtime.CompilerServices;
using Kdbus.Abi;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Policy;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Commands;

/// <summary>
/// HELLO: an untyped handle becomes a connection. Everything that can be refused is, before anybody can see the connection.
/// </summary>
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

        var result = Check(domain, cmd, items, handle, out var name, out var send, out var recv);
        if (result != Errno.OK) return result;
        if (bus.RequiresMoreThan(send, call.Caller.Pid)) return Errno.ECONNREFUSED;

        var id = domain.NextId();
        if (call.Pool == null) return Errno.ENOMEM;
        var fakes = Fakes(items);
        var process = call.Process;
        if (fakes && !TryFake(items, call, out process)) return Errno.EINVAL;
        var user = endpoint.User ?? domain.Users.Get(call.Caller.Uid);
        result = user.Connections < domain.Limits.Connections ? Errno.OK : Errno.EMFILE;

        var pool = new Pool(call.Pool, cmd.PoolSize, domain.Spares.Slices);
        IReadOnlyList<PolicyEntry> policy = [];
        PoolRange published = default;
        if (result == Errno.OK && !name.IsEmpty) result = CheckName(domain, ref call, handle, name, out policy);
        if (result == Errno.OK) result = PublishBloomParameter(pool, bus.Bloom, out published);
        if (result != Errno.OK)
        {
            domain.Users.Trim(user);
            return result;
        }

        user.Connections++;
        var description = CommandFrame.TryFind(items, ItemType.ConnDescription, out var item) ? item.String.ToArray() : [];
        var connection = new Connection(id, handle, (HelloFlags)cmd.Flags, user, call.Caller, pool, domain.Limits)
        {
            AttachFlagsSend = send,
            AttachFlagsRecv = recv,
            Description = description,
            ConnectedAt = call.Now.Monotonic,
            Process = process,
            IsFaked = fakes,
        };
        bus.Add(connection);
        handle.Become(connection);
        Notifications.IdAdded(domain, connection, call.Now);
        if (connection.Kind == ConnectionKind.Activator) bus.Names.Attach(connection, name, call.Now);
        bus.Policy.Set(connection, policy);

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

    /// <summary>Whether the caller says who he is, instead of being looked at.</summary>
    public static bool Fakes(ReadOnlySpan<byte> items) =>
        CommandFrame.TryFind(items, ItemType.Creds, out _)
        || CommandFrame.TryFind(items, ItemType.Pids, out _)
        || CommandFrame.TryFind(items, ItemType.Seclabel, out _);

    private static Errno Check(
        Domain domain,
        in KdbusCmdHello cmd,
        ReadOnlySpan<byte> items,
        Handle handle,
        out ReadOnlySpan<byte> name,
        out AttachFlags send,
        out AttachFlags recv)
    {
        name = default;
        send = recv = AttachFlags.None;
        var kind = (HelloFlags)cmd.Flags & Special;
        var takesName = kind is HelloFlags.Activator or HelloFlags.PolicyHolder;

        if (cmd.PoolSize == 0 || cmd.PoolSize % PageSize != 0) return Errno.EINVAL;
        if (!ulong.IsPow2((ulong)kind) && kind != 0) return Errno.EINVAL;
        if (CommandFrame.TryFind(items, ItemType.Name, out var item) != takesName) return Errno.EINVAL;
        if (takesName)
        {
            // Only a policy holder may speak for all names under a stem.
            name = item.String;
            if (!WellKnownName.IsValid(name, kind == HelloFlags.PolicyHolder, domain.Limits.NameLength)) return Errno.EINVAL;
        }

        if (kind == HelloFlags.Monitor && handle.Endpoint!.IsCustom) return Errno.EOPNOTSUPP;
        if (kind != 0 && !handle.Privileged) return Errno.EPERM;
        if (Fakes(items) && !handle.Privileged) return Errno.EPERM;
        if (domain.ReadMask(cmd.AttachFlagsSend, out send) != Errno.OK) return Errno.EINVAL;
        if (domain.ReadMask(cmd.AttachFlagsRecv, out recv) != Errno.OK) return Errno.EINVAL;
        return Errno.OK;
    }

    /// <summary>
    /// Takes what a privileged caller says of somebody: false for an id without a name in his user namespace, or a number of no
    /// process in his pid namespace. An id of all ones, and a process 0, are left open.
    /// </summary>
    private static bool TryFake(ReadOnlySpan<byte> items, scoped in Invocation call, out ProcessRecord? faked)
    {
        faked = null;
        var kinds = AttachFlags.None;
        var creds = default(TaskCreds);
        ProcessDetails? details = null;
        if (CommandFrame.TryFind(items, ItemType.Creds, out var item))
        {
            if (!TryRead(item.As<KdbusCreds>(), call.Caller.Maps, out creds)) return false;
            kinds |= AttachFlags.Creds;
        }

        if (CommandFrame.TryFind(items, ItemType.Pids, out _))
        {
            if (!call.Named.Found) return false;
            kinds |= AttachFlags.Pids;
        }

        if (CommandFrame.TryFind(items, ItemType.Seclabel, out item))
        {
            details = new ProcessDetails { Seclabel = item.String.ToArray() };
            kinds |= AttachFlags.Seclabel;
        }

        var named = call.Named;
        faked = new ProcessRecord
        {
            Kinds = kinds, Creds = creds, Process = named.Process, Thread = named.Thread, Parent = named.Parent, Details = details,
        };
        return true;
    }

    private static bool TryRead(in KdbusCreds given, IdMaps? maps, out TaskCreds creds)
    {
        creds = default;
        var (users, groups) = (maps?.Users, maps?.Groups);
        if (!TryRead(given.Uid, users, out var uid) || !TryRead(given.Euid, users, out var euid)) return false;
        if (!TryRead(given.Suid, users, out var suid) || !TryRead(given.Fsuid, users, out var fsuid)) return false;
        if (!TryRead(given.Gid, groups, out var gid) || !TryRead(given.Egid, groups, out var egid)) return false;
        if (!TryRead(given.Sgid, groups, out var sgid) || !TryRead(given.Fsgid, groups, out var fsgid)) return false;
        creds = new TaskCreds(uid, euid, suid, fsuid, gid, egid, sgid, fsgid);
        return true;
    }

    private static bool TryRead(ulong given, ReadOnlyMemory<IdRange>? names, out uint id)
    {
        id = (uint)given; // only these bits are an id
        return id == uint.MaxValue || names is not { } known || IdMaps.TryMapOut(known, id, out id);
    }

    /// <summary>
    /// Whether an activator or policy holder can have its name, and its policy: EEXIST if the name has one already. The
    /// wildcard of an activator was refused before; being privileged, it may own any name.
    /// </summary>
    private static Errno CheckName(Domain domain, ref Invocation call, Handle handle, ReadOnlySpan<byte> name, out IReadOnlyList<PolicyEntry> policy)
    {
        policy = [];
        var bus = handle.Endpoint!.Bus;
        var isActivator = ((HelloFlags)call.Frame.As<KdbusCmdHello>().Flags).HasFlag(HelloFlags.Activator);
        if (isActivator && bus.Names.HasActivator(name)) return Errno.EEXIST;
        var items = call.Frame.Items<KdbusCmdHello>();
        var result = PolicyItems.Read(items, call.Caller, domain.Limits, maxNames: 1, acceptWildcards: !isActivator, out policy);
        return result == Errno.OK ? bus.Policy.MaySet(handle, policy) : result;
    }

    private static Errno PublishBloomParameter(Pool pool, KdbusBloomParameter bloom, out PoolRange published)
    {
        var size = Item.SizeInChain(Unsafe.SizeOf<KdbusBloomParameter>());
        var result = Answer.Publish(pool, size, out published);
        if (result != Errno.OK) return result;
        var items = new ItemWriter(pool.Memory.Room(published.Offset, size));
        items.Write(ItemType.BloomParameter, in bloom);
        return Errno.OK;
    }
}
