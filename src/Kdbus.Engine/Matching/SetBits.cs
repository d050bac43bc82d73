using System.Numerics;
using System.Runtime.InteropServices;

namespace Kdbus.Engine.Matching;

/// <summary>The numbers of the bits that are set, from the lowest of the first byte on.</summary>
internal ref struct SetBits(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<ulong> _words = MemoryMarshal.Cast<byte, ulong>(bytes);
    private int _word = -1;
    private ulong _rest = 0;

    public int Current { get; private set; }

    public readonly SetBits GetEnumerator() => this;

    public bool MoveNext()
    {
        while (_rest == 0)
        {
            if (++_word >= _words.Length) return false;
            _rest = _words[_word];
        }

        Current = (_word * 64) + BitOperations.TrailingZeroCount(_rest);
        _rest &= _rest - 1;
        return true;
    }
}
