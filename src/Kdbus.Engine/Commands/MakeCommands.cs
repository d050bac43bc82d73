using System.Text;
using Kdbus.Abi;
using Kdbus.Engine.Policy;

namespace Kdbus.Engine.Commands;

/// <summary>BUS_MAKE, ENDPOINT_MAKE and ENDPOINT_UPDATE: the nodes of the tree.</summary>
internal static class MakeCommands
{
    private const byte Slash = (byte)'/';

    public static Errno BusMake(Domain domain, ref Invocation call, Handle handle)
    {
        ref var cmd = ref call.Frame.As<KdbusCmd>();
        var items = call.Frame.Items<KdbusCmd>();

        CommandFrame.TryFind(items, ItemType.BloomParameter, out var item);
        var bloom = item.As<KdbusBloomParameter>();
        if (bloom.Size < 8 || bloom.Size > (ulong)domain.Limits.BloomSize || bloom.Size % 8 != 0 || bloom.NHash == 0) return Errno.EINVAL;

        if (ReadMask(domain, items, ItemType.AttachFlagsRecv, out var required) != Errno.OK) return Errno.EINVAL;
        if (ReadMask(domain, items, ItemType.AttachFlagsSend, out var creator) != Errno.OK) return Errno.EINVAL;

        CommandFrame.TryFind(items, ItemType.MakeName, out item);
        if (!SysName.HasPrefix(item.String, call.Caller.Euid)) return Errno.EINVAL;

        var id = domain.NextId();
        var name = Encoding.ASCII.GetString(item.String);
        if (domain.FindBus(name) != null) return Errno.EEXIST;
        var maker = domain.Users.Get(call.Caller.Uid);
        if (maker.Buses >= domain.Limits.Buses) return Errno.EMFILE;

        var flags = (MakeFlags)cmd.Flags;
        var bus = new Bus(domain, name, call.Caller.Euid, call.Caller.Egid, flags, bloom)
        {
            Id = id,
            Id128 = UuidOf(call.Random),
            RequiredAttachFlags = required,
            CreatorAttachFlags = creator,
            Maker = maker,
            Creator = call.Process,
        };
        bus.Add(new Endpoint(domain.NextInode(), Bus.DefaultEndpointName, bus.Uid, bus.Gid, flags, bus, user: null));
        domain.Add(bus);
        handle.Become(bus);
        return Errno.OK;
    }

    /// <summary>
    /// The bus that ENDPOINT_MAKE is about: that of the endpoint it was issued on, or on <c>control</c> the one that MAKE_NAME
    /// has before a slash. Without one the command is none of <c>control</c>'s: EBADFD. ENOENT if there is no such bus, EPERM for
    /// who is not privileged on it.
    /// </summary>
    public static Errno FindBus(Domain domain, ref Invocation call, Handle handle, out Bus? bus)
    {
        bus = handle.Endpoint?.Bus;
        if (bus != null) return Errno.OK;
        if (!domain.HasExtensions || !TryFindPath(call.Frame, out var path)) return Errno.EBADFD;
        bus = domain.FindBus(Encoding.ASCII.GetString(path[..path.IndexOf(Slash)]));
        if (bus == null) return Errno.ENOENT;
        return handle.Opener.IsPrivilegedOn(bus) ? Errno.OK : Errno.EPERM;
    }

    /// <summary>Whether a MAKE_NAME can name an endpoint together with its bus; the bus is known to be there.</summary>
    public static Errno CheckPath(ReadOnlySpan<byte> payload, int maxLength) => SysName.Check(payload[(payload.IndexOf(Slash) + 1)..], maxLength);

    public static Errno EndpointMake(Domain domain, ref Invocation call, Handle handle, Bus bus)
    {
        CommandFrame.TryFind(call.Frame.Items<KdbusCmd>(), ItemType.MakeName, out var item);
        var given = item.String[(item.String.IndexOf(Slash) + 1)..];
        if (!SysName.HasPrefix(given, call.Caller.Euid)) return Errno.EINVAL;
        var name = Encoding.ASCII.GetString(given);
        if (bus.FindEndpoint(name) != null) return Errno.EEXIST;

        var flags = (MakeFlags)call.Frame.As<KdbusCmd>().Flags;
        var endpoint = new Endpoint(domain.NextInode(), name, call.Caller.Euid, call.Caller.Egid, flags, bus, new User(null, endpoint: name));
        bus.Add(endpoint);
        handle.Become(endpoint);
        return Errno.OK;
    }

    public static Errno EndpointUpdate(Domain domain, ref Invocation call, Endpoint endpoint)
    {
        var items = call.Frame.Items<KdbusCmd>();
        var result = PolicyItems.Read(items, call.Caller, domain.Limits, maxNames: 0, acceptWildcards: true, out var policy);
        return result == Errno.OK ? endpoint.Policy!.Set(endpoint, policy) : result;
    }

    /// <summary>Nothing of the command has been checked yet.</summary>
    private static bool TryFindPath(Span<byte> frame, out ReadOnlySpan<byte> path)
    {
        path = default;
        if (!CommandFrame.TryFind(frame.Items<KdbusCmd>(), ItemType.MakeName, out var item)) return false;
        path = item.Payload;
        return path.Contains(Slash);
    }

    private static Errno ReadMask(Domain domain, ReadOnlySpan<byte> items, ItemType type, out AttachFlags mask)
    {
        mask = AttachFlags.None;
        return CommandFrame.TryFind(items, type, out var item) ? domain.ReadMask(item.As<ulong>(), out mask) : Errno.OK;
    }

    private static Id128 UuidOf(UInt128 random)
    {
        var id = default(Id128);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(id, random);
        id[6] = (byte)((id[6] & 0x0f) | 0x40); // version 4
        id[8] = (byte)((id[8] & 0x3f) | 0x80); // variant 1
        return id;
    }
}
