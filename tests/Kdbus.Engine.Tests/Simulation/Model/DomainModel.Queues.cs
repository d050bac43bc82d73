using System.Runtime.InteropServices;
using System.Text;

namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>Who has how much in whose pool, and what the bus itself says.</summary>
internal sealed partial class DomainModel
{
    /// <summary>The formula of the specification, over all that is charged here at this moment.</summary>
    private Errno Quota(ConnectionModel receiver, UserModel user, ulong size, int fds)
    {
        var messages = receiver.Charged.Count(entry => entry.User == user);
        if (!HasRoomFor(receiver, user, size) || messages >= limits.Messages) return Errno.ENOBUFS;
        var queued = receiver.Charged.Where(entry => entry.User == user).Sum(entry => entry.Message.Fds.Count);
        return queued + fds > limits.Fds ? Errno.EMFILE : Errno.OK;
    }

    private static bool HasRoomFor(ConnectionModel receiver, UserModel user, ulong size)
    {
        var (all, own) = (0UL, 0UL);
        foreach (var entry in receiver.Charged)
        {
            all += entry.Size;
            if (entry.User != user) continue;
            own += entry.Size;
        }

        var available = receiver.Pool.Size / 2;
        if (available < all) return false;
        available = (available - all + own) / 3;
        return available >= own && available - own >= size;
    }

    private Errno Charge(ConnectionModel receiver, EntryModel entry, out SliceModel slice)
    {
        slice = null!;
        var result = Quota(receiver, entry.User, entry.Size, entry.Message.Fds.Count);
        if (result == Errno.OK) result = receiver.Pool.Allocate(entry.Size, out slice);
        if (result == Errno.OK) receiver.Charged.Add(entry);
        else Refusals.Add((receiver.Id, entry.Size, result));
        return result;
    }

    private Errno Reserve(ConnectionModel receiver, MessageModel message, UserModel user, NameModel? name, out EntryModel entry)
    {
        var told = message.Sender?.Send ?? AttachFlags.Timestamp;
        entry = new EntryModel(message, Metadata(message, MetadataModel.LetThrough(AttachMask) & told & receiver.Recv), user, name);
        if (!Accepts(receiver, message)) return Errno.ECOMM;
        var result = Charge(receiver, entry, out var slice);
        entry.Slice = slice;
        return result;
    }

    /// <summary>As things stand now; later changes do not affect it.</summary>
    private static MetadataModel Metadata(MessageModel message, AttachFlags agreed) => new()
    {
        Agreed = agreed,
        Task = message.Task,
        Names = agreed.HasFlag(AttachFlags.Names) && message.Sender is { } sender ? NamesOf(sender) : [],
        Description = message.Sender?.Description ?? "",
        Sent = (message.Sequence, message.Time),
    };

    private static List<(string Name, NameFlags Flags)> NamesOf(ConnectionModel connection) => connection.Names.ConvertAll(name => (name.Text, name.Flags));

    /// <summary>Somebody reads it: it is his from now on, in his words.</summary>
    private void PickUp(ConnectionModel owner, EntryModel entry, in ViewModel view, WayModel way)
    {
        if (way == WayModel.Missing) Unpack(owner, entry);
        entry.Slice.HeldByOwner = true;
        entry.Items = entry.Metadata.Items(view);
        if (entry.Items.Length < entry.Metadata.Estimate()) Count("kept from the reader");
        if (entry.Metadata.OfTask != 0) Count("told of a task");
        HandOut(owner, entry, way);
    }

    private static void Settle(ConnectionModel receiver, EntryModel entry)
    {
        Invariant.That(receiver.Charged.Remove(entry), "what is given back was charged");
        // A range into which something is being brought is not given to another message.
        if (entry.Slice.Handout is not { Sends: false }) receiver.Pool.ReleaseByBus(entry.Slice);
    }

    private static void RemoveFromQueue(ConnectionModel receiver, EntryModel entry)
    {
        receiver.Queue.Remove(entry);
        if (entry.Request is { } tracker) Unqueued(tracker);
        Settle(receiver, entry);
    }

    /// <summary>As it was sent, to another pool; false if there is no room for it.</summary>
    private bool Rehome(ConnectionModel from, ConnectionModel to, EntryModel entry)
    {
        SliceModel? slice = null;
        var hasRoom = to.Alive && Accepts(to, entry.Message) && Charge(to, entry, out slice) == Errno.OK;
        Settle(from, entry);
        Count(hasRoom ? "moved" : "lost when it was moved");
        if (!Accepts(to, entry.Message)) Count("lost for its descriptors when it was moved");
        if (hasRoom && entry.Message.Files > 0) Count("moved with files");
        if (!hasRoom) return false;
        if (entry.IsScribbled) Count("moved from a pool its owner had written over");
        entry.Slice = slice!;
        entry.IsScribbled = false;
        return true;
    }

    private void Lose(ConnectionModel receiver)
    {
        receiver.Dropped++;
        Count("dropped");
    }

    private void TellAboutId(ConnectionModel connection, ItemType type)
    {
        if (connection.IsMonitor) return;
        var item = Frame.Item(type, new KdbusNotifyIdChange { Id = connection.Id, Flags = (ulong)connection.Flags });
        Tell(connection.Bus, item, new EventModel(type) { NewId = connection.Id });
    }

    private void TellAboutName(BusModel bus, ItemType type, string name, KdbusNotifyIdChange before, KdbusNotifyIdChange after)
    {
        var payload = new byte[MessageModel.Align(32 + name.Length + 1)];
        MemoryMarshal.Write(payload, new KdbusNotifyNameChange { OldId = before, NewId = after });
        Encoding.ASCII.GetBytes(name, payload.AsSpan(32));
        Tell(bus, Frame.Item(type, payload), new EventModel(type) { OldId = before.Id, NewId = after.Id, Name = name });
    }

    /// <summary>To every monitor, and to who has a match and may see it.</summary>
    private void Tell(BusModel bus, byte[] item, EventModel what)
    {
        if (!bus.Alive) return;
        var message = Notification(item, ulong.MaxValue, 0);
        foreach (var connection in bus.Connections)
        {
            var listens = connection.IsMonitor || (connection.IsOrdinary && MaySee(connection, what) && connection.Matches.Exists(match => match.Passes(what)));
            if (listens && !Deliver(connection, message)) Lose(connection);
            else if (listens) Count("notified");
        }
    }

    /// <summary>To every monitor and the requester, who loses it without a trace.</summary>
    private void TellRequester(ConnectionModel requester, ItemType type, ulong cookie)
    {
        if (!requester.Alive) return;
        var message = Notification(Frame.Item(type, []), requester.Id, cookie);
        foreach (var connection in requester.Bus.Connections)
        {
            if (connection.IsMonitor && !Deliver(connection, message)) Lose(connection);
            else if (connection == requester && Deliver(connection, message)) Count($"told of {type}");
        }
    }

    private MessageModel Notification(byte[] item, ulong destination, ulong cookie) => new()
    {
        Sender = null,
        Flags = MessageFlags.Signal,
        Destination = destination,
        Last = cookie,
        Notification = item,
        Sequence = ++LastId,
        Time = _now,
    };

    private bool Deliver(ConnectionModel receiver, MessageModel message)
    {
        if (Reserve(receiver, message, _busItself, name: null, out var entry) != Errno.OK) return false;
        receiver.Queue.Add(entry);
        return true;
    }

    private static bool MaySee(ConnectionModel connection, EventModel what) =>
        connection.Endpoint.Policy == null || (what.Name != null && MaySee(connection, connection.Creator, what.Name));
}
