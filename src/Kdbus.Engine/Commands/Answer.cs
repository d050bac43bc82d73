using Kdbus.Abi;

namespace Kdbus.Engine.Commands;

/// <summary>Results of commands that are too large for the command itself: they are written into the caller's pool.</summary>
internal static class Answer
{
    /// <summary>
    /// Allocates a slice that belongs to the caller alone: EXFULL or ENOMEM. Nothing to write gives the empty slice, which
    /// starts where the pool ends.
    /// </summary>
    public static Errno Publish(Connection connection, int size, ref Outcome outcome, out Span<byte> room)
    {
        room = default;
        var result = Publish(connection.Pool, size, out var published);
        outcome.Published = published;
        if (result == Errno.OK && size > 0) room = connection.Pool.Memory.Room(published.Offset, (int)published.Size);
        return result;
    }

    /// <summary>The same in the pool of a connection that is just being made.</summary>
    public static Errno Publish(Pool pool, int size, out PoolRange published)
    {
        published = new PoolRange(pool.Size, 0);
        if (size == 0) return Errno.OK;

        var result = pool.Allocate((ulong)size, out var slice);
        if (result != Errno.OK) return result;
        slice.HeldByOwner = true;
        pool.ReleaseByBus(slice);
        published = new PoolRange(slice.Offset, slice.Size);
        return Errno.OK;
    }
}
