using Kdbus.Abi;

namespace Kdbus.Engine.Matching;

/// <summary>What is held against the matches of a bus: a signal of a connection, or a notification of the bus itself.</summary>
internal readonly ref struct MatchSubject
{
    private MatchSubject(ItemType type) => Type = type;

    /// <summary><see cref="ItemType.BloomFilter"/> for a signal, else the type of the notification.</summary>
    public ItemType Type { get; }

    public bool IsSignal => Type == ItemType.BloomFilter;

    /// <summary>Signal: who sends it.</summary>
    public Connection? Sender { get; private init; }

    /// <summary>Signal: by which rules the filter was made.</summary>
    public ulong Generation { get; private init; }

    /// <summary>Signal: the filter, of the bus's size.</summary>
    public ReadOnlySpan<byte> Filter { get; private init; }

    /// <summary>Notification: the id before, 0 if none.</summary>
    public ulong OldId { get; private init; }

    /// <summary>Notification: the id after, or the one it is about; 0 if none.</summary>
    public ulong NewId { get; private init; }

    /// <summary>Notification about a name: the name.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    public static MatchSubject Signal(Connection sender, ulong generation, ReadOnlySpan<byte> filter) =>
        new(ItemType.BloomFilter) { Sender = sender, Generation = generation, Filter = filter };

    public static MatchSubject OfId(ItemType type, ulong id) => new(type) { NewId = id };

    public static MatchSubject OfName(ItemType type, ulong oldId, ulong newId, ReadOnlySpan<byte> name) =>
        new(type) { OldId = oldId, NewId = newId, Name = name };
}
