using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine;

/// <summary>
/// A message on its way into one receiver: its slice is reserved and charged, header and items are written, the payload
/// may still have to be copied. It ends in <see cref="Queueing.Append"/> or <see cref="Queueing.Settle"/>.
/// </summary>
public sealed class Delivery
{
    internal Delivery(Connection sender, Connection receiver, QueuedMessage message, ulong areaOffset)
    {
        Sender = sender;
        Receiver = receiver;
        Message = message;
        AreaOffset = areaOffset;
    }

    /// <summary>Where to copy to.</summary>
    public IPoolMemory Memory => Receiver.Pool.Memory;

    /// <summary>Pool offset of the payload area; <see cref="PayloadVecs"/> says what goes where in it.</summary>
    public ulong AreaOffset { get; }

    internal Connection Sender { get; }

    internal Connection Receiver { get; }

    internal QueuedMessage Message { get; }

    /// <summary>The tracker of the request this is, to be started when it is queued.</summary>
    internal ReplyTracker? Request { get; init; }

    /// <summary>The synchronous tracker this answers.</summary>
    internal ReplyTracker? AnswerTo { get; init; }
}

/// <summary>
/// Puts messages into receivers' pools and queues and takes them out again. What <see cref="Reserve"/> takes - quota and
/// slice - is given back by <see cref="Settle"/> and nowhere else.
/// </summary>
internal static class Queueing
{
    /// <summary>
    /// Reserves room for a message at <paramref name="receiver"/> and writes everything but the payload. ECONNRESET,
    /// ENOBUFS, EXFULL, ENOMEM.
    /// </summary>
    public static Errno Reserve(
        Connection receiver, User user, scoped in MessageImport import, in Metadata metadata, out QueuedMessage message, out ulong areaOffset)
    {
        areaOffset = 0;
        message = null!;
        if (!receiver.Alive) return Errno.ECONNRESET;

        var metadataOffset = import.SizeAtReceiver;
        var payloadOffset = metadataOffset + metadata.Size;
        var size = Item.Align8((ulong)payloadOffset + import.AreaSize);
        var charged = Charge(receiver, user, size, metadata, metadataOffset, out message);
        if (charged != Errno.OK) return charged;

        message.Priority = import.Header.Priority;
        var room = receiver.Pool.Memory.Room(message.Slice.Offset, payloadOffset);
        import.WriteTo(room[..metadataOffset], (ulong)payloadOffset);
        areaOffset = message.Slice.Offset + (ulong)payloadOffset;
        import.ClearPadding(receiver.Pool.Memory, areaOffset);
        return Errno.OK;
    }

    /// <summary>Charges and allocates a message of <paramref name="size"/> bytes whose content is still to be written.</summary>
    public static Errno Charge(
        Connection receiver, User user, ulong size, in Metadata metadata, int metadataOffset, out QueuedMessage message)
    {
        message = null!;
        var result = receiver.Quota.Charge(user, size, fds: 0);
        if (result != Errno.OK) return result;
        result = receiver.Pool.Allocate(size, out var slice);
        if (result != Errno.OK)
        {
            receiver.Quota.Release(user, size, fds: 0);
            return result;
        }

        message = new QueuedMessage
        {
            Slice = slice,
            User = user,
            Size = size,
            Metadata = metadata,
            MetadataOffset = metadataOffset,
        };
        return Errno.OK;
    }

    /// <summary>The message is complete: it joins the queue, and a sleeping receiver is woken.</summary>
    public static void Append(Domain domain, Connection receiver, QueuedMessage message)
    {
        var wasReadable = receiver.Readable;
        receiver.Queue.Append(message);
        if (!wasReadable) domain.Effects.Wake(receiver.Handle.Id);
    }

    /// <summary>
    /// Makes a message ready to be read and tells where it lies: metadata is written, <c>kdbus_msg.size</c> counts it,
    /// and the owner of the pool holds the slice from now on.
    /// </summary>
    public static KdbusMsgInfo Publish(Connection receiver, QueuedMessage message)
    {
        var room = receiver.Pool.Memory.Room(message.Slice.Offset, message.MetadataOffset + message.Metadata.Size);
        var items = new ItemWriter(room[message.MetadataOffset..]);
        message.Metadata.Write(ref items);
        var size = (ulong)(message.MetadataOffset + items.Length);
        MemoryMarshal.Write(room, in size);

        message.Slice.HeldByOwner = true;
        return new KdbusMsgInfo { Offset = message.Slice.Offset, MsgSize = message.Slice.Size };
    }

    /// <summary>
    /// The bus has no more use for a message that is in no queue: its quota is given back, its slice stays only as long
    /// as the owner of the pool holds it.
    /// </summary>
    public static void Settle(Connection receiver, QueuedMessage message)
    {
        receiver.Quota.Release(message.User, message.Size, message.Fds);
        receiver.Pool.ReleaseByBus(message.Slice);
    }

    /// <summary>Takes a message out of the queue; the slot of a request is given back if nothing else holds it.</summary>
    public static void Remove(Connection receiver, QueuedMessage message)
    {
        receiver.Queue.Remove(message);
        if (message.Request is { } tracker) Replies.Unqueued(tracker);
        Settle(receiver, message);
    }
}
