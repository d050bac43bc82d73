using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Files;
using Kdbus.Engine.Names;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Messages;

/// <summary>
/// Puts messages into receivers' pools and queues and takes them out again. What <see cref="Reserve"/> takes - quota and
/// slice - is given back by <see cref="Settle"/> and nowhere else, the message itself by <see cref="Forget"/>.
/// </summary>
internal static class Queueing
{
    /// <summary>
    /// Reserves room for a message at <paramref name="receiver"/> and writes everything but the payload. ECONNRESET,
    /// ECOMM, ENOBUFS, EMFILE, EXFULL, ENOMEM.
    /// </summary>
    public static Errno Reserve(
        Domain domain, Transfer transfer, Connection receiver, scoped in MessageImport import, NameEntry? name, out Delivery delivery)
    {
        delivery = null!;
        var sender = transfer.Sender;
        if (!receiver.Alive) return Errno.ECONNRESET;
        if (import.Fds > 0 && !receiver.AcceptsFds) return Errno.ECOMM;

        var metadata = Metadata.OfMessage(domain, sender, receiver, import);
        var metadataOffset = import.SizeAtReceiver;
        var areaStart = metadataOffset + metadata.Size;
        var size = Item.Align8((ulong)areaStart + import.AreaSize);
        var result = Charge(domain, receiver, sender, sender.User, size, import.Fds, out var slice);
        if (result != Errno.OK) return result;

        var memory = receiver.Pool.Memory;
        var message = domain.Spares.Messages.Take();
        message.Slice = slice;
        message.Sender = sender;
        message.User = sender.User;
        message.Size = size;
        message.Fds = import.Fds;
        message.Files = import.Files;
        message.Priority = import.Header.Priority;
        message.Name = name;
        message.Metadata = metadata;
        message.MetadataOffset = metadataOffset;
        message.Image = name != null && memory.IsWritableByOwner ? domain.Spares.Images.Take(size) : null;
        domain.CopiesMade++;
        import.Files?.Hold();
        var front = import.Front;
        front.WriteTo(memory.Room(slice.Offset, metadataOffset), (ulong)areaStart);
        if (import.HasPadding) front.ClearPadding(memory, slice.Offset + (ulong)areaStart);
        if (message.Image is { } image)
        {
            front.WriteTo(image.AsSpan(0, metadataOffset), (ulong)areaStart);
            image.AsSpan(metadataOffset, (int)size - metadataOffset).Clear();
        }

        delivery = transfer.Add(receiver, message, areaStart);
        return Errno.OK;
    }

    /// <summary>Charges and allocates <paramref name="size"/> bytes: ENOBUFS, EMFILE, EXFULL, ENOMEM.</summary>
    public static Errno Charge(Domain domain, Connection receiver, Connection? sender, User user, ulong size, int fds, out Slice slice)
    {
        slice = null!;
        var result = receiver.Quota.Charge(user, size, fds);
        if (result == Errno.OK)
        {
            result = receiver.Pool.Allocate(size, out slice);
            if (result != Errno.OK) receiver.Quota.Release(user, size, fds);
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
        receiver.QueuedKinds |= message.Metadata.Kinds;
        if (!wasReadable) domain.Effects.Wake(receiver.Handle.Id);
        domain.WaitingCalls.Rouse(receiver);
    }

    /// <summary>A message that matched, or should have been copied or moved here, is lost; the next RECV tells how many were.</summary>
    public static void Lose(Domain domain, Connection receiver)
    {
        var wasReadable = receiver.Readable;
        receiver.Dropped++;
        if (!wasReadable) domain.Effects.Wake(receiver.Handle.Id);
        domain.WaitingCalls.Rouse(receiver);
    }

    /// <summary>
    /// Makes a message ready to be read and tells where it lies: it is completed by <see cref="WriteMetadata"/>, and the owner of the
    /// pool holds the slice from now on.
    /// </summary>
    public static KdbusMsgInfo Publish(
        Domain domain, Connection receiver, QueuedMessage message, in ReaderView view, DescriptorWay way, out Handout? handout)
    {
        var contents = way == DescriptorWay.Missing ? Unpacking.Run(receiver, message) : [];
        var size = WriteMetadata(domain, receiver, message, view);
        message.Slice.HeldByOwner = true;
        handout = HandoutOf(receiver, message, size, way, contents, out var incomplete);
        return new KdbusMsgInfo
        {
            Offset = message.Slice.Offset,
            MsgSize = message.Slice.Size,
            ReturnFlags = incomplete ? (ulong)RecvReturnFlags.IncompleteFds : 0,
        };
    }

    /// <summary>
    /// Completes a message where it lies: metadata is written in the words of who reads it, and <c>kdbus_msg.size</c> counts it. Room of
    /// what is kept from the reader is cleared: a message that has moved brought along what lay there in the pool of another.
    /// </summary>
    /// <returns>Bytes of header and items.</returns>
    public static int WriteMetadata(Domain domain, Connection receiver, QueuedMessage message, in ReaderView view)
    {
        var room = receiver.Pool.Memory.Room(message.Slice.Offset, message.MetadataOffset + message.Metadata.Size);
        var items = new ItemWriter(room[message.MetadataOffset..]);
        message.Metadata.Write(ref items, view, domain.Overflow);
        room[(message.MetadataOffset + items.Length)..].Clear();
        var size = (ulong)(message.MetadataOffset + items.Length);
        MemoryMarshal.Write(room, in size);
        return (int)size;
    }

    private static Handout? HandoutOf(
        Connection receiver, QueuedMessage message, int size, DescriptorWay way, IReadOnlyList<FileContent> contents, out bool incomplete)
    {
        var tellsPidfd = message.Metadata.Kinds.HasFlag(AttachFlags.Pidfd);
        incomplete = false;
        if (way == DescriptorWay.Declined) return null;
        if (message.Files is not { } files)
        {
            incomplete = tellsPidfd;
            return null;
        }

        if (way == DescriptorWay.Missing)
        {
            incomplete = tellsPidfd || files.Fds.Count > 0 || files.Memfds.Count > contents.Count;
            return contents.Count == 0 ? null : new Handout(files, receiver, message.Slice) { Contents = contents };
        }

        List<ulong> sent = [.. files.Fds, .. files.Memfds.Select(static memfd => memfd.File)];
        List<int> positions = [.. files.Front.NumberPositions()];
        incomplete = tellsPidfd && files.Pidfd == 0;
        if (tellsPidfd && files.Pidfd != 0)
        {
            // It is the last item, and its payload takes the last 8 bytes.
            sent.Add(files.Pidfd);
            positions.Add(size - 8);
        }

        return sent.Count == 0 ? null : new Handout(files, receiver, message.Slice) { Files = sent, NumberPositions = [.. positions] };
    }

    /// <summary>
    /// The bus has no more use for a message that is in no queue: its quota is given back, its slice stays only as long
    /// as the owner of the pool holds it, or something is being copied there.
    /// </summary>
    public static void Settle(Connection receiver, QueuedMessage message)
    {
        receiver.Quota.Release(message.User, message.Size, message.Fds);
        if (message.Slice.Handout is not { Contents.Count: > 0 }) receiver.Pool.ReleaseByBus(message.Slice);
        message.Files?.Release();
    }

    /// <summary>Nobody has any more use for a message that is in no queue: it will be another one.</summary>
    public static void Discard(Domain domain, Connection receiver, QueuedMessage message)
    {
        Settle(receiver, message);
        Forget(domain, message);
    }

    /// <summary>The same for a message that is settled.</summary>
    public static void Forget(Domain domain, QueuedMessage message)
    {
        if (message.Image is { } image) domain.Spares.Images.GiveBack(image);
        message.Clear();
        domain.Spares.Messages.GiveBack(message);
    }

    /// <summary>Takes a message out of the queue for good; the slot of a request is given back if nothing else holds it.</summary>
    public static void Remove(Domain domain, Connection receiver, QueuedMessage message)
    {
        receiver.Queue.Remove(message);
        if (receiver.Queue.Count == 0) receiver.QueuedKinds = AttachFlags.None;
        if (message.Request is { } tracker) domain.Replies.Unqueued(tracker);
        Discard(domain, receiver, message);
    }

    /// <summary>
    /// Moves a message that is in no queue into another pool, as it was sent; what its sender told about himself stays as
    /// it was agreed with the old receiver. False if there is no room: then it is lost. In either case the bus has no more
    /// use for it at the old place.
    /// </summary>
    public static bool Rehome(Domain domain, Connection from, Connection to, QueuedMessage message)
    {
        var old = message.Slice;
        var accepted = to.Alive && (message.Fds == 0 || to.AcceptsFds);
        if (!accepted || Charge(domain, to, message.Sender, message.User, message.Size, message.Fds, out var slice) != Errno.OK)
        {
            Settle(from, message);
            return false;
        }

        var memory = to.Pool.Memory;
        var size = (int)message.Size;
        var content = message.Image is { } image ? image.AsSpan(0, size) : from.Pool.Memory.Content(old.Offset, size);
        content.CopyTo(memory.Room(slice.Offset, size));
        KeepImage(domain, message, content, isNeeded: memory.IsWritableByOwner);
        message.Files?.Hold();
        Settle(from, message);
        message.Slice = slice;
        return true;
    }

    private static void KeepImage(Domain domain, QueuedMessage message, ReadOnlySpan<byte> content, bool isNeeded)
    {
        if (message.Image is { } image)
        {
            if (isNeeded) return;
            domain.Spares.Images.GiveBack(image);
            message.Image = null;
        }
        else if (isNeeded)
        {
            message.Image = domain.Spares.Images.Take(message.Size);
            content.CopyTo(message.Image);
        }
    }
}
