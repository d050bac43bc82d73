using Kdbus.Abi;

namespace Kdbus.Engine.Names;

/// <summary>A name somebody owns, with the flags it is owned with, at one moment.</summary>
/// <param name="Name">Without NUL.</param>
/// <param name="Flags">As the owner gave them.</param>
internal readonly record struct OwnedName(byte[] Name, NameFlags Flags)
{
    /// <summary>Bytes of its item.</summary>
    public int Size => Item.SizeInChain(sizeof(ulong) + Name.Length + 1);

    public void WriteTo(ref ItemWriter items)
    {
        var owned = items.Begin(ItemType.OwnedName, sizeof(ulong) + Name.Length + 1);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(owned, (ulong)Flags);
        Name.CopyTo(owned[sizeof(ulong)..]);
        owned[^1] = 0;
    }
}
