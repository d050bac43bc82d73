using System.Numerics;

namespace Kdbus.Cli.Watching;

/// <summary>
/// How long things took, in memory that does not grow: buckets are as wide as the nanoseconds they stand for allow, sixteen for each power of two, so a percentile is
/// at most a sixteenth too large.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int Bits = 4;
    private const int PerPower = 1 << Bits;
    private const int Buckets = (64 - Bits + 1) * PerPower;

    private readonly uint[] _counts = new uint[Buckets];

    /// <summary>How many were added.</summary>
    public ulong Count { get; private set; }

    /// <summary>Adds one.</summary>
    public void Add(ulong nanoseconds)
    {
        ref uint bucket = ref _counts[BucketOf(nanoseconds)];
        // One that is full stays so: percentiles are then a little wrong, after four thousand million.
        if (bucket < uint.MaxValue)
            bucket++;
        Count++;
    }

    /// <summary>The time within which this part of them were; 0 if there are none.</summary>
    /// <param name="part">0 to 1.</param>
    public ulong Percentile(double part)
    {
        if (Count == 0)
            return 0;
        ulong rank = Math.Max(1, (ulong)Math.Ceiling(Math.Clamp(part, 0, 1) * Count)), seen = 0;
        for (int i = 0; i < Buckets; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
                return MostOf(i);
        }
        return MostOf(Buckets - 1);
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
    }

    // Up to 2^Bits each number has a bucket; from there on the highest bits choose one.
    private static int BucketOf(ulong value)
    {
        if (value < PerPower)
            return (int)value;
        int shift = BitOperations.Log2(value) - Bits;
        return (shift + 1) * PerPower + (int)(value >> shift) - PerPower;
    }

    private static ulong MostOf(int bucket)
    {
        if (bucket < PerPower)
            return (ulong)bucket;
        int shift = bucket / PerPower - 1;
        ulong least = (ulong)(bucket % PerPower + PerPower) << shift;
        return least + ((1UL << shift) - 1);
    }
}
