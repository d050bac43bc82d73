using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>LIST, CONN_INFO and BUS_CREATOR_INFO: answers that are written into the caller's pool.</summary>
internal static class InfoCommands
{
    private static readonly int HeaderSize = Unsafe.SizeOf<KdbusInfo>();

    public static Errno List(ref Invocation call, Connection connection, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdList>();
        var count = ((ListFlags)cmd.Flags).HasFlag(ListFlags.Unique) ? connection.Bus.Connections.Count : 0;
        var result = Publish(connection, count * HeaderSize, ref outcome, out var room);
        if (result != Errno.OK) return result;

        if (count > 0)
        {
            foreach (var listed in connection.Bus.Connections)
            {
                var info = new KdbusInfo { Size = (ulong)HeaderSize, Id = listed.Id, Flags = (ulong)listed.Flags };
                MemoryMarshal.Write(room, in info);
                room = room[HeaderSize..];
            }
        }

        cmd.Offset = outcome.Published.Offset;
        cmd.ListSize = outcome.Published.Size;
        outcome.StoreResults(24, 16);
        return Errno.OK;
    }

    public static Errno ConnInfo(Domain domain, ref Invocation call, Connection connection, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdInfo>();
        if (AttachMask.Sanitize(cmd.AttachFlags, out var asked) != Errno.OK) return Errno.EINVAL;
        if (CommandFrame.TryFind(call.Frame.Items<KdbusCmdInfo>(), ItemType.Name, out _)) return Errno.ESRCH;
        if (cmd.Id == 0) return Errno.EINVAL;

        // Through a custom endpoint only owners of visible names are seen.
        var target = connection.Endpoint.IsCustom ? null : connection.Bus.FindConnection(cmd.Id);
        if (target == null) return Errno.ENXIO;

        var metadata = new Metadata(domain, target, asked);
        var result = Publish(connection, HeaderSize + metadata.Size, ref outcome, out var room);
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
        var result = Publish(connection, HeaderSize + Item.SizeInChain(bus.Name.Length + 1), ref outcome, out var room);
        if (result != Errno.OK) return result;

        var info = new KdbusInfo { Size = (ulong)room.Length, Id = bus.Id, Flags = (ulong)bus.MakeFlags };
        MemoryMarshal.Write(room, in info);
        var items = new ItemWriter(room[HeaderSize..]);
        items.WriteString(ItemType.MakeName, Encoding.ASCII.GetBytes(bus.Name));
        StoreInfo(ref cmd, ref outcome);
        return Errno.OK;
    }

    private static void StoreInfo(ref KdbusCmdInfo cmd, ref Outcome outcome)
    {
        cmd.Offset = outcome.Published.Offset;
        cmd.InfoSize = outcome.Published.Size;
        outcome.StoreResults(40, 16);
    }

    /// <summary>
    /// Allocates a slice that belongs to the caller alone: EXFULL or ENOMEM. Nothing to write gives the empty slice, which
    /// starts where the pool ends.
    /// </summary>
    private static Errno Publish(Connection connection, int size, ref Outcome outcome, out Span<byte> room)
    {
        room = default;
        var pool = connection.Pool;
        outcome.Published = new PoolRange(pool.Size, 0);
        if (size == 0) return Errno.OK;

        var result = pool.Allocate((ulong)size, out var slice);
        if (result != Errno.OK) return result;
        slice.HeldByOwner = true;
        pool.ReleaseByBus(slice);
        room = pool.Memory.Room(slice.Offset, (int)slice.Size);
        outcome.Published = new PoolRange(slice.Offset, slice.Size);
        return Errno.OK;
    }
}
