using System.Numerics;

namespace Kdbus.Engine.Messages;

/// <summary>
/// Spare room for images of messages (<see cref="QueuedMessage.Image"/>), by powers of two. Few of the large ones are kept: what copies
/// that much has other costs.
/// </summary>
internal sealed class Images
{
    private const int SmallestBits = 7;
    private const int LargestBits = 15;
    private const int BytesKept = 128 * 1024; // of each size

    private readonly Stack<byte[]>[] _spares = [.. Enumerable.Range(0, LargestBits - SmallestBits + 1).Select(static _ => new Stack<byte[]>())];

    /// <summary>At least so many bytes, of any content.</summary>
    public byte[] Take(ulong size)
    {
        var index = IndexOf(size);
        if (index >= _spares.Length) return new byte[size];
        return _spares[index].TryPop(out var spare) ? spare : new byte[1 << (index + SmallestBits)];
    }

    public void GiveBack(byte[] image)
    {
        var index = IndexOf((ulong)image.Length);
        if (index < _spares.Length && _spares[index].Count < BytesKept / image.Length) _spares[index].Push(image);
    }

    private static int IndexOf(ulong size) => Math.Max(64 - BitOperations.LeadingZeroCount(size - 1) - SmallestBits, 0);
}
