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
    private const int MostOnStack = 2048;

    private static readonly int HeaderSize = Unsafe.SizeOf<KdbusInfo>();

    public static Errno ConnInfo(Domain domain, ref Invocation call, Connection connection, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdInfo>();
        if (domain.ReadMask(cmd.AttachFlags, out var asked) != Errno.OK) return Errno.EINVAL;
        var result = Find(ref call, connection, cmd.Id, out var target);
        if (result != Errno.OK) return result;

        var info = new KdbusInfo { Id = target.Id, Flags = (ulong)target.Flags };
        result = Tell(domain, ref call, connection, info, name: [], Metadata.OfConnection(domain, target, asked), ref outcome);
        if (result != Errno.OK || !target.IsFaked || !domain.HasExtensions) return result;
        cmd.ReturnFlags = (ulong)InfoReturnFlags.Faked;
        outcome.StoreReturnFlags();
        return Errno.OK;
    }

    public static Errno BusCreatorInfo(Domain domain, ref Invocation call, Connection connection, ref Outcome outcome)
    {
        if (domain.ReadMask(call.Frame.As<KdbusCmdInfo>().AttachFlags, out var asked) != Errno.OK) return Errno.EINVAL;
        var bus = connection.Bus;
        var info = new KdbusInfo { Id = bus.Id, Flags = (ulong)bus.MakeFlags };
        return Tell(domain, ref call, connection, info, Encoding.ASCII.GetBytes(bus.Name), Metadata.OfCreator(domain, bus, asked), ref outcome);
    }

    /// <summary>
    /// Publishes a record of the size that it comes to: what the caller is not told leaves no room behind.
    /// </summary>
    private static Errno Tell(
        Domain domain, ref Invocation call, Connection connection, KdbusInfo info, ReadOnlySpan<byte> name, in Metadata metadata, ref Outcome outcome)
    {
        var length = HeaderSize + (name.IsEmpty ? 0 : Item.SizeInChain(name.Length + 1)) + metadata.Size;
        var record = length <= MostOnStack ? stackalloc byte[length] : new byte[length];
        var items = new ItemWriter(record[HeaderSize..]);
        if (!name.IsEmpty) items.WriteString(ItemType.MakeName, name);
        metadata.Write(ref items, call.View, domain.Overflow);
        info.Size = (ulong)(HeaderSize + items.Length);
        MemoryMarshal.Write(record, in info);

        var result = Answer.Publish(connection, (int)info.Size, ref outcome, out var room);
        if (result != Errno.OK) return result;
        record[..room.Length].CopyTo(room);

        ref var cmd = ref call.Frame.As<KdbusCmdInfo>();
        cmd.Offset = outcome.Published.Offset;
        cmd.InfoSize = outcome.Published.Size;
        outcome.StoreResults(40, 16);
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
}
