using System.Buffers;
using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>Payload of several parts as one sequence: pieces of the message, memfds, and zero bytes that are kept nowhere.</summary>
internal static class PayloadSequence
{
    /// <summary>The payload of a message.</summary>
    /// <param name="items">Its items.</param>
    /// <param name="bytes">The message.</param>
    /// <param name="memfds">Those that came with it, in order.</param>
    public static ReadOnlySequence<byte> Of(ItemReader items, ReadOnlyMemory<byte> bytes, IReadOnlyList<MemfdPayload> memfds)
    {
        SequenceBuilder payload = default;
        int memfd = 0;
        while (items.TryRead(out Item item))
        {
            if (item.Type == ItemType.PayloadMemfd)
            {
                payload.Add(memfds[memfd++].Memory);
            }
            else if (item.Type == ItemType.PayloadOff)
            {
                KdbusVec piece = item.As<KdbusVec>();
                if (piece.Offset == Constants.OffsetNone)
                    payload.AddZeros(piece.Size);
                else
                    payload.Add(bytes.Slice((int)piece.Offset, (int)piece.Size));
            }
        }
        return payload.Build();
    }
}
