namespace Kdbus.Engine.Tests.Infrastructure;

/// <summary>
/// A pool that is an array. It holds the engine to its word: what is written was backed before, and lies inside the pool;
/// fresh memory is full of garbage, so a byte that should have been written and was not shows.
/// </summary>
internal sealed class PoolMemory : IPoolMemory
{
    private readonly byte[] _bytes;
    private readonly bool[] _backed; // one for each 8 bytes

    public PoolMemory(int size)
    {
        _bytes = new byte[size];
        _backed = new bool[size / 8];
        Array.Fill(_bytes, (byte)0xa5);
    }

    public int Size => _bytes.Length;

    /// <summary>The host has no memory left.</summary>
    public bool IsExhausted { get; set; }

    /// <summary>How often the pool was told that nothing in it is used.</summary>
    public int TimesUnused { get; private set; }

    /// <summary>Bytes that are backed, in steps of 8.</summary>
    public int BackedBytes => 8 * _backed.Count(isBacked => isBacked);

    /// <summary>What the owner sees.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Opened for writing by its owner.</summary>
    public bool IsWritableByOwner { get; init; }

    public ReadOnlySpan<byte> Content(ulong offset, int size)
    {
        Assert.False(IsWritableByOwner, "What the owner of a pool can write was read back.");
        return Room(offset, size);
    }

    public bool Back(ulong offset, ulong size)
    {
        if (offset > (ulong)Size || size > (ulong)Size - offset) Assert.Fail($"Backing {size} bytes at {offset} of a pool of {Size}.");
        if (IsExhausted) return false;
        var first = (int)offset / 8;
        _backed.AsSpan(first, ((int)(offset + size + 7) / 8) - first).Fill(true);
        return true;
    }

    public Span<byte> Room(ulong offset, int size)
    {
        var room = _bytes.AsSpan(checked((int)offset), size);
        var first = (int)offset / 8;
        var last = ((int)offset + size + 7) / 8;
        if (_backed.AsSpan(first, last - first).Contains(false)) Assert.Fail($"{size} bytes at {offset} are not backed.");
        return room;
    }

    /// <summary>What an owner can do who opened his pool for writing.</summary>
    public void Scribble(byte value)
    {
        Assert.True(IsWritableByOwner);
        Array.Fill(_bytes, value);
    }

    public void Unused()
    {
        TimesUnused++;
        Array.Clear(_backed);
    }
}
