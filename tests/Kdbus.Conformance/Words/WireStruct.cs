using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Kdbus.Conformance.Words;

/// <summary>
/// The bytes of a struct with items behind it, put together as a caller likes, right or wrong. The first 8 bytes are the size; unless a test
/// claims another one it is that of all the bytes there are.
/// </summary>
public sealed class WireStruct
{
    private readonly List<byte> _bytes = [];
    private ulong? _claimed;

    /// <summary>Starts with this struct.</summary>
    public static WireStruct Of<T>(in T head) where T : unmanaged
    {
        WireStruct made = new();
        made._bytes.AddRange(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in head)));
        return made;
    }

    /// <summary>Starts with the fixed part of a command, all zeros.</summary>
    public static WireStruct Of(Command command) => new WireStruct().Append(new byte[(int)command >> 16 & 0x3fff]);

    /// <summary>Stores 8 bytes at an offset that exists.</summary>
    public WireStruct Set(int offset, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(CollectionsMarshal.AsSpan(_bytes)[offset..], value);
        return this;
    }

    /// <summary>The second member of every command.</summary>
    public WireStruct Flags(ulong flags) => Set(8, flags);

    /// <summary>Appends an item and the padding behind it.</summary>
    public WireStruct Item(ItemType type, ReadOnlySpan<byte> payload) => ItemUnpadded(type, payload).Pad();

    /// <summary>Appends an item whose payload is a struct.</summary>
    public WireStruct Item<T>(ItemType type, in T payload) where T : unmanaged =>
        Item(type, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in payload)));

    /// <summary>Appends an item whose payload is text and a NUL.</summary>
    public WireStruct Text(ItemType type, string text) => Item(type, Encoding.ASCII.GetBytes(text + '\0'));

    /// <summary>Appends an item without the padding behind it.</summary>
    public WireStruct ItemUnpadded(ItemType type, ReadOnlySpan<byte> payload) =>
        ItemHeader((ulong)payload.Length + 16, type).Append(payload);

    /// <summary>Appends an item without padding whose payload is text and a NUL.</summary>
    public WireStruct TextUnpadded(ItemType type, string text) => ItemUnpadded(type, Encoding.ASCII.GetBytes(text + '\0'));

    /// <summary>Appends the 16 bytes of an item header that says what it likes.</summary>
    public WireStruct ItemHeader(ulong size, ItemType type)
    {
        Span<byte> header = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(header, size);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], (ulong)type);
        return Append(header);
    }

    /// <summary>Appends bytes that are no item.</summary>
    public WireStruct Append(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>Says this size, whatever it is.</summary>
    public WireStruct Claim(ulong size)
    {
        _claimed = size;
        return this;
    }

    /// <summary>Bytes so far.</summary>
    public int Length => _bytes.Count;

    /// <summary>The bytes as they are.</summary>
    public byte[] Bytes() => [.. _bytes];

    /// <summary>The bytes, with the size in the first 8.</summary>
    public byte[] ToArray()
    {
        byte[] bytes = [.. _bytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, _claimed ?? (ulong)bytes.Length);
        return bytes;
    }

    private WireStruct Pad()
    {
        while (_bytes.Count % 8 != 0)
            _bytes.Add(0);
        return this;
    }
}
