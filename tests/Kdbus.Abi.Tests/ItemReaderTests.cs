using System.Buffers.Binary;
using CsCheck;

namespace Kdbus.Abi.Tests;

/// <summary>The reader believes no size it finds, and what the writer wrote it reads back.</summary>
public class ItemReaderTests
{
    private static readonly byte[] OneItem = Chain.Write(new Chain.Part(2, [1, 2, 3]));

    [Fact]
    public void What_was_written_is_read_back() => Chain.Parts.Sample(parts =>
    {
        var (items, error) = Chain.Read(Chain.Write(parts));
        return error == Errno.OK && Chain.Same(parts, items);
    });

    [Fact]
    public void The_padding_of_the_last_item_may_be_left_out() => Chain.Parts.Where(parts => parts.Length > 0).Sample(parts =>
    {
        var chain = Chain.Write(parts);
        var unpadded = chain[..(chain.Length - (-parts[^1].Payload.Length & 7))];
        var (items, error) = Chain.Read(unpadded);
        return error == Errno.OK && Chain.Same(parts, items);
    });

    [Fact]
    public void The_padding_between_items_may_hold_anything() => Gen.Select(Chain.Parts, Gen.Byte).Sample((parts, filling) =>
    {
        var chain = Chain.Write(parts);
        var position = 0;
        foreach (var part in parts)
        {
            var end = position + 16 + part.Payload.Length;
            position += Item.SizeInChain(part.Payload.Length);
            chain.AsSpan(end..position).Fill(filling);
        }

        var (items, error) = Chain.Read(chain);
        return error == Errno.OK && Chain.Same(parts, items);
    });

    [Fact]
    public void A_damaged_chain_yields_what_it_says_up_to_the_damage() => Chain.Damaged.Sample(
        chain =>
        {
            var (expected, expectedError) = Chain.Meaning(chain);
            var (items, error) = Chain.Read(chain);
            return error == expectedError && Chain.Same(expected, items);
        },
        iter: 20_000);

    [Fact]
    public void Random_bytes_are_never_read_outside() => Gen.Byte.Array[0, 100].Sample(
        bytes =>
        {
            var (expected, expectedError) = Chain.Meaning(bytes);
            var (items, error) = Chain.Read(bytes);
            return error == expectedError && Chain.Same(expected, items);
        },
        iter: 5_000);

    [Fact]
    public void An_empty_chain_is_a_chain() => Assert.Equal(Errno.OK, Chain.Read([]).Error);

    [Theory]
    [InlineData(0UL)]
    [InlineData(15UL)]
    [InlineData(25UL)]
    [InlineData(0x7fffffffUL)]
    [InlineData(0x80000000UL)]
    [InlineData(0xffffffffUL)]
    [InlineData(0x1_0000_0013UL)]
    [InlineData(0x7fffffffffffffffUL)]
    [InlineData(0xfffffffffffffff0UL)]
    [InlineData(0xfffffffffffffff9UL)]
    [InlineData(0xffffffffffffffffUL)]
    public void A_size_that_cannot_be_ends_the_walk(ulong size)
    {
        var chain = (byte[])OneItem.Clone();
        BinaryPrimitives.WriteUInt64LittleEndian(chain, size);
        var (items, error) = Chain.Read(chain);
        Assert.Equal(Errno.EINVAL, error);
        Assert.Empty(items);
    }

    [Fact]
    public void Bytes_behind_the_last_item_that_are_no_item_are_a_fault()
    {
        for (var extra = 1; extra < 16; extra++)
        {
            var (items, error) = Chain.Read([.. OneItem, .. new byte[extra]]);
            Assert.Equal(Errno.EINVAL, error);
            Assert.Single(items);
        }
    }

    [Fact]
    public void An_item_that_reaches_into_the_next_one_hides_its_start()
    {
        var chain = Chain.Write(new Chain.Part(2, new byte[8]), new Chain.Part(3, new byte[8]));
        BinaryPrimitives.WriteUInt64LittleEndian(chain, 32);
        var (items, error) = Chain.Read(chain);
        Assert.Equal(Errno.EINVAL, error);
        Assert.Equal(16, Assert.Single(items).Payload.Length);
    }

    [Fact]
    public void The_offset_of_an_item_is_where_its_header_stands()
    {
        var reader = new ItemReader(Chain.Write(new Chain.Part(2, [1]), new Chain.Part(3, new byte[9]), new Chain.Part(4, [])));
        List<int> offsets = [];
        while (reader.TryRead(out var item)) offsets.Add(item.Offset);
        Assert.Equal([0, 24, 56], offsets);
    }
}
