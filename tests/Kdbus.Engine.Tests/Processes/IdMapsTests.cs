namespace Kdbus.Engine.Tests.Processes;

/// <summary>Names that a user namespace has for ids, both ways, at the ends of ranges and of what there is.</summary>
public sealed class IdMapsTests
{
    private static readonly IdRange[] Ranges = [new(0, 1000, 3), new(10, 5, 1), new(uint.MaxValue - 2, 70, 2), new(20, uint.MaxValue - 2, 2)];

    [Theory]
    [InlineData(1000, 0)]
    [InlineData(1002, 2)]
    [InlineData(5, 10)]
    [InlineData(70, uint.MaxValue - 2)]
    [InlineData(71, uint.MaxValue - 1)]
    [InlineData(uint.MaxValue - 2, 20)]
    [InlineData(uint.MaxValue - 1, 21)]
    public void An_id_in_a_range_has_a_name_and_the_name_is_its(uint outside, uint inside)
    {
        Assert.True(IdMaps.TryMapIn(Ranges, outside, out var named));
        Assert.Equal(inside, named);
        Assert.True(IdMaps.TryMapOut(Ranges, inside, out var back));
        Assert.Equal(outside, back);
    }

    [Theory]
    [InlineData(999)]
    [InlineData(1003)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(69)]
    [InlineData(72)]
    [InlineData(0)]
    [InlineData(uint.MaxValue - 3)]
    [InlineData(uint.MaxValue)]
    public void An_id_beside_the_ranges_has_none(uint outside) => Assert.False(IdMaps.TryMapIn(Ranges, outside, out _));

    [Theory]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(11)]
    [InlineData(19)]
    [InlineData(22)]
    [InlineData(uint.MaxValue - 3)]
    [InlineData(uint.MaxValue)]
    public void A_name_beside_the_ranges_is_none(uint inside) => Assert.False(IdMaps.TryMapOut(Ranges, inside, out _));

    [Fact]
    public void All_ids_but_the_one_that_is_none_are_in_the_range_of_all()
    {
        IdRange[] all = [new(0, 0, uint.MaxValue)];
        Assert.True(IdMaps.TryMapIn(all, 0, out _));
        Assert.True(IdMaps.TryMapIn(all, uint.MaxValue - 1, out var last));
        Assert.Equal(uint.MaxValue - 1, last);
        Assert.False(IdMaps.TryMapIn(all, uint.MaxValue, out _));
        Assert.False(IdMaps.TryMapOut(all, uint.MaxValue, out _));
    }

    [Fact]
    public void Of_ranges_that_overlap_the_first_counts()
    {
        IdRange[] overlapping = [new(0, 100, 2), new(1, 200, 5), new(50, 101, 5)];
        Assert.True(IdMaps.TryMapOut(overlapping, 1, out var outside));
        Assert.Equal(101u, outside);
        Assert.True(IdMaps.TryMapIn(overlapping, 101, out var inside));
        Assert.Equal(1u, inside);
        Assert.True(IdMaps.TryMapIn(overlapping, 102, out inside));
        Assert.Equal(51u, inside);
    }

    [Fact]
    public void An_empty_range_has_no_ids()
    {
        IdRange[] empty = [new(5, 5, 0)];
        Assert.False(IdMaps.TryMapIn(empty, 5, out _));
        Assert.False(IdMaps.TryMapOut(empty, 5, out _));
        Assert.False(IdMaps.TryMapIn(Array.Empty<IdRange>(), 0, out _));
    }
}
