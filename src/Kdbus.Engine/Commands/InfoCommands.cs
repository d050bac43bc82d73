using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;
using Kdbus.Engine.Messages;
using Kdbus.Engine.Policy;

namespace Kdbus.Engine.Commands;

/// <summary>CONN_INFO and BUS_CREATOR_INFO.</summary>
internal static class InfoCommands
{
    private static readonly int HeaderSize = Unsafe.SizeOf<KdbusInfo>();

    public static Errno ConnInfo(Domain domain, ref Invocation call, Connection connection, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdInfo>();
        if (AttachMask.Sanitize(cmd.AttachFlags, out var asked) != Errno.OK) return Errno.EINVAL;
        var result = Find(ref call, connection, cmd.Id, out var target);
        if (result != Errno.OK) return result;

        var metadata = new Metadata(domain, target, asked);
        result = Answer.Publish(connection, HeaderSize + metadata.Size, ref outcome, out var room);
        if (result != Errno.OK) return result;

        var info = new KdbusInfo { Size = (ulong)room.Length, Id = target.Id, Flags = (ulong)target.Flags };
        MemoryMarshal.Write(room, in info);
        var items = new ItemWriter(room[HeaderSize..]);
        metadata.Write(ref items);
        StoreInfo(ref cmd, ref outcome);
        return Errno.OK;
    }

    public static Errno BusCreatorInfo(ref Invocation call, Connection connection, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdInfo>();
        if (AttachMask.Sanitize(cmd.AttachFlags, out _) != Errno.OK) return Errno.EINVAL;

        var bus = connection.Bus;
        var result = Answer.Publish(connection, HeaderSize + Item.SizeInChain(bus.Name.Length + 1), ref outcome, out var room);
        if (result != Errno.OK) return result;

        var info = new KdbusInfo { Size = (ulong)room.Length, Id = bus.Id, Flags = (ulong)bus.MakeFlags };
        MemoryMarshal.Write(room, in info);
        var items = new ItemWriter(room[HeaderSize..]);
        items.WriteString(ItemType.MakeName, Encoding.ASCII.GetBytes(bus.Name));
        StoreInfo(ref cmd, ref outcome);
        return Errno.OK;
    }

    /// <summary>By name, which must then be owned by the id if one is given too: ESRCH. By id: ENXIO. By neither: EINVAL.</summary>
    private static Errno Find(ref Invocation call, Connection asking, ulong id, out Connection target)
    {
        target = null!;
        if (CommandFrame.TryFind(call.Frame.Items<KdbusCmdInfo>(), ItemType.Name, out var item))
        {
            if (asking.Bus.Names.Find(item.String) is not { } name) return Errno.ESRCH;
            if (!Permission.MaySee(asking, call.Caller, name.Name)) return Errno.ESRCH;
            target = name.Owner;
            return id == 0 || id == target.Id ? Errno.OK : Errno.ESRCH;
        }

        if (id == 0) return Errno.EINVAL;
        if (asking.Bus.FindConnection(id) is not { } found || !Permission.MaySee(asking, call.Caller, found)) return Errno.ENXIO;
        target = found;
        return Errno.OK;
    }

    private static void StoreInfo(ref KdbusCmdInfo cmd, ref Outcome outcome)
    {
        cmd.Offset = outcome.Published.Offset;
        cmd.InfoSize = outcome.Published.Size;
        outcome.StoreResults(40, 16);
    }
}
