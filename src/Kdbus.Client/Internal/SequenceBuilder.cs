using System.Buffers;

namespace Kdbus.Client.Internal;

/// <summary>Pieces of memory as one sequence, with zero bytes that are kept nowhere between them.</summary>
internal struct SequenceBuilder
{
    private static readonly byte[] s_zeros = new byte[64 << 10];

    private Segment? _first;
    private Segment? _last;

    /// <summary>The next piece.</summary>
    public void Add(ReadOnlyMemory<byte> memory)
    {
        _last = new Segment(memory, _last);
        _first ??= _last;
    }

    /// <summary>So many zero bytes.</summary>
    public void AddZeros(ulong count)
    {
        for (ulong left = count; left > 0; left -= Math.Min(left, (ulong)s_zeros.Length))
            Add(s_zeros.AsMemory(0, (int)Math.Min(left, (ulong)s_zeros.Length)));
    }

    /// <summary>All of them.</summary>
    public readonly ReadOnlySequence<byte> Build() => _first is null ? default : new ReadOnlySequence<byte>(_first, 0, _last!, _last!.Memory.Length);

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
