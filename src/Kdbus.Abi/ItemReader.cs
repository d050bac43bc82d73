using System.Buffers.Binary;

namespace Kdbus.Abi;

/// <summary>
/// Walks a chain of items. It never looks outside the bytes it was given, whatever the sizes in them say: a chain
/// that is not well-formed ends the walk with <see cref="Error"/> set. The padding behind the last item may be
/// included or left out.
/// </summary>
public ref struct ItemReader
{
    private readonly ReadOnlySpan<byte> _chain;
    private int _next;

    /// <summary>Starts at the first item of <paramref name="chain"/>; an empty chain is valid.</summary>
    public ItemReader(ReadOnlySpan<byte> chain) => _chain = chain;

    /// <summary>EINVAL once the chain has turned out to be malformed.</summary>
    public Errno Error { get; private set; }

    /// <summary>Reads the next item; false at the end of the chain and at the first fault (<see cref="Error"/>).</summary>
    public bool TryRead(out Item item)
    {
        item = default;
        // The walk ends behind the padding of the last item, whether the chain includes that or leaves it out.
        if (_next >= _chain.Length) return false;

        var rest = _chain[_next..];
        if (rest.Length < Item.HeaderSize) return Fail();
        var size = BinaryPrimitives.ReadUInt64LittleEndian(rest);
        if (size < Item.HeaderSize || size > (ulong)rest.Length) return Fail();

        var type = (ItemType)BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]);
        item = new Item(type, _next, rest[Item.HeaderSize..(int)size]);
        _next += Item.Align8((int)size);
        return true;
    }

    private bool Fail()
    {
        Error = Errno.EINVAL;
        _next = int.MaxValue & ~7;
        return false;
    }
}
