using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>The items of a message or a record, for <c>foreach</c>.</summary>
internal ref struct ItemChain(ItemReader reader)
{
    private ItemReader _reader = reader;
    private Item _current;

    public ItemChain(ReadOnlySpan<byte> chain)
        : this(new ItemReader(chain))
    {
    }

    public readonly Item Current => _current;

    public readonly ItemChain GetEnumerator() => this;

    public bool MoveNext() => _reader.TryRead(out _current);
}
