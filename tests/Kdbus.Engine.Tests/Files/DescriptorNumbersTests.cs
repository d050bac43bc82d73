using Kdbus.Engine.Files;

namespace Kdbus.Engine.Tests.Files;

/// <summary>Which numbers are looked at before the engine sees a message: those it may come to ask for, in the order in which it does.</summary>
public sealed class DescriptorNumbersTests
{
    private static readonly DomainLimits Limits = new() { MessageMemfds = 3, Fds = 4, MessageItems = 10 };

    [Fact]
    public void Numbers_come_in_the_order_of_the_items() => AssertNumbers([(5, true), (8, false), (-1, false), (6, true)], 1, Memfd(5), Vec(), Fds(8, -1), Memfd(6));

    [Fact]
    public void A_message_without_descriptors_names_none() => AssertNumbers([], 1, Vec(), Fds());

    [Fact]
    public void What_is_too_much_is_not_looked_at()
    {
        AssertNumbers([(1, true), (2, true), (3, true)], 1, Memfd(1), Memfd(2), Memfd(3), Memfd(4), Fds(5));
        AssertNumbers([(1, true)], 1, Memfd(1), Fds(1, 2, 3, 4, 5), Memfd(2));
        AssertNumbers([(1, false), (2, false), (3, false), (4, false)], 1, Fds(1, 2, 3, 4));
        AssertNumbers([(1, false)], 1, Fds(1), Fds(2), Memfd(3));
        AssertNumbers([], 1, Fds(), Fds(2), Memfd(3));
        AssertNumbers([(9, true)], 1, Vec(), Vec(), Vec(), Vec(), Vec(), Vec(), Vec(), Vec(), Vec(), Memfd(9), Memfd(10));
    }

    [Fact]
    public void Of_a_broadcast_only_memfds_are() => AssertNumbers([(1, true)], Constants.DstIdBroadcast, Memfd(1), Fds(2), Memfd(3));

    [Fact]
    public void It_ends_where_an_item_is_wrong()
    {
        AssertNumbers([(1, true)], 1, Memfd(1), Frame.Item(ItemType.PayloadMemfd, new KdbusMemfd { Fd = 2 }), Memfd(3));
        AssertNumbers([(1, true)], 1, Memfd(1), Memfd(-1), Memfd(3));
        AssertNumbers([(1, true)], 1, Memfd(1), Frame.Item(ItemType.Fds, new byte[6]), Memfd(3));
        AssertNumbers([(1, true)], 1, Memfd(1), [15, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0], Memfd(3));
    }

    [Fact]
    public void A_message_that_is_not_whole_names_nothing()
    {
        var message = Frame.Of(new KdbusMsg { DstId = 1 }, Memfd(1), Fds(2));
        for (var length = 0; length < message.Length; length++) Assert.Empty(NumbersOf(message.AsSpan(0, length)));
        message[0] = 63;
        Assert.Empty(NumbersOf(message));
    }

    [Fact]
    public void What_stands_behind_the_message_is_not_part_of_it() =>
        Assert.Equal([(1, true)], NumbersOf([.. Frame.Of(new KdbusMsg { DstId = 1 }, Memfd(1)), .. Memfd(2)]));

    private static void AssertNumbers((int Number, bool IsMemfd)[] expected, ulong destination, params ReadOnlySpan<byte[]> items) =>
        Assert.Equal(expected, NumbersOf(Frame.Of(new KdbusMsg { DstId = destination }, items)));

    private static List<(int Number, bool IsMemfd)> NumbersOf(ReadOnlySpan<byte> message)
    {
        var found = new List<(int, bool)>();
        var numbers = DescriptorNumbers.Of(Limits, message);
        while (numbers.MoveNext()) found.Add((numbers.Current, numbers.IsMemfd));
        Assert.False(numbers.MoveNext());
        return found;
    }

    private static byte[] Vec() => Frame.Item(ItemType.PayloadVec, new KdbusVec { Size = 8 });

    private static byte[] Memfd(int number) => Frame.Item(ItemType.PayloadMemfd, new KdbusMemfd { Size = 8, Fd = number });

    private static byte[] Fds(params int[] numbers) => Frame.Item(ItemType.Fds, [.. numbers.SelectMany(BitConverter.GetBytes)]);
}
