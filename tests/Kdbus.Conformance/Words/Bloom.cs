namespace Kdbus.Conformance.Words;

/// <summary>Bits for a bloom filter or mask, as many as the tester's bus has.</summary>
public static class Bloom
{
    /// <summary>None of them.</summary>
    public static byte[] Nothing => Filled(0);

    /// <summary>All of them.</summary>
    public static byte[] Everything => Filled(0xff);

    /// <summary>Each byte is this one.</summary>
    public static byte[] Filled(byte value)
    {
        byte[] bits = new byte[TestBus.BloomSize];
        bits.AsSpan().Fill(value);
        return bits;
    }

    /// <summary>These ones.</summary>
    public static byte[] Bits(params ReadOnlySpan<int> numbers)
    {
        byte[] bits = Nothing;
        foreach (int number in numbers)
            bits[number / 8] |= (byte)(1 << number % 8);
        return bits;
    }
}
