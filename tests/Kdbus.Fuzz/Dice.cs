using System.Numerics;

namespace Kdbus.Fuzz;

/// <summary>
/// All chance in a case comes from one seed (SplitMix64), so a case can be run again. Numbers are drawn as a parser dislikes
/// them: small, at the edges of powers of two, or anything.
/// </summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        var z = _state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// <summary>0 to <paramref name="count"/> - 1.</summary>
    public int Below(int count) => (int)(((UInt128)Next() * (uint)count) >> 64);

    /// <summary>True in one case of so many.</summary>
    public bool OneIn(int count) => Below(count) == 0;

    public T Of<T>(params ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    public T Of<T>(List<T> choices) => choices[Below(choices.Count)];

    /// <summary>A number that may hurt.</summary>
    public ulong Wild() => Below(6) switch
    {
        0 => (ulong)Below(300),
        1 => 1UL << Below(64),
        2 => (1UL << Below(64)) - 1,
        3 => ulong.MaxValue - (ulong)Below(64),
        4 => BitOperations.RotateLeft(0xffUL, Below(64)),
        _ => Next(),
    };

    public void Fill(Span<byte> bytes)
    {
        foreach (ref var each in bytes) each = (byte)Next();
    }

    public byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        Fill(bytes);
        return bytes;
    }
}
