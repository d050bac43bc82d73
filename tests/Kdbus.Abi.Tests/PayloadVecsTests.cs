using CsCheck;

namespace Kdbus.Abi.Tests;

/// <summary>Where the pieces of a payload come to lie in the receiver's pool.</summary>
public class PayloadVecsTests
{
    private const ulong Address = 2;

    private static readonly Gen<(ulong Size, PieceKind Kind)[]> Pieces =
        Gen.Select(Gen.ULong[1, 100], Gen.Enum<PieceKind>()).Array[0, 10];

    [Fact]
    public void Bytes_follow_each_other_and_what_is_not_copied_leaves_its_size_modulo_8() => Pieces.Sample(pieces =>
    {
        var walk = new PayloadVecs(Write(pieces));
        ulong area = 0;
        foreach (var (size, kind) in pieces)
        {
            Assert.True(walk.MoveNext());
            Assert.Equal((area, kind), (walk.Position, walk.Kind));
            Assert.Equal((size, kind == PieceKind.Vector ? Address : 0), (walk.Current.Size, walk.Current.Address));
            area += kind is PieceKind.Vector or PieceKind.Inline ? size : size % 8;
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
    public void Bytes_that_stand_in_the_message_are_there_to_be_taken()
    {
        var room = new byte[256];
        var writer = new ItemWriter(room);
        writer.Write(ItemType.PayloadInline, "first"u8);
        writer.Write(ItemType.PayloadVec, new KdbusVec { Size = 3, Address = 8 });
        writer.Write(ItemType.PayloadInline, "second"u8);

        var walk = new PayloadVecs(room.AsSpan(0, writer.Length));
        Assert.True(walk.MoveNext());
        Assert.Equal("first"u8, walk.Inline);
        Assert.True(walk.MoveNext());
        Assert.True(walk.MoveNext());
        Assert.Equal("second"u8, walk.Inline);
        Assert.Equal((8UL, 14UL), (walk.Position, walk.Area));
    }

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

    private static byte[] Write((ulong Size, PieceKind Kind)[] pieces)
    {
        var room = new byte[pieces.Sum(piece => Item.SizeInChain(Math.Max(24, (int)piece.Size)))];
        var writer = new ItemWriter(room);
        foreach (var (size, kind) in pieces)
        {
            if (kind == PieceKind.Memfd) writer.Write(ItemType.PayloadMemfd, new KdbusMemfd { Size = size, Fd = 3 });
            else if (kind == PieceKind.Inline) writer.Write(ItemType.PayloadInline, new byte[size]);
            else writer.Write(ItemType.PayloadVec, new KdbusVec { Size = size, Address = kind == PieceKind.Vector ? Address : 0 });
        }

        return room[..writer.Length];
    }
}
