using System.Buffers.Binary;
using System.Numerics;
using CsCheck;

namespace Kdbus.Abi.Tests;

/// <summary>
/// Chains of items for tests: well-formed ones, damaged ones, and what a chain means, computed with numbers that cannot
/// overflow.
/// </summary>
internal static class Chain
{
    private static readonly ulong[] Borders =
        [0, 15, 16, 17, int.MaxValue - 7, int.MaxValue, uint.MaxValue, long.MaxValue, ulong.MaxValue - 15, ulong.MaxValue - 7, ulong.MaxValue];

    /// <summary>An item's type and payload.</summary>
    public sealed record Part(ulong Type, byte[] Payload);

    /// <summary>Items with payloads of 0 to 40 bytes.</summary>
    public static Gen<Part[]> Parts { get; } =
        Gen.Select(Gen.OneOf(Gen.ULong[0, 0x10], Gen.ULong[0x20, 0x23], Gen.ULong[0x1000, 0x100e], Gen.ULong), Gen.Byte.Array[0, 40], (type, payload) => new Part(type, payload))
            .Array[0, 8];

    /// <summary>A value that a hostile caller may write where a size is expected.</summary>
    public static Gen<ulong> Sizes { get; } = Gen.OneOf(
        Gen.ULong[0, 64],
        Gen.Int[0, Borders.Length - 1].Select(index => Borders[index]),
        Gen.ULong);

    /// <summary>Bytes that are a chain, a chain with some 64-bit words overwritten, or a chain cut short.</summary>
    public static Gen<byte[]> Damaged { get; } =
        Gen.Select(Parts, Gen.Select(Gen.Int[0, 40], Sizes).Array[0, 3], Gen.Int[0, 20], (parts, damages, cut) =>
        {
            var chain = Write(parts);
            foreach (var (word, value) in damages)
            {
                if ((word * 8) + 8 <= chain.Length) BinaryPrimitives.WriteUInt64LittleEndian(chain.AsSpan(word * 8), value);
            }

            return chain[..Math.Max(0, chain.Length - cut)];
        });

    /// <summary>Writes items, each padded to a multiple of 8.</summary>
    public static byte[] Write(params Part[] parts)
    {
        var room = new byte[parts.Sum(part => Item.SizeInChain(part.Payload.Length))];
        var writer = new ItemWriter(room);
        foreach (var part in parts) writer.Write((ItemType)part.Type, part.Payload);
        Assert.Equal(room.Length, writer.Length);
        return room;
    }

    /// <summary>Reads a chain as a program does; the second value is how the walk ended.</summary>
    public static (Part[] Items, Errno Error) Read(byte[] chain)
    {
        var reader = new ItemReader(chain);
        var items = new List<Part>();
        while (reader.TryRead(out var item)) items.Add(new Part((ulong)item.Type, item.Payload.ToArray()));
        Assert.False(reader.TryRead(out _));
        return ([.. items], reader.Error);
    }

    /// <summary>
    /// What the chain says: an item needs 16 bytes and must end inside, the next one starts at the next multiple of 8,
    /// and the walk must end where the chain does, its last padding counted or not.
    /// </summary>
    public static (Part[] Items, Errno Error) Meaning(byte[] chain)
    {
        var items = new List<Part>();
        BigInteger position = 0, length = chain.Length;
        while (position < length)
        {
            if (position + 16 > length) return ([.. items], Errno.EINVAL);
            var header = chain.AsSpan((int)position);
            BigInteger size = BinaryPrimitives.ReadUInt64LittleEndian(header);
            if (size < 16 || position + size > length) return ([.. items], Errno.EINVAL);
            items.Add(new Part(BinaryPrimitives.ReadUInt64LittleEndian(header[8..]), chain[((int)position + 16)..(int)(position + size)]));
            position += (size + 7) / 8 * 8;
        }

        return ([.. items], position == (length + 7) / 8 * 8 ? Errno.OK : Errno.EINVAL);
    }

    /// <summary>Two lists of items that say the same.</summary>
    public static bool Same(Part[] left, Part[] right) =>
        left.Length == right.Length && left.Zip(right).All(pair => pair.First.Type == pair.Second.Type && pair.First.Payload.AsSpan().SequenceEqual(pair.Second.Payload));
}
