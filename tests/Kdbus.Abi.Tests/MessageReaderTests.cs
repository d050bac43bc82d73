using System.Buffers.Binary;
using CsCheck;

namespace Kdbus.Abi.Tests;

/// <summary>Messages one behind the other, whatever the sizes in them say.</summary>
public class MessageReaderTests
{
    private const int Header = 64;

    /// <summary>Messages of several sizes, some of their first words overwritten, perhaps cut short.</summary>
    private static readonly Gen<byte[]> Damaged = Gen.Select(
        Gen.Int[Header, 3 * Header].Array[0, 5],
        Gen.Select(Gen.Int[0, 60], Chain.Sizes).Array[0, 2],
        Gen.Int[0, 20],
        (sizes, damages, cut) =>
        {
            byte[] bytes = [.. sizes.SelectMany(size => Message(size))];
            foreach (var (word, value) in damages)
            {
                if ((word * 8) + 8 <= bytes.Length) BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(word * 8), value);
            }

            return bytes[..Math.Max(0, bytes.Length - cut)];
        });

    [Fact]
    public void Nothing_is_no_message_and_no_error() => Assert.True(new MessageReader([]).IsAtEnd);

    [Fact]
    public void Each_message_is_as_long_as_it_says_and_begins_at_a_multiple_of_8()
    {
        var reader = new MessageReader([.. Message(64), .. Message(67), .. Message(72)]);
        foreach (var size in (int[])[64, 67, 72])
        {
            Assert.False(reader.IsAtEnd);
            Assert.Equal(Errno.OK, reader.Read(out var message));
            Assert.Equal(size, message.Length);
        }

        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void The_last_one_needs_no_padding()
    {
        var reader = new MessageReader([.. Message(64), .. Message(67)[..67]]);
        Assert.Equal(Errno.OK, reader.Read(out _));
        Assert.Equal(Errno.OK, reader.Read(out var last));
        Assert.Equal(67, last.Length);
        Assert.True(reader.IsAtEnd);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(129)]
    [InlineData(int.MaxValue)]
    [InlineData(1UL << 32)]
    [InlineData(long.MaxValue)]
    [InlineData(ulong.MaxValue - 6)]
    [InlineData(ulong.MaxValue)]
    public void A_size_less_than_a_header_or_beyond_the_end_is_EINVAL_and_ends_it(ulong size)
    {
        byte[] bytes = [.. Message(64), .. Message(64)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, size);
        var reader = new MessageReader(bytes);
        Assert.Equal(Errno.EINVAL, reader.Read(out var message));
        Assert.True(message.IsEmpty);
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Less_than_a_size_is_EINVAL()
    {
        var reader = new MessageReader(new byte[7]);
        Assert.False(reader.IsAtEnd);
        Assert.Equal(Errno.EINVAL, reader.Read(out _));
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Damaged_ones_are_read_as_far_as_they_make_sense() => Damaged.Sample(bytes =>
    {
        var reader = new MessageReader(bytes);
        var at = 0;
        while (!reader.IsAtEnd)
        {
            var claimed = bytes.Length - at >= 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at)) : 0;
            var makesSense = claimed >= Header && claimed <= (ulong)(bytes.Length - at);
            Assert.Equal(makesSense ? Errno.OK : Errno.EINVAL, reader.Read(out var message));
            if (!makesSense)
            {
                Assert.True(reader.IsAtEnd);
                return;
            }

            Assert.True(message.SequenceEqual(bytes.AsSpan(at, (int)claimed)));
            at += ((int)claimed + 7) / 8 * 8;
        }

        Assert.True(at >= bytes.Length);
    });

    private static byte[] Message(int size)
    {
        var bytes = new byte[(size + 7) / 8 * 8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)size);
        return bytes;
    }
}
