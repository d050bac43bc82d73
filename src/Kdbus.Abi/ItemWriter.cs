using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kdbus.Abi;

/// <summary>
/// Writes a chain of items. Each item starts at a multiple of 8 and its padding is zero. Room that does not suffice is
/// a bug of the caller and throws; nothing is ever written outside the span.
/// </summary>
public ref struct ItemWriter
{
    private readonly Span<byte> _room;

    /// <summary>Starts at the first byte of <paramref name="room"/>.</summary>
    public ItemWriter(Span<byte> room) => _room = room;

    /// <summary>Bytes written so far, padding included.</summary>
    public int Length { get; private set; }

    /// <summary>Writes an item whose payload is the struct.</summary>
    public void Write<T>(ItemType type, in T payload)
        where T : unmanaged =>
        Write(type, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in payload)));

    /// <summary>Writes an item whose payload is these bytes.</summary>
    public void Write(ItemType type, scoped ReadOnlySpan<byte> payload) => payload.CopyTo(Begin(type, payload.Length));

    /// <summary>Writes an item whose payload is a struct and bytes behind it.</summary>
    public void Write<T>(ItemType type, in T head, scoped ReadOnlySpan<byte> tail)
        where T : unmanaged
    {
        var payload = Begin(type, Unsafe.SizeOf<T>() + tail.Length);
        MemoryMarshal.Write(payload, in head);
        tail.CopyTo(payload[Unsafe.SizeOf<T>()..]);
    }

    /// <summary>Writes an item whose payload is the text and a NUL.</summary>
    public void WriteString(ItemType type, scoped ReadOnlySpan<byte> text)
    {
        var payload = Begin(type, text.Length + 1);
        text.CopyTo(payload);
        payload[text.Length] = 0;
    }

    /// <summary>Writes the header of an item and its padding, and returns the room of its payload.</summary>
    public Span<byte> Begin(ItemType type, int payload)
    {
        var item = _room.Slice(Length, Item.SizeInChain(payload));
        BinaryPrimitives.WriteUInt64LittleEndian(item, (ulong)(Item.HeaderSize + payload));
        BinaryPrimitives.WriteUInt64LittleEndian(item[8..], (ulong)type);
        item[(Item.HeaderSize + payload)..].Clear();
        Length += item.Length;
        return item.Slice(Item.HeaderSize, payload);
    }
}
