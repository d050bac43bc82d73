using CsCheck;

namespace Kdbus.Abi.Tests;

/// <summary>Where the pieces of a payload come to lie in the receiver's pool.</summary>
public class PayloadVecsTests
{
    private static readonly Gen<(ulong Size, ulong Address, bool Memfd)[]> Pieces =
        Gen.Select(Gen.ULong[1, 100], Gen.ULong[0, 2], Gen.Bool).Array[0, 10];

    [Fact]
    public void Bytes_follow_each_other_and_what_is_not_copied_leaves_its_size_modulo_8() => Pieces.Sample(pieces =>
    {
        var walk = new PayloadVecs(Write(pieces));
        ulong area = 0;
        foreach (var (size, address, memfd) in pieces)
        {
            Assert.True(walk.MoveNext());
            Assert.Equal(area, walk.Position);
            Assert.Equal((size, memfd ? 0 : address), (walk.Current.Size, walk.Current.Address));
            area += memfd || address == 0 ? size % 8 : size;
            Assert.Equal(area, walk.Area);
        }

        Assert.False(walk.MoveNext());
    });

    [Fact]
    public void Data_keeps_its_place_in_the_stream_modulo_8() => Pieces.Sample(pieces =>
    {
        var walk = new PayloadVecs(Write(pieces));
        ulong stream = 0;
        while (walk.MoveNext())
        {
            Assert.Equal(stream % 8, walk.Position % 8);
            stream += walk.Current.Size;
        }
    });

    [Fact]
    public void Other_items_take_no_room_and_a_broken_one_ends_the_walk()
    {
        var room = new byte[256];
        var writer = new ItemWriter(room);
        writer.WriteString(ItemType.DstName, "a.b"u8);
        writer.Write(ItemType.PayloadVec, new KdbusVec { Size = 3, Address = 8 });
        writer.Write(ItemType.PayloadVec, new KdbusVec { Size = 0, Address = 8 });
        writer.Write(ItemType.PayloadVec, new KdbusVec { Size = 5, Address = 8 });

        var walk = new PayloadVecs(room.AsSpan(0, writer.Length));
        Assert.True(walk.MoveNext());
        Assert.Equal((0UL, 3UL), (walk.Position, walk.Area));
        Assert.False(walk.MoveNext());
    }

    [Fact]
    public void A_damaged_chain_ends_the_walk() => Chain.Damaged.Sample(chain =>
    {
        var walk = new PayloadVecs(chain);
        var pieces = 0;
        while (walk.MoveNext()) pieces++;
        return pieces <= Chain.Meaning(chain).Items.Length;
    });

    private static byte[] Write((ulong Size, ulong Address, bool Memfd)[] pieces)
    {
        var room = new byte[pieces.Length * 40];
        var writer = new ItemWriter(room);
        foreach (var (size, address, memfd) in pieces)
        {
            if (memfd) writer.Write(ItemType.PayloadMemfd, new KdbusMemfd { Size = size, Fd = 3 });
            else writer.Write(ItemType.PayloadVec, new KdbusVec { Size = size, Address = address });
        }

        return room[..writer.Length];
    }
}
