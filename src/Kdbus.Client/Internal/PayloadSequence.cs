using System.Buffers;
using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>Payload of several parts as one sequence: pieces of the message, memfds, and zero bytes that are kept nowhere.</summary>
internal static class PayloadSequence
{
    private static readonly byte[] s_zeros = new byte[64 << 10];

    /// <summary>The payload of a message.</summary>
    /// <param name="items">Its items.</param>
    /// <param name="bytes">The message.</param>
    /// <param name="memfds">Those that came with it, in order.</param>
    public static ReadOnlySequence<byte> Of(ItemReader items, ReadOnlyMemory<byte> bytes, IReadOnlyList<MemfdPayload> memfds)
    {
        Segment? first = null, last = null;
        int memfd = 0;
        while (items.TryRead(out Item item))
        {
            if (item.Type == ItemType.PayloadMemfd)
            {
                Add(ref first, ref last, memfds[memfd++].Memory);
            }
            else if (item.Type == ItemType.PayloadOff)
            {
                KdbusVec piece = item.As<KdbusVec>();
                if (piece.Offset != Constants.OffsetNone)
                {
                    Add(ref first, ref last, bytes.Slice((int)piece.Offset, (int)piece.Size));
                    continue;
                }
                for (ulong left = piece.Size; left > 0; left -= Math.Min(left, (ulong)s_zeros.Length))
                    Add(ref first, ref last, s_zeros.AsMemory(0, (int)Math.Min(left, (ulong)s_zeros.Length)));
            }
        }
        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private static void Add(ref Segment? first, ref Segment? last, ReadOnlyMemory<byte> memory)
    {
        last = new Segment(memory, last);
        first ??= last;
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
