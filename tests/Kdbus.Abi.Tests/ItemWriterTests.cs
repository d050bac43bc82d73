using System.Buffers.Binary;
using System.Text;
using CsCheck;

namespace Kdbus.Abi.Tests;

/// <summary>The writer writes items as they stand on the wire, and nothing outside its room.</summary>
public class ItemWriterTests
{
    [Fact]
    public void An_item_has_its_size_type_and_payload_and_zeros_as_padding()
    {
        var room = new byte[32];
        room.AsSpan().Fill(0xff);
        var writer = new ItemWriter(room);
        writer.Write(ItemType.Fds, (ReadOnlySpan<byte>)[1, 2, 3, 4]);

        Assert.Equal(24, writer.Length);
        Assert.Equal(20UL, BinaryPrimitives.ReadUInt64LittleEndian(room));
        Assert.Equal((ulong)ItemType.Fds, BinaryPrimitives.ReadUInt64LittleEndian(room.AsSpan(8)));
        Assert.Equal([1, 2, 3, 4, 0, 0, 0, 0, .. Enumerable.Repeat((byte)0xff, 8)], room[16..]);
    }

    [Fact]
    public void A_string_ends_with_its_NUL()
    {
        var room = new byte[64];
        var writer = new ItemWriter(room);
        writer.WriteString(ItemType.Name, "org.example"u8);
        var reader = new ItemReader(room.AsSpan(0, writer.Length));
        Assert.True(reader.TryRead(out var item));
        Assert.Equal("org.example", Encoding.ASCII.GetString(item.String));
        Assert.Equal(12, item.Payload.Length);
    }

    [Fact]
    public void A_struct_may_have_a_tail()
    {
        var room = new byte[64];
        var writer = new ItemWriter(room);
        writer.Write(ItemType.OwnedName, new KdbusName { Flags = 4 }, "a.b\0"u8);
        writer.Write(ItemType.BloomParameter, new KdbusBloomParameter { Size = 64, NHash = 2 });
        var reader = new ItemReader(room.AsSpan(0, writer.Length));

        Assert.True(reader.TryRead(out var name));
        Assert.Equal(4UL, name.As<KdbusName>().Flags);
        Assert.Equal("a.b\0"u8, name.Payload[8..]);
        Assert.True(reader.TryRead(out var bloom));
        Assert.Equal((64UL, 2UL), (bloom.As<KdbusBloomParameter>().Size, bloom.As<KdbusBloomParameter>().NHash));
        Assert.False(reader.TryRead(out _));
        Assert.Equal(Errno.OK, reader.Error);
    }

    [Fact]
    public void Room_that_does_not_suffice_is_refused_and_nothing_behind_it_written() =>
        Gen.Select(Gen.Int[0, 64], Gen.Int[0, 64]).Sample((room, payload) =>
        {
            var bytes = new byte[room + 32];
            bytes.AsSpan().Fill(0xee);
            var refused = false;
            try
            {
                new ItemWriter(bytes.AsSpan(0, room)).Write(ItemType.Name, new byte[payload]);
            }
            catch (ArgumentOutOfRangeException)
            {
                refused = true;
            }

            return refused == (room < (16 + payload + 7) / 8 * 8) && !bytes.AsSpan(room).ContainsAnyExcept((byte)0xee);
        });

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 8)]
    [InlineData(8, 8)]
    [InlineData(9, 16)]
    public void Sizes_are_rounded_up_to_multiples_of_8(int size, int rounded)
    {
        Assert.Equal(rounded, Item.Align8(size));
        Assert.Equal((ulong)rounded, Item.Align8((ulong)size));
        Assert.Equal(16 + rounded, Item.SizeInChain(size));
    }
}
