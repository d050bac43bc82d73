using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>
/// What the bus tells about itself. Of a name: who had it and who has it now, 0 for nobody, each with the flags the name was acquired with.
/// Of a connection: it is new or old. A word about a request says nothing but its kind.
/// </summary>
public sealed record Notification(ItemType Type, ulong OldId, ulong OldFlags, ulong NewId, ulong NewFlags, string? Name)
{
    /// <summary>A request whose deadline has passed.</summary>
    public static Notification ReplyTimeout { get; } = new(ItemType.ReplyTimeout, 0, 0, 0, 0, null);

    /// <summary>A request that nobody will answer.</summary>
    public static Notification ReplyDead { get; } = new(ItemType.ReplyDead, 0, 0, 0, 0, null);

    /// <summary>A name that nobody had.</summary>
    public static Notification NameAdd(ulong id, NameFlags flags, string name) => new(ItemType.NameAdd, 0, 0, id, (ulong)flags, name);

    /// <summary>A name that nobody has any more.</summary>
    public static Notification NameRemove(ulong id, NameFlags flags, string name) => new(ItemType.NameRemove, id, (ulong)flags, 0, 0, name);

    /// <summary>A name that has gone from one to the other.</summary>
    public static Notification NameChange(ulong oldId, NameFlags oldFlags, ulong newId, NameFlags newFlags, string name) =>
        new(ItemType.NameChange, oldId, (ulong)oldFlags, newId, (ulong)newFlags, name);

    /// <summary>A connection that was made.</summary>
    public static Notification IdAdd(ulong id, HelloFlags flags = HelloFlags.AcceptFd) => new(ItemType.IdAdd, 0, 0, id, (ulong)flags, null);

    /// <summary>A connection that has ended.</summary>
    public static Notification IdRemove(ulong id, HelloFlags flags = HelloFlags.AcceptFd) => new(ItemType.IdRemove, id, (ulong)flags, 0, 0, null);

    /// <summary>
    /// Reads the notification that a message must be. What holds for each is asserted: it comes from the bus, it is a signal of no priority,
    /// payload or cookie, and it has one item that says what it is, behind which there may be a timestamp.
    /// </summary>
    public static Notification Of(ReceivedMessage message)
    {
        KdbusMsg header = message.Header;
        Assert.Equal((Constants.SrcIdKernel, (ulong)MessageFlags.Signal, 0L), (header.SrcId, header.Flags, header.Priority));
        Assert.Equal((Constants.PayloadKernel, 0UL), (header.PayloadType, header.Cookie));
        ReceivedItem item = message.Items[0];
        Assert.All(message.Items.Skip(1), static i => Assert.Equal(ItemType.Timestamp, i.Type));
        Assert.InRange(message.Items.Count, 1, 2);

        bool reply = item.Type is ItemType.ReplyTimeout or ItemType.ReplyDead;
        Assert.Equal(reply, header.DstId != Constants.DstIdBroadcast);
        Assert.Equal(reply, header.CookieReply != 0);
        return item.Type switch
        {
            ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange => OfName(item),
            ItemType.IdAdd => IdAdd(item.As<KdbusNotifyIdChange>().Id, (HelloFlags)item.As<KdbusNotifyIdChange>().Flags),
            ItemType.IdRemove => IdRemove(item.As<KdbusNotifyIdChange>().Id, (HelloFlags)item.As<KdbusNotifyIdChange>().Flags),
            _ => OfRequest(item),
        };
    }

    private static Notification OfName(ReceivedItem item)
    {
        KdbusNotifyNameChange change = MemoryMarshal.Read<KdbusNotifyNameChange>(item.Payload);
        string name = System.Text.Encoding.ASCII.GetString(item.Payload.AsSpan(32)).TrimEnd('\0');

        // The padding behind the NUL belongs to the item.
        Assert.Equal(32 + (name.Length + 8 & ~7), item.Payload.Length);
        return new Notification(item.Type, change.OldId.Id, change.OldId.Flags, change.NewId.Id, change.NewId.Flags, name);
    }

    private static Notification OfRequest(ReceivedItem item)
    {
        Assert.True(item.Type is ItemType.ReplyTimeout or ItemType.ReplyDead, $"{item.Type} is no notification");
        Assert.Empty(item.Payload);
        return item.Type == ItemType.ReplyDead ? ReplyDead : ReplyTimeout;
    }
}
