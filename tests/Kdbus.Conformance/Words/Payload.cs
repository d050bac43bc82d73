namespace Kdbus.Conformance.Words;

/// <summary>Bytes to send.</summary>
public static class Payload
{
    /// <summary>So many bytes, of which each seed makes others.</summary>
    public static byte[] Random(int seed, int size)
    {
        byte[] data = new byte[size];
        new Random(seed).NextBytes(data);
        return data;
    }
}
