using System.Text;
using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>BUS_MAKE, ENDPOINT_MAKE and ENDPOINT_UPDATE: the nodes of the tree.</summary>
internal static class MakeCommands
{
    public static Errno BusMake(Domain domain, ref Invocation call, Handle handle)
    {
        ref var cmd = ref call.Frame.As<KdbusCmd>();
        var items = call.Frame.Items<KdbusCmd>();

        CommandFrame.TryFind(items, ItemType.BloomParameter, out var item);
        var bloom = item.As<KdbusBloomParameter>();
        if (bloom.Size is < 8 or > Limits.BusBloomMaxSize || bloom.Size % 8 != 0 || bloom.NHash == 0) return Errno.EINVAL;

        if (ReadMask(items, ItemType.AttachFlagsRecv, out var required) != Errno.OK) return Errno.EINVAL;
        if (ReadMask(items, ItemType.AttachFlagsSend, out var creator) != Errno.OK) return Errno.EINVAL;

        CommandFrame.TryFind(items, ItemType.MakeName, out item);
        if (!SysName.HasPrefix(item.String, call.Caller.Euid)) return Errno.EINVAL;

        var id = domain.NextId();
        var name = Encoding.ASCII.GetString(item.String);
        if (domain.FindBus(name) != null) return Errno.EEXIST;
        var maker = domain.Users.Get(call.Caller.Uid);
        if (maker.Buses >= Limits.UserMaxBuses) return Errno.EMFILE;

        var flags = (MakeFlags)cmd.Flags;
        var bus = new Bus(domain.NextInode(), name, call.Caller.Euid, call.Caller.Egid, flags)
        {
            Id = id,
            Id128 = UuidOf(call.Random),
            Bloom = bloom,
            RequiredAttachFlags = required,
            CreatorAttachFlags = creator,
            Maker = maker,
        };
        bus.Add(new Endpoint(domain.NextInode(), Bus.DefaultEndpointName, bus.Uid, bus.Gid, flags, bus, user: null));
        domain.Add(bus);
        handle.Become(bus);
        return Errno.OK;
    }

    public static Errno EndpointMake(Domain domain, ref Invocation call, Handle handle)
    {
        var bus = handle.Endpoint!.Bus;
        CommandFrame.TryFind(call.Frame.Items<KdbusCmd>(), ItemType.MakeName, out var item);
        if (!SysName.HasPrefix(item.String, call.Caller.Euid)) return Errno.EINVAL;
        var name = Encoding.ASCII.GetString(item.String);
        if (bus.FindEndpoint(name) != null) return Errno.EEXIST;

        var flags = (MakeFlags)call.Frame.As<KdbusCmd>().Flags;
        var endpoint = new Endpoint(domain.NextInode(), name, call.Caller.Euid, call.Caller.Egid, flags, bus, new User(null));
        bus.Add(endpoint);
        handle.Become(endpoint);
        return Errno.OK;
    }

    public static Errno EndpointUpdate(ref Invocation call, Endpoint endpoint) =>
        endpoint.Policy!.Set(call.Frame.Items<KdbusCmd>());

    private static Errno ReadMask(ReadOnlySpan<byte> items, ItemType type, out AttachFlags mask)
    {
        mask = AttachFlags.None;
        return CommandFrame.TryFind(items, type, out var item) ? AttachMask.Sanitize(item.As<ulong>(), out mask) : Errno.OK;
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
