using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>A record of a list: a connection with the flags of its HELLO and, if it is listed for a name, that name and its flags.</summary>
public sealed record ListedConnection(ulong Id, HelloFlags Flags, string? Name = null, NameFlags NameFlags = NameFlags.None)
{
    /// <summary>Takes a list apart. Its records must be well-formed and fill it.</summary>
    public static IReadOnlyList<ListedConnection> Records(ReadOnlySpan<byte> list)
    {
        List<ListedConnection> records = [];
        while (!list.IsEmpty)
        {
            KdbusInfo record = MemoryMarshal.Read<KdbusInfo>(list);
            Assert.InRange(record.Size, 24UL, (ulong)list.Length);
            Assert.Equal(0UL, record.Size % 8);
            records.Add(Record(record, ReceivedItem.Chain(list[24..(int)record.Size])));
            list = list[(int)record.Size..];
        }
        return records;
    }

    private static ListedConnection Record(KdbusInfo record, IReadOnlyList<ReceivedItem> items)
    {
        ListedConnection bare = new(record.Id, (HelloFlags)record.Flags);
        if (items.Count == 0)
            return bare;
        ReceivedItem owned = Assert.Single(items);
        Assert.Equal(ItemType.OwnedName, owned.Type);
        return bare with { NameFlags = (NameFlags)BitConverter.ToUInt64(owned.Payload), Name = ReceivedItem.TextOf(owned.Payload.AsSpan(8)) };
    }
}
