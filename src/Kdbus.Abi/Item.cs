using System.Runtime.InteropServices;

namespace Kdbus.Abi;

/// <summary>One item of a chain, as a view of the bytes it stands in.</summary>
public readonly ref struct Item
{
    /// <summary>Bytes of an item's header.</summary>
    public const int HeaderSize = 16;

    internal Item(ItemType type, int offset, ReadOnlySpan<byte> payload)
    {
        Type = type;
        Offset = offset;
        Payload = payload;
    }

    /// <summary>What the payload is.</summary>
    public ItemType Type { get; }

    /// <summary>Offset of the header from the start of the chain.</summary>
    public int Offset { get; }

    /// <summary>The payload without padding.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>The payload as a struct. The payload must have been checked by <see cref="ItemRules"/>.</summary>
    public T As<T>()
        where T : unmanaged => MemoryMarshal.Read<T>(Payload);

    /// <summary>The payload as a string without its NUL. The payload must have been checked by <see cref="ItemRules"/>.</summary>
    public ReadOnlySpan<byte> String => Payload[..^1];

    /// <summary><paramref name="size"/> rounded up to the next multiple of 8.</summary>
    public static int Align8(int size) => (size + 7) & ~7;

    /// <summary><paramref name="size"/> rounded up to the next multiple of 8.</summary>
    public static ulong Align8(ulong size) => (size + 7) & ~7UL;

    /// <summary>Bytes that an item of this payload takes in a chain, padding included.</summary>
    public static int SizeInChain(int payload) => Align8(HeaderSize + payload);
}
