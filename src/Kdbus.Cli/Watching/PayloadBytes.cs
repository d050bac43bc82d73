using System.Buffers;

namespace Kdbus.Cli.Watching;

/// <summary>Pieces of payload as one.</summary>
internal static class PayloadBytes
{
    private static readonly byte[] s_zeros = new byte[64 << 10];

    /// <summary>All of them, up to where one is cut.</summary>
    public static ReadOnlySequence<byte> Join(IReadOnlyList<PayloadPiece> pieces)
    {
        if (pieces is [{ Kind: not PieceSource.Zeros } only])
            return new ReadOnlySequence<byte>(only.Bytes);
        Segment? first = null, last = null;
        foreach (PayloadPiece piece in pieces)
        {
            if (piece.Kind == PieceSource.Zeros)
            {
                for (ulong left = piece.Size; left > 0; left -= Math.Min(left, (ulong)s_zeros.Length))
                    Add(s_zeros.AsMemory(0, (int)Math.Min(left, (ulong)s_zeros.Length)));
            }
            else
            {
                Add(piece.Bytes);
            }
            if (piece.IsCut)
                break;
        }
        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);

        void Add(ReadOnlyMemory<byte> memory)
        {
            last = new Segment(memory, last);
            first ??= last;
        }
    }

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
