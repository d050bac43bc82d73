using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Names;
using Kdbus.Engine.Processes;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Messages;

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
        Domain domain, Connection sender, Connection receiver, scoped in MessageImport import, NameEntry? name, out Delivery delivery)
    {
        delivery = null!;
        if (!receiver.Alive) return Errno.ECONNRESET;

        var metadata = Metadata.OfMessage(domain, sender, receiver, import);
        var metadataOffset = import.SizeAtReceiver;
        var areaStart = metadataOffset + metadata.Size;
        var size = Item.Align8((ulong)areaStart + import.AreaSize);
        var result = Charge(domain, receiver, sender, sender.User, size, out var slice);
        if (result != Errno.OK) return result;

        var message = new QueuedMessage
        {
            Slice = slice,
            Sender = sender,
            User = sender.User,
            Size = size,
            Priority = import.Header.Priority,
            Name = name,
            Metadata = metadata,
            MetadataOffset = metadataOffset,
            Image = name != null && receiver.Pool.Memory.IsWritableByOwner ? new byte[size] : null,
        };
        var memory = receiver.Pool.Memory;
        import.WriteTo(memory.Room(slice.Offset, metadataOffset), (ulong)areaStart);
        import.ClearPadding(memory, slice.Offset + (ulong)areaStart);
        if (message.Image is { } image) import.WriteTo(image.AsSpan(0, metadataOffset), (ulong)areaStart);
        delivery = new Delivery(receiver, message, areaStart);
        return Errno.OK;
    }

    /// <summary>Charges and allocates <paramref name="size"/> bytes: ENOBUFS, EMFILE, EXFULL, ENOMEM.</summary>
    public static Errno Charge(Domain domain, Connection receiver, Connection? sender, User user, ulong size, out Slice slice)
    {
        slice = null!;
        var result = receiver.Quota.Charge(user, size, fds: 0);
        if (result == Errno.OK)
        {
            result = receiver.Pool.Allocate(size, out slice);
            if (result != Errno.OK) receiver.Quota.Release(user, size, fds: 0);
        }

        if (result == Errno.OK) return Errno.OK;
        receiver.Refused++;
        receiver.LastRefusal = result;
        domain.Effects.Refused(new Refusal(receiver, sender, user, size, result));
        return result;
    }

    /// <summary>The message is complete: it joins the queue, and a sleeping receiver is woken.</summary>
    public static void Append(Domain domain, Connection receiver, QueuedMessage message)
    {
        var wasReadable = receiver.Readable;
        receiver.Queue.Append(message);
        if (!wasReadable) domain.Effects.Wake(receiver.Handle.Id);
    }

    /// <summary>A message that matched, or should have been copied or moved here, is lost; the next RECV tells how many were.</summary>
    public static void Lose(Domain domain, Connection receiver)
    {
        var wasReadable = receiver.Readable;
        receiver.Dropped++;
        if (!wasReadable) domain.Effects.Wake(receiver.Handle.Id);
    }

    /// <summary>
    /// Makes a message ready to be read and tells where it lies: metadata is written in the words of who reads it,
    /// <c>kdbus_msg.size</c> counts it, and the owner of the pool holds the slice from now on. Who
    /// <paramref name="takesDescriptors"/> is told if there should be one that he does not get. Room of what is kept from the reader
    /// is cleared: a message that has moved brought along what lay there in the pool of another.
    /// </summary>
    public static KdbusMsgInfo Publish(Domain domain, Connection receiver, QueuedMessage message, in ReaderView view, bool takesDescriptors)
    {
        var room = receiver.Pool.Memory.Room(message.Slice.Offset, message.MetadataOffset + message.Metadata.Size);
        var items = new ItemWriter(room[message.MetadataOffset..]);
        message.Metadata.Write(ref items, view, domain.Overflow);
        room[(message.MetadataOffset + items.Length)..].Clear();
        var size = (ulong)(message.MetadataOffset + items.Length);
        MemoryMarshal.Write(room, in size);

        message.Slice.HeldByOwner = true;
        var incomplete = takesDescriptors && message.Metadata.Kinds.HasFlag(AttachFlags.Pidfd);
        return new KdbusMsgInfo
        {
            Offset = message.Slice.Offset,
            MsgSize = message.Slice.Size,
            ReturnFlags = incomplete ? (ulong)RecvReturnFlags.IncompleteFds : 0,
        };
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

    /// <summary>
    /// Moves a message that is in no queue into another pool, as it was sent; what its sender told about himself stays as
    /// it was agreed with the old receiver. False if there is no room: then it is gone. In either case the bus has no more
    /// use for it at the old place.
    /// </summary>
    public static bool Rehome(Domain domain, Connection from, Connection to, QueuedMessage message)
    {
        var old = message.Slice;
        if (!to.Alive || Charge(domain, to, message.Sender, message.User, message.Size, out var slice) != Errno.OK)
        {
            Settle(from, message);
            return false;
        }

        var memory = to.Pool.Memory;
        var content = message.Image ?? from.Pool.Memory.Content(old.Offset, (int)message.Size);
        content.CopyTo(memory.Room(slice.Offset, (int)message.Size));
        message.Image = !memory.IsWritableByOwner ? null : message.Image ?? content.ToArray();
        Settle(from, message);
        message.Slice = slice;
        return true;
    }
}
