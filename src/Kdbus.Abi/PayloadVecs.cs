using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Kdbus.Abi;

/// <summary>
/// Walks the payload of a message that is being sent and says where each piece goes in the receiver's payload area:
/// a vector's bytes follow each other in item order; a null vector and a memfd leave <c>size mod 8</c> zero bytes, so
/// that what follows keeps its alignment. The walk trusts nothing: it ends at the first malformed item.
/// </summary>
public ref struct PayloadVecs
{
    private ItemReader _items;

    /// <summary>Starts at the items of a message.</summary>
    public PayloadVecs(ReadOnlySpan<byte> items) => _items = new ItemReader(items);

    /// <summary>
    /// Starts at the items of a whole message, header included, of which perhaps not all could be read and behind which more
    /// may have been; at nothing if it is not whole.
    /// </summary>
    public static PayloadVecs Of(ReadOnlySpan<byte> message)
    {
        var headerSize = Unsafe.SizeOf<KdbusMsg>();
        if (message.Length < headerSize) return default;
        var size = BinaryPrimitives.ReadUInt64LittleEndian(message);
        return size < (ulong)headerSize || size > (ulong)message.Length ? default : new PayloadVecs(message[headerSize..(int)size]);
    }

    /// <summary>The piece found by <see cref="MoveNext"/>: a vector, or a memfd (then <c>Address</c> is 0).</summary>
    public KdbusVec Current { get; private set; }

    /// <summary>The piece is a memfd.</summary>
    public bool IsMemfd { get; private set; }

    /// <summary>The memfd, if it is one.</summary>
    public KdbusMemfd Memfd { get; private set; }

    /// <summary>Offset of the piece in the payload area.</summary>
    public ulong Position { get; private set; }

    /// <summary>Bytes of the payload area up to and with the current piece.</summary>
    public ulong Area { get; private set; }

    /// <summary>Bytes that <see cref="Current"/> takes in the payload area.</summary>
    public readonly ulong AreaOfCurrent => Current.Address != 0 ? Current.Size : Current.Size % 8;

    /// <summary>Finds the next piece.</summary>
    public bool MoveNext()
    {
        while (_items.TryRead(out var item))
        {
            if (ItemRules.Check(item.Type, item.Payload) != Errno.OK) return false;
            switch (item.Type)
            {
                case ItemType.PayloadVec:
                    Current = item.As<KdbusVec>();
                    break;
                case ItemType.PayloadMemfd:
                    Memfd = item.As<KdbusMemfd>();
                    Current = new KdbusVec { Size = Memfd.Size };
                    break;
                default:
                    continue;
            }

            IsMemfd = item.Type == ItemType.PayloadMemfd;
            Position = Area;
            Area += AreaOfCurrent;
            return true;
        }

        return false;
    }
}
