using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Matching;
using Kdbus.Engine.Names;
using Kdbus.Engine.Policy;

namespace Kdbus.Engine.Messages;

/// <summary>
/// Messages made by the bus itself: source id 0, payload type 0, exactly one notification item, then a timestamp if the
/// receiver wants one. They are charged on the bus, so no peer can use up their budget. Those about names and ids go to
/// everybody who has a match for them and may see what they are about; those about a request go to its requester. Monitors
/// get all of them.
/// </summary>
internal static class Notifications
{
    private static readonly int HeaderSize = Unsafe.SizeOf<KdbusMsg>();
    private static readonly int NameChangeSize = Unsafe.SizeOf<KdbusNotifyNameChange>();

    public static void NameAdded(Domain domain, Bus bus, NameEntry name, Instant now) =>
        TellAboutName(domain, bus, ItemType.NameAdd, name, default, new KdbusNotifyIdChange { Id = name.Owner.Id, Flags = (ulong)name.Flags }, now);

    public static void NameRemoved(Domain domain, Bus bus, NameEntry name, Instant now) =>
        TellAboutName(domain, bus, ItemType.NameRemove, name, new KdbusNotifyIdChange { Id = name.Owner.Id, Flags = (ulong)name.Flags }, default, now);

    public static void NameChanged(Domain domain, Bus bus, NameEntry name, ulong oldOwner, NameFlags oldFlags, Instant now) => TellAboutName(
        domain,
        bus,
        ItemType.NameChange,
        name,
        new KdbusNotifyIdChange { Id = oldOwner, Flags = (ulong)oldFlags },
        new KdbusNotifyIdChange { Id = name.Owner.Id, Flags = (ulong)name.Flags },
        now);

    public static void IdAdded(Domain domain, Connection connection, Instant now) => TellAboutId(domain, connection, ItemType.IdAdd, now);

    public static void IdRemoved(Domain domain, Connection connection, Instant now) => TellAboutId(domain, connection, ItemType.IdRemove, now);

    /// <summary>Tells a requester that no reply will come; lost without a trace if there is no room.</summary>
    public static void RequestEnded(Domain domain, Connection requester, ItemType type, ulong cookie, Instant now)
    {
        if (!requester.Alive) return;
        Span<byte> message = stackalloc byte[HeaderSize + Item.HeaderSize];
        var items = Begin(message, requester.Id, cookie);
        items.Begin(type, 0);

        var sequence = domain.NextId();
        TellMonitors(domain, requester.Bus, message, sequence, now);
        TryDeliver(domain, requester, message, sequence, now);
    }

    private static void TellAboutName(
        Domain domain, Bus bus, ItemType type, NameEntry name, KdbusNotifyIdChange before, KdbusNotifyIdChange after, Instant now)
    {
        // The size of this item includes its padding.
        var payload = Item.Align8(NameChangeSize + name.Name.Length + 1);
        Span<byte> message = stackalloc byte[HeaderSize + Item.HeaderSize + payload];
        var items = Begin(message, Constants.DstIdBroadcast, cookie: 0);
        var change = items.Begin(type, payload);
        change.Clear();
        MemoryMarshal.Write(change, new KdbusNotifyNameChange { OldId = before, NewId = after });
        name.Name.CopyTo(change[NameChangeSize..]);
        Tell(domain, bus, MatchSubject.OfName(type, before.Id, after.Id, name.Name), message, now);
    }

    private static void TellAboutId(Domain domain, Connection connection, ItemType type, Instant now)
    {
        if (connection.Kind == ConnectionKind.Monitor) return;
        Span<byte> message = stackalloc byte[HeaderSize + Item.SizeInChain(Unsafe.SizeOf<KdbusNotifyIdChange>())];
        var items = Begin(message, Constants.DstIdBroadcast, cookie: 0);
        items.Write(type, new KdbusNotifyIdChange { Id = connection.Id, Flags = (ulong)connection.Flags });
        Tell(domain, connection.Bus, MatchSubject.OfId(type, connection.Id), message, now);
    }

    private static ItemWriter Begin(Span<byte> message, ulong destination, ulong cookie)
    {
        MemoryMarshal.Write(message, new KdbusMsg
        {
            Size = (ulong)message.Length,
            Flags = (ulong)MessageFlags.Signal,
            DstId = destination,
            SrcId = Constants.SrcIdKernel,
            PayloadType = Constants.PayloadKernel,
            CookieReply = cookie,
        });
        return new ItemWriter(message[HeaderSize..]);
    }

    private static void Tell(Domain domain, Bus bus, in MatchSubject subject, ReadOnlySpan<byte> message, Instant now)
    {
        // With the bus end all who could hear of it.
        if (!bus.Alive) return;
        var sequence = domain.NextId();
        TellMonitors(domain, bus, message, sequence, now);
        var listeners = domain.Listeners;
        bus.Matching.Collect(subject, listeners);
        foreach (var listener in listeners)
        {
            if (MaySee(listener, subject) && !TryDeliver(domain, listener, message, sequence, now)) Queueing.Lose(domain, listener);
        }

        listeners.Clear();
    }

    private static void TellMonitors(Domain domain, Bus bus, ReadOnlySpan<byte> message, ulong sequence, Instant now)
    {
        foreach (var monitor in bus.Monitors)
        {
            if (!TryDeliver(domain, monitor, message, sequence, now)) Queueing.Lose(domain, monitor);
        }
    }

    /// <summary>Through a custom endpoint nobody sees ids, and only the names that its policy shows.</summary>
    private static bool MaySee(Connection listener, in MatchSubject subject) =>
        !listener.Endpoint.IsCustom || (!subject.Name.IsEmpty && Permission.MaySee(listener, listener.Creator, subject.Name));

    private static bool TryDeliver(Domain domain, Connection receiver, ReadOnlySpan<byte> message, ulong sequence, Instant now)
    {
        var metadata = Metadata.OfNotification(domain, receiver, sequence, now);
        var size = Item.Align8((ulong)(message.Length + metadata.Size));
        if (Queueing.Charge(domain, receiver, sender: null, domain.BusItself, size, fds: 0, out var slice) != Errno.OK) return false;

        message.CopyTo(receiver.Pool.Memory.Room(slice.Offset, message.Length));
        var queued = domain.Spares.Messages.Take();
        queued.Slice = slice;
        queued.User = domain.BusItself;
        queued.Size = size;
        queued.Metadata = metadata;
        queued.MetadataOffset = message.Length;
        Queueing.Append(domain, receiver, queued);
        return true;
    }
}
