using Kdbus.Engine;

namespace Kdbus.Fuzz.Serving;

/// <summary>A pool that is an array: writing outside it throws.</summary>
internal sealed class ArrayPool(int size) : IPoolMemory
{
    private readonly byte[] _bytes = new byte[size];

    public Span<byte> Bytes => _bytes;

    public bool IsWritableByOwner => false;

    public ReadOnlySpan<byte> Content(ulong offset, int size) => Room(offset, size);

    public bool Back(ulong offset, ulong size) => offset + size <= (ulong)_bytes.Length;

    public Span<byte> Room(ulong offset, int size) => _bytes.AsSpan(checked((int)offset), size);

    public void Unused()
    {
    }
}
