using System.Runtime.CompilerServices;
using System.Text;
using Kdbus.Abi;

namespace Kdbus.Cli.Watching;

/// <summary>What the bus tells of itself.</summary>
/// <param name="Type">What happened: one of the items from <see cref="ItemType.NameAdd"/> to <see cref="ItemType.ReplyDead"/>.</param>
/// <param name="Name">The name that changed hands.</param>
/// <param name="OldId">Who had it.</param>
/// <param name="NewId">Who has it; or the connection that came or went.</param>
/// <param name="Flags">Of a connection: those of its HELLO.</param>
internal sealed record BusNotification(ItemType Type, string? Name, ulong OldId, ulong NewId, HelloFlags Flags)
{
    /// <summary>Reads the item of a notification.</summary>
    public static BusNotification Read(in Item item)
    {
        switch (item.Type)
        {
            case ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange:
                KdbusNotifyNameChange change = item.As<KdbusNotifyNameChange>();
                ReadOnlySpan<byte> name = item.Payload[Unsafe.SizeOf<KdbusNotifyNameChange>()..];
                return new BusNotification(item.Type, Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]), change.OldId.Id, change.NewId.Id, 0);
            case ItemType.IdAdd or ItemType.IdRemove:
                KdbusNotifyIdChange id = item.As<KdbusNotifyIdChange>();
                return new BusNotification(item.Type, null, 0, id.Id, (HelloFlags)id.Flags);
            default:
                return new BusNotification(item.Type, null, 0, 0, 0);
        }
    }

    /// <summary>The news that a call will not be answered.</summary>
    public bool EndsCall => Type is ItemType.ReplyTimeout or ItemType.ReplyDead;

    /// <summary>One word for programs.</summary>
    public string Word => Type switch
    {
        ItemType.NameAdd => "name-acquired",
        ItemType.NameRemove => "name-lost",
        ItemType.NameChange => "name-changed",
        ItemType.IdAdd => "connection-came",
        ItemType.IdRemove => "connection-went",
        ItemType.ReplyTimeout => "reply-timed-out",
        _ => "reply-dead",
    };

    /// <summary>In words.</summary>
    /// <param name="call">The call it is about.</param>
    public string Text(ulong call) => Type switch
    {
        ItemType.NameAdd => $"name {Name} acquired by {NewId}",
        ItemType.NameRemove => $"name {Name} lost by {OldId}",
        ItemType.NameChange => $"name {Name} changed from {OldId} to {NewId}",
        ItemType.IdAdd => $"connection {NewId} came ({Peer.KindOf(Flags)})",
        ItemType.IdRemove => $"connection {NewId} went ({Peer.KindOf(Flags)})",
        ItemType.ReplyTimeout => $"no reply to call {call} in time",
        _ => $"no reply to call {call}: who was asked is gone",
    };
}
