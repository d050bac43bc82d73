using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Names;
using Kdbus.Engine.Policy;

namespace Kdbus.Engine.Commands;

/// <summary>
/// LIST: connections and names, one record for each pair that was asked for. The records are walked twice, the second time
/// into a slice of the size the first has found.
/// </summary>
internal static class ListCommand
{
    private static readonly int HeaderSize = Unsafe.SizeOf<KdbusInfo>();

    public static Errno Run(ref Invocation call, Connection connection, ref Outcome outcome)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdList>();
        var flags = (ListFlags)cmd.Flags;
        var result = Answer.Publish(connection, Walk(connection, call.Caller, flags, default), ref outcome, out var room);
        if (result != Errno.OK) return result;

        if (!room.IsEmpty) Walk(connection, call.Caller, flags, room);
        cmd.Offset = outcome.Published.Offset;
        cmd.ListSize = outcome.Published.Size;
        outcome.StoreResults(24, 16);
        return Errno.OK;
    }

    /// <summary>Writes the records, if there is room, and returns their size.</summary>
    private static int Walk(Connection asking, in Caller caller, ListFlags flags, Span<byte> room)
    {
        var total = 0;
        foreach (var connection in asking.Bus.Connections)
        {
            var isActivator = connection.Kind == ConnectionKind.Activator;
            if (connection.Kind == ConnectionKind.Monitor || (isActivator && !flags.HasFlag(ListFlags.Activators))) continue;

            // A name the asking connection may not see is left out, and its owner is no nameless one for that.
            var named = false;
            if ((flags & (ListFlags.Names | ListFlags.Activators)) != 0)
            {
                foreach (var name in connection.Names)
                {
                    if (flags.HasFlag(ListFlags.Activators) && name.Activator is { } activator && activator != connection)
                    {
                        total += Emit(asking, caller, activator, name, total, room);
                        named = true;
                    }

                    if (!flags.HasFlag(ListFlags.Names) && !isActivator) continue;
                    total += Emit(asking, caller, connection, name, total, room);
                    named = true;
                }
            }

            if (flags.HasFlag(ListFlags.Queued))
            {
                foreach (var name in connection.WaitsFor)
                {
                    total += Emit(asking, caller, connection, name, total, room);
                    named = true;
                }
            }

            if (!named && flags.HasFlag(ListFlags.Unique)) total += Emit(asking, caller, connection, name: null, total, room);
        }

        return total;
    }

    private static int Emit(Connection asking, in Caller caller, Connection connection, NameEntry? name, int at, Span<byte> room)
    {
        if (name != null && !Permission.MaySee(asking, caller, name.Name)) return 0;
        var size = HeaderSize + (name == null ? 0 : new OwnedName(name.Name, name.Flags).Size);
        if (room.IsEmpty) return size;

        var record = room.Slice(at, size);
        MemoryMarshal.Write(record, new KdbusInfo { Size = (ulong)size, Id = connection.Id, Flags = (ulong)connection.Flags });
        if (name != null)
        {
            var items = new ItemWriter(record[HeaderSize..]);
            new OwnedName(name.Name, name.Flags).WriteTo(ref items);
        }

        return size;
    }
}
