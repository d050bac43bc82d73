using System.Runtime.InteropServices;
using System.Text;

namespace Kdbus.Client;

/// <summary>What the bloom filters of a bus look like. The bus compares bits; what they mean is agreed among programs, and here is how ours do.</summary>
/// <param name="Size">Bytes of a filter: a multiple of 8, at most 4,096.</param>
/// <param name="Hashes">Bits that each word sets.</param>
public readonly record struct BloomParameters(int Size, int Hashes)
{
    /// <summary>A filter or mask without any word.</summary>
    public BloomBits NewBits() => new(this);
}

/// <summary>
/// The bits of a filter, which goes with a signal and has a bit for all it is about, or of a mask, which is in a match and has bits for what is wanted. A
/// signal is delivered if all bits of the mask are set in its filter; so a filter's "yes" means "maybe", and its "no" is sure.
/// </summary>
public sealed class BloomBits
{
    // FNV-1a.
    private const ulong Basis = 0xcbf29ce484222325;
    private const ulong Prime = 0x100000001b3;

    private readonly byte[] _item;
    private readonly int _hashes;

    internal BloomBits(BloomParameters parameters)
    {
        _item = new byte[sizeof(ulong) + parameters.Size];
        _hashes = parameters.Hashes;
    }

    /// <summary>The bits.</summary>
    public ReadOnlySpan<byte> Bits => _item.AsSpan(sizeof(ulong));

    /// <summary>As an item of a signal: the generation, which is 0, and the bits.</summary>
    internal ReadOnlySpan<byte> Filter => _item;

    /// <summary>Sets the bits of a word, whatever that is: UTF-8 text.</summary>
    /// <returns>This.</returns>
    public BloomBits Add(string word)
    {
        ArgumentException.ThrowIfNullOrEmpty(word);
        Add(Encoding.UTF8.GetBytes(word));
        return this;
    }

    /// <summary>Sets the bits of a topic, words with dots between them, and of all that it belongs to: <c>weather.rain</c> is about <c>weather</c> too. For filters; masks have the topic alone, by <see cref="Add(string)"/>.</summary>
    /// <returns>This.</returns>
    public BloomBits AddTopic(string topic)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        byte[] bytes = Encoding.UTF8.GetBytes(topic);
        for (int end = 1; end <= bytes.Length; end++)
        {
            if (end == bytes.Length || bytes[end] == '.')
                Add(bytes.AsSpan(0, end));
        }
        return this;
    }

    private void Add(ReadOnlySpan<byte> word)
    {
        Span<ulong> bits = MemoryMarshal.Cast<byte, ulong>(_item.AsSpan(sizeof(ulong)));
        for (int function = 0; function < _hashes; function++)
        {
            ulong hash = Basis ^ (ulong)function;
            foreach (byte letter in word)
                hash = (hash ^ letter) * Prime;
            ulong bit = (hash ^ hash >> 32) % ((ulong)bits.Length * 64);
            bits[(int)(bit / 64)] |= 1UL << (int)(bit % 64);
        }
    }
}
