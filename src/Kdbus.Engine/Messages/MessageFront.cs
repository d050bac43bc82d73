using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Messages;

/// <summary>
/// Header and items of a checked message in the form in which its receiver gets them: the name it was sent to, the pieces of payload in
/// the sender's order, the descriptors. Numbers of descriptors are -1; they are other ones in each receiver.
/// </summary>
internal readonly ref struct MessageFront
{
    private const int FdInMemfd = 16; // offset of kdbus_memfd.fd

    private readonly KdbusMsg _header;
    private readonly ReadOnlySpan<byte> _items;
    private readonly ReadOnlySpan<byte> _name;
    private readonly int _fds;

    /// <param name="header">The header.</param>
    /// <param name="items">The items as the sender gave them.</param>
    /// <param name="name">The name among them without NUL, empty if none.</param>
    /// <param name="fds">Descriptors in the FDS item among them.</param>
    public MessageFront(scoped in KdbusMsg header, ReadOnlySpan<byte> items, ReadOnlySpan<byte> name, int fds)
    {
        _header = header;
        _items = items;
        _name = name;
        _fds = fds;
    }

    /// <summary>The pieces of payload, and where they are in the payload area.</summary>
    public PayloadVecs Pieces => new(_items);

    /// <summary>Bytes of an item for a piece of payload.</summary>
    public static int SizeOfPiece(bool memfd) => Item.SizeInChain(memfd ? Unsafe.SizeOf<KdbusMemfd>() : Unsafe.SizeOf<KdbusVec>());

    /// <summary>Bytes of an item for so many descriptors; if there are none there is no item.</summary>
    public static int SizeOfFds(int count) => count == 0 ? 0 : Item.SizeInChain(count * sizeof(int));

    /// <summary>Bytes of the item for a name; if there is none there is no item.</summary>
    public static int SizeOfName(ReadOnlySpan<byte> name) => name.IsEmpty ? 0 : Item.SizeInChain(name.Length + 1);

    /// <summary>
    /// Writes header and items. Offsets of payload count from the message's first byte, the payload area starting at
    /// <paramref name="areaStart"/>. What memfds hold lies at <paramref name="contents"/>, one after the other, if they are given: then
    /// they look like vectors.
    /// </summary>
    public void WriteTo(Span<byte> room, ulong areaStart, ReadOnlySpan<ulong> contents = default)
    {
        var header = _header;
        header.Size = (ulong)room.Length;
        MemoryMarshal.Write(room, in header);

        var items = new ItemWriter(room[Unsafe.SizeOf<KdbusMsg>()..]);
        if (!_name.IsEmpty) items.WriteString(ItemType.DstName, _name);
        var pieces = Pieces;
        while (pieces.MoveNext())
        {
            var here = pieces.Current;
            if (pieces.Kind != PieceKind.Memfd)
            {
                here.Offset = pieces.Kind == PieceKind.Zeros ? Constants.OffsetNone : areaStart + pieces.Position;
                items.Write(ItemType.PayloadOff, in here);
            }
            else if (contents.IsEmpty)
            {
                items.Write(ItemType.PayloadMemfd, pieces.Memfd with { Fd = -1, Pad = 0 });
            }
            else
            {
                here.Offset = contents[0];
                contents = contents[1..];
                items.Write(ItemType.PayloadOff, in here);
            }
        }

        if (_fds > 0) items.Begin(ItemType.Fds, _fds * sizeof(int)).Fill(0xff);
    }

    /// <summary>Zeroes the bytes of the payload area that no vector fills.</summary>
    public void ClearPadding(IPoolMemory memory, ulong areaOffset)
    {
        var pieces = Pieces;
        while (pieces.MoveNext())
        {
            if (pieces.Kind is PieceKind.Zeros or PieceKind.Memfd) memory.Room(areaOffset + pieces.Position, (int)pieces.AreaOfCurrent).Clear();
        }

        var tail = Item.Align8(pieces.Area) - pieces.Area;
        if (tail != 0) memory.Room(areaOffset + pieces.Area, (int)tail).Clear();
    }

    /// <summary>Where the numbers of descriptors stand, from the message's first byte on: those of FDS, then those of the memfds.</summary>
    public int[] NumberPositions()
    {
        var at = Unsafe.SizeOf<KdbusMsg>() + SizeOfName(_name);
        var memfds = new List<int>();
        var pieces = Pieces;
        while (pieces.MoveNext())
        {
            var isMemfd = pieces.Kind == PieceKind.Memfd;
            if (isMemfd) memfds.Add(at + Item.HeaderSize + FdInMemfd);
            at += SizeOfPiece(isMemfd);
        }

        return [.. Enumerable.Range(0, _fds).Select(i => at + Item.HeaderSize + (i * sizeof(int))), .. memfds];
    }
}
