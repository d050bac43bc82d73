using CsCheck;

namespace Kdbus.Engine.Tests;

/// <summary>The allocator beside one that knows nothing but which units of 8 bytes are in use.</summary>
public sealed class PoolTests
{
    private const int Size = 4096;

    private enum Step
    {
        Allocate,
        Publish,
        ReleaseByBus,
        ReleaseByOwner,
    }

    private static readonly Gen<(Step Step, int Number)[]> Schedules =
        Gen.Select(Gen.Enum<Step>(), Gen.Frequency((6, Gen.Int[1, 300]), (1, Gen.Int[1, Size + 9]))).Array[0, 200];

    [Fact]
    public void It_does_what_a_naive_best_fit_does() => Schedules.Sample(schedule =>
    {
        var pool = new Pool(new PoolMemory(Size), Size, new(4));
        var inUse = new bool[Size / 8];
        var slices = new List<Slice>();
        foreach (var (step, number) in schedule)
        {
            if (step == Step.Allocate) Allocate(pool, inUse, slices, (ulong)number);
            else if (slices.Count > 0) Change(pool, inUse, slices, step, number % slices.Count);
            Compare(pool, inUse, slices);
        }

        foreach (var slice in slices.ToArray())
        {
            if (slice.HeldByOwner) pool.ReleaseByOwner(slice);
            if (slice.HeldByBus) pool.ReleaseByBus(slice);
        }

        Assert.Equal((0, 1, Size), (pool.Count, Inside.FreeRanges(pool), (int)Inside.FreeBytes(pool)));
        Assert.Equal(Errno.OK, pool.Allocate(Size, out var whole));
        Assert.Equal((0UL, (ulong)Size), (whole.Offset, whole.Size));
    });

    [Fact]
    public void The_first_slice_lies_at_the_low_end_and_sizes_are_rounded_up_to_8()
    {
        var pool = new Pool(new PoolMemory(Size), Size, new(4));
        pool.Allocate(1, out var first);
        pool.Allocate(9, out var second);
        Assert.Equal((0UL, 8UL), (first.Offset, first.Size));
        Assert.Equal((8UL, 16UL), (second.Offset, second.Size));
    }

    [Fact]
    public void Free_space_in_two_pieces_does_not_hold_what_it_would_hold_in_one()
    {
        var pool = new Pool(new PoolMemory(Size), Size, new(4));
        pool.Allocate(1024, out var low);
        pool.Allocate(1024, out _);
        pool.Allocate(1024, out var high);
        pool.ReleaseByBus(low);
        pool.ReleaseByBus(high);
        Assert.Equal(3072UL, Inside.FreeBytes(pool));
        Assert.Equal(Errno.EXFULL, pool.Allocate(2056, out _));
        Assert.Equal(Errno.OK, pool.Allocate(2048, out _));
    }

    [Fact]
    public void A_slice_is_free_only_when_neither_side_holds_it()
    {
        var pool = new Pool(new PoolMemory(Size), Size, new(4));
        pool.Allocate(8, out var slice);
        slice.HeldByOwner = true;
        pool.ReleaseByBus(slice);
        Assert.Same(slice, pool.Find(0));
        pool.ReleaseByOwner(slice);
        Assert.Null(pool.Find(0));
    }

    [Fact]
    public void A_host_without_memory_refuses_and_nothing_is_taken()
    {
        var memory = new PoolMemory(Size) { IsExhausted = true };
        var pool = new Pool(memory, Size, new(4));
        Assert.Equal(Errno.ENOMEM, pool.Allocate(64, out _));
        Assert.Equal((0, 1, Size), (pool.Count, Inside.FreeRanges(pool), (int)Inside.FreeBytes(pool)));
        memory.IsExhausted = false;
        Assert.Equal(Errno.OK, pool.Allocate(Size, out _));
    }

    [Fact]
    public void The_memory_is_told_each_time_the_last_slice_is_gone()
    {
        var memory = new PoolMemory(Size);
        var pool = new Pool(memory, Size, new(4));
        pool.Allocate(8, out var one);
        pool.Allocate(8, out var two);
        pool.ReleaseByBus(one);
        Assert.Equal(0, memory.TimesUnused);
        pool.ReleaseByBus(two);
        Assert.Equal(1, memory.TimesUnused);
    }

    private static void Allocate(Pool pool, bool[] inUse, List<Slice> slices, ulong size)
    {
        var units = (int)((size + 7) / 8);
        var best = FreeRanges(inUse).Where(range => range.Units >= units).OrderBy(range => range.Units).ThenBy(range => range.First).ToArray();
        var result = pool.Allocate(size, out var slice);
        if (best.Length == 0)
        {
            Assert.Equal(Errno.EXFULL, result);
            return;
        }

        Assert.Equal(Errno.OK, result);
        Assert.Equal((best[0].First * 8UL, (ulong)units * 8), (slice.Offset, slice.Size));
        inUse.AsSpan((int)best[0].First, units).Fill(true);
        slices.Add(slice);
    }

    private static void Change(Pool pool, bool[] inUse, List<Slice> slices, Step step, int index)
    {
        var slice = slices[index];
        var (offset, size) = (slice.Offset, slice.Size);
        if (step == Step.Publish) slice.HeldByOwner = true;
        else if (step == Step.ReleaseByBus && slice.HeldByBus) pool.ReleaseByBus(slice);
        else if (step == Step.ReleaseByOwner && slice.HeldByOwner) pool.ReleaseByOwner(slice);
        if (pool.Find(offset) == slice) return;

        slices.RemoveAt(index);
        inUse.AsSpan((int)offset / 8, (int)size / 8).Clear();
    }

    private static void Compare(Pool pool, bool[] inUse, List<Slice> slices)
    {
        Assert.Equal(slices.Count, pool.Count);
        var units = new bool[inUse.Length];
        foreach (var slice in slices)
        {
            Assert.Same(slice, pool.Find(slice.Offset));
            var range = units.AsSpan((int)slice.Offset / 8, (int)slice.Size / 8);
            Assert.False(range.Contains(true), "Two slices overlap.");
            range.Fill(true);
        }

        Assert.Equal(inUse, units);
        Assert.Equal(inUse.Count(used => !used) * 8, (int)Inside.FreeBytes(pool));
        Assert.Equal(FreeRanges(inUse).Count, Inside.FreeRanges(pool));
    }

    private static List<(uint First, int Units)> FreeRanges(bool[] inUse)
    {
        var ranges = new List<(uint, int)>();
        for (var i = 0; i < inUse.Length; i++)
        {
            if (inUse[i]) continue;
            var first = i;
            while (i < inUse.Length && !inUse[i]) i++;
            ranges.Add(((uint)first, i - first));
        }

        return ranges;
    }
}
