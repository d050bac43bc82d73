using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>
/// A message as it lies in the receiver's pool, read through the receiver's mapping. Reading it asserts what holds for every message: the slice
/// and the header agree on the sizes, the chain of items is well-formed and ends where the header says, pieces of payload lie inside the slice.
/// </summary>
public sealed class ReceivedMessage
{
    private readonly byte[] _slice;

    /// <param name="offset">Where the slice starts in the pool.</param>
    /// <param name="slice">The whole slice.</param>
    public ReceivedMessage(ulong offset, byte[] slice)
    {
        _slice = slice;
        Offset = offset;
        Assert.True(slice.Length % 8 == 0, $"a slice of {slice.Length} bytes");
        Header = MemoryMarshal.Read<KdbusMsg>(slice);
        Assert.InRange(Header.Size, 64UL, (ulong)slice.Length);
        Items = ReceivedItem.Chain(slice.AsSpan(64, (int)Header.Size - 64));
    }

    /// <summary>Pool offset of the message.</summary>
    public ulong Offset { get; }

    /// <summary>The 64 bytes in front.</summary>
    public KdbusMsg Header { get; }

    /// <summary>The items, in order.</summary>
    public IReadOnlyList<ReceivedItem> Items { get; }

    /// <summary>Bytes of the slice.</summary>
    public int SliceSize => _slice.Length;

    /// <summary>The pieces of payload: sizes, and offsets from the header or all-ones.</summary>
    public IReadOnlyList<KdbusVec> Pieces =>
        [.. Items.Where(static i => i.Type == ItemType.PayloadOff).Select(static i => i.As<KdbusVec>())];

    /// <summary>The payload: all pieces, in order.</summary>
    public byte[] Payload => [.. Pieces.SelectMany(BytesOf)];

    /// <summary>The numbers of descriptors, which stand in one item.</summary>
    public IReadOnlyList<int> Fds => Items.SingleOrDefault(static i => i.Type == ItemType.Fds) is { Payload: { } numbers }
        ? MemoryMarshal.Cast<byte, int>(numbers).ToArray()
        : [];

    /// <summary>The memfds that are payload, in order.</summary>
    public IReadOnlyList<KdbusMemfd> Memfds =>
        [.. Items.Where(static i => i.Type == ItemType.PayloadMemfd).Select(static i => i.As<KdbusMemfd>())];

    /// <summary>The name it was sent to, if it was sent to one.</summary>
    public string? DestinationName => Items.Where(static i => i.Type == ItemType.DstName).Select(static i => i.Text).SingleOrDefault();

    /// <summary>What is told about its sender: the items behind those that the sender gave.</summary>
    public Metadata Metadata => Metadata.Of(Items.SkipWhile(static i =>
        i.Type is ItemType.DstName or ItemType.PayloadOff or ItemType.PayloadMemfd or ItemType.Fds));

    /// <summary>The notification it must be.</summary>
    public Notification Notification => Notification.Of(this);

    /// <summary>The bytes of one piece.</summary>
    public byte[] BytesOf(KdbusVec piece)
    {
        if (piece.Offset == Constants.OffsetNone)
            return new byte[piece.Size];
        Assert.InRange(piece.Offset, Header.Size, (ulong)_slice.Length - piece.Size);
        return _slice.AsSpan((int)piece.Offset, (int)piece.Size).ToArray();
    }
}

/// <summary>An item that the bus has written.</summary>
public readonly record struct ReceivedItem(ItemType Type, byte[] Payload)
{
    /// <summary>The payload as a struct.</summary>
    public T As<T>() where T : unmanaged
    {
        Assert.Equal(Marshal.SizeOf<T>(), Payload.Length);
        return MemoryMarshal.Read<T>(Payload);
    }

    /// <summary>The payload as text, which must end with its only NUL.</summary>
    public string Text => TextOf(Payload);

    /// <summary>Bytes as text, which must end with its only NUL.</summary>
    public static string TextOf(ReadOnlySpan<byte> bytes)
    {
        Assert.Equal(bytes.Length - 1, bytes.IndexOf((byte)0));
        return System.Text.Encoding.ASCII.GetString(bytes[..^1]);
    }

    /// <summary>Takes a chain apart. It must be well-formed, and its padding must be zero.</summary>
    public static IReadOnlyList<ReceivedItem> Chain(ReadOnlySpan<byte> chain)
    {
        List<ReceivedItem> items = [];
        while (!chain.IsEmpty)
        {
            Assert.True(chain.Length >= 16, $"{chain.Length} bytes behind the last item");
            ulong size = BinaryPrimitives.ReadUInt64LittleEndian(chain);
            Assert.InRange(size, 16UL, (ulong)chain.Length);
            ItemType type = (ItemType)BinaryPrimitives.ReadUInt64LittleEndian(chain[8..]);
            items.Add(new ReceivedItem(type, chain[16..(int)size].ToArray()));
            int next = Math.Min((int)size + 7 & ~7, chain.Length);
            Assert.False(chain[(int)size..next].ContainsAnyExcept((byte)0), "padding is zero");
            chain = chain[next..];
        }
        return items;
    }
}
