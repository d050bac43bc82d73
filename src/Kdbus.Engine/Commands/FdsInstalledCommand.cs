using System.Buffers.Binary;
using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>
/// FDS_INSTALLED: the descriptors of a message have arrived, and are told to who reads it in the pool. It is his pool and his process:
/// what the numbers mean is his affair.
/// </summary>
internal static class FdsInstalledCommand
{
    /// <summary>ENXIO: no message there waits for numbers; EINVAL: not as many as were sent.</summary>
    public static Errno Run(ref Invocation call, Connection connection, ref Outcome outcome)
    {
        var offset = call.Frame.As<KdbusCmdFdsInstalled>().Offset;
        if (connection.Pool.Find(offset) is not { HeldByOwner: true, Handout: { Files.Count: > 0 } handout } slice) return Errno.ENXIO;

        _ = CommandFrame.TryFind(call.Frame.Items<KdbusCmdFdsInstalled>(), ItemType.Fds, out var item);
        var numbers = item.Payload;
        if (numbers.Length != handout.NumberPositions.Length * sizeof(int)) return Errno.EINVAL;

        foreach (var position in handout.NumberPositions)
        {
            var number = Math.Max(BinaryPrimitives.ReadInt32LittleEndian(numbers), -1);
            BinaryPrimitives.WriteInt32LittleEndian(connection.Pool.Memory.Room(offset + (ulong)position, sizeof(int)), number);
            numbers = numbers[sizeof(int)..];
        }

        slice.Handout = null;
        outcome.Published = new PoolRange(slice.Offset, slice.Size);
        return Errno.OK;
    }
}
