using Kdbus.Abi;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Files;

/// <summary>
/// Turns a message with memfds into one that has what they hold in the pool, for a receiver into whose process nobody can put
/// descriptors: as if the sender had given it in vectors.
/// </summary>
internal static class Unpacking
{
    /// <summary>
    /// Gives the message a larger slice, if the pool and the quota of its sender have room for one, and tells what is to be copied
    /// there; nothing if all stays as it is. Its metadata is not written yet, and it is charged as before.
    /// </summary>
    public static IReadOnlyList<FileContent> Run(Connection receiver, QueuedMessage message)
    {
        // One whose owner has looked at it already stays where he has seen it.
        return message.Files is { Memfds.Count: > 0 } files && !message.Slice.HeldByOwner ? Run(receiver, message, files) : [];
    }

    private static IReadOnlyList<FileContent> Run(Connection receiver, QueuedMessage message, MessageFiles files)
    {
        var pool = receiver.Pool;
        if (files.Memfds.Any(memfd => memfd.Size > pool.Size)) return [];

        // Items of vectors are smaller than those of memfds. Behind them all is laid out as it was, and then comes what is new.
        var front = files.Front;
        var metadataOffset = message.MetadataOffset
            - (files.Memfds.Count * (MessageFront.SizeOfPiece(memfd: true) - MessageFront.SizeOfPiece(memfd: false)));
        var areaStart = (ulong)(metadataOffset + message.Metadata.Size);
        var oldAreaStart = (ulong)(message.MetadataOffset + message.Metadata.Size);
        var areaSize = message.Size - oldAreaStart;
        var positions = PositionsOf(front, areaStart, areaSize, out var size);
        if (!receiver.Quota.HasRoomFor(message.User, size - message.Size)) return [];
        // What is copied there is backed as it comes: that may be much, and must not be done while all wait.
        if (pool.Allocate(size, areaStart + areaSize, out var slice) != Errno.OK) return [];

        front.WriteTo(pool.Memory.Room(slice.Offset, metadataOffset), areaStart, positions);
        // Whatever the owner of the pool has made of these bytes, nobody but he will look at them.
        pool.Memory.Room(message.Slice.Offset + oldAreaStart, (int)areaSize).CopyTo(pool.Memory.Room(slice.Offset + areaStart, (int)areaSize));
        pool.ReleaseByBus(message.Slice);
        message.Slice = slice;
        message.MetadataOffset = metadataOffset;
        return [.. files.Memfds.Select((memfd, i) => new FileContent(memfd.File, memfd.Start, memfd.Size, slice.Offset + positions[i]))];
    }

    /// <summary>
    /// Where what each memfd holds will lie, from the message's first byte on: behind the payload area, and as far from a multiple of 8
    /// as it is in the stream of bytes that all pieces make.
    /// </summary>
    private static ulong[] PositionsOf(in MessageFront front, ulong areaStart, ulong areaSize, out ulong size)
    {
        var positions = new List<ulong>();
        size = areaStart + areaSize;
        var pieces = front.Pieces;
        while (pieces.MoveNext())
        {
            if (pieces.Kind != PieceKind.Memfd) continue;
            var position = size + (pieces.Position % 8);
            positions.Add(position);
            size = Item.Align8(position + pieces.Current.Size);
        }

        return [.. positions];
    }
}
