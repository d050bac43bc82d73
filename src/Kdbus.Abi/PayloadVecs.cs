using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Kdbus.Abi;

/// <summary>What a piece of payload is.</summary>
public enum PieceKind
{
    /// <summary>Bytes in the sender's memory.</summary>
    Vector,
    /// <summary>A vector without an address: zeros that are kept nowhere.</summary>
    Zeros,
    /// <summary>A sealed memfd.</summary>
    Memfd,
    /// <summary>Bytes that stand in the message itself: an extension.</summary>
    Inline,
}

/// <summary>
/// Walks the payload of a message that is being sent and says where each piece goes in the receiver's payload area:
/// the bytes of vectors, and those that stand in the message itself, follow each other in item order; a null vector and a memfd leave <c>size mod 8</c> zero bytes, so
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

    /// <summary>The piece found by <see cref="MoveNext"/>; only a vector has an <c>Address</c>.</summary>
    public KdbusVec Current { get; private set; }

    /// <summary>What it is.</summary>
    public PieceKind Kind { get; private set; }

    /// <summary>Its bytes, if they stand in the message.</summary>
    public ReadOnlySpan<byte> Inline { get; private set; }

    /// <summary>The memfd, if it is one.</summary>
    public KdbusMemfd Memfd { get; private set; }

    /// <summary>Offset of the piece in the payload area.</summary>
    public ulong Position { get; private set; }

    /// <summary>Bytes of the payload area up to and with the current piece.</summary>
    public ulong Area { get; private set; }

    /// <summary>Bytes that <see cref="Current"/> takes in the payload area.</summary>
    public readonly ulong AreaOfCurrent => Kind is PieceKind.Vector or PieceKind.Inline ? Current.Size : Current.Size % 8;

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
                    Kind = Current.Address != 0 ? PieceKind.Vector : PieceKind.Zeros;
                    break;
                case ItemType.PayloadMemfd:
                    Memfd = item.As<KdbusMemfd>();
                    Current = new KdbusVec { Size = Memfd.Size };
                    Kind = PieceKind.Memfd;
                    break;
                case ItemType.PayloadInline:
                    Inline = item.Payload;
                    Current = new KdbusVec { Size = (ulong)Inline.Length };
                    Kind = PieceKind.Inline;
                    break;
                default:
                    continue;
            }

            Position = Area;
            Area += AreaOfCurrent;
            return true;
        }

        return false;
    }
}
