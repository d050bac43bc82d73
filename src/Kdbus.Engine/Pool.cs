using Kdbus.Abi;
using Kdbus.Engine.Files;

namespace Kdbus.Engine;

/// <summary>
/// A range of a pool. While it is in use two parties may hold it: the bus (from allocation until it has no more use for
/// it) and the owner of the pool (from the moment its offset is published until FREE). It is free again when neither does.
/// </summary>
internal sealed class Slice
{
    public ulong Offset { get; set; }

    public ulong Size { get; set; }

    public bool HeldByBus { get; set; }

    public bool HeldByOwner { get; set; }

    /// <summary>
    /// Files of the message that lies here were handed out, and nobody has said yet which numbers they got; or what they hold is being
    /// copied here.
    /// </summary>
    public Handout? Handout { get; set; }

    /// <summary>Neighbours in the order of offsets; the list has no gaps.</summary>
    public Slice? Previous { get; set; }

    public Slice? Next { get; set; }
}

/// <summary>
/// Allocates slices of one connection's pool: best fit, low end first, free neighbours merged. All of its state is here
/// and none in the pool's memory, which its owner may be able to write.
/// </summary>
internal sealed class Pool
{
    private readonly Dictionary<ulong, Slice> _used = [];
    private readonly List<Slice> _free = []; // by size, then offset
    private readonly SpareList<Slice> _spares;

    /// <param name="memory">Its memory.</param>
    /// <param name="size">Bytes of it.</param>
    /// <param name="spares">Slices of any pool that are none any more.</param>
    public Pool(IPoolMemory memory, ulong size, SpareList<Slice> spares)
    {
        Memory = memory;
        _spares = spares;
        Size = size;
        _free.Add(new Slice { Size = size });
    }

    public IPoolMemory Memory { get; }

    public ulong Size { get; }

    /// <summary>Slices in use.</summary>
    public int Count => _used.Count;

    /// <summary>Bytes of the slices in use.</summary>
    public ulong UsedBytes { get; private set; }

    /// <summary>Bytes of the largest free range: no message that is larger finds room.</summary>
    public ulong LargestFree => _free.Count == 0 ? 0 : _free[^1].Size;

    /// <summary>The slices in use, in no order.</summary>
    public IReadOnlyCollection<Slice> Used => _used.Values;

    /// <summary>
    /// Allocates <paramref name="size"/> bytes, rounded up to 8, held by the bus: EXFULL if no free range is large
    /// enough, ENOMEM if the host cannot back it.
    /// </summary>
    public Errno Allocate(ulong size, out Slice slice) => Allocate(size, Item.Align8(size), out slice);

    /// <summary>The same, but only the first <paramref name="backed"/> bytes are backed.</summary>
    public Errno Allocate(ulong size, ulong backed, out Slice slice)
    {
        size = Item.Align8(size);
        slice = null!;
        var index = FirstFreeOf(size, 0);
        if (index == _free.Count) return Errno.EXFULL;

        var range = _free[index];
        if (!Memory.Back(range.Offset, backed)) return Errno.ENOMEM;

        _free.RemoveAt(index);
        if (range.Size > size)
        {
            var rest = _spares.Take();
            rest.Offset = range.Offset + size;
            rest.Size = range.Size - size;
            rest.Previous = range;
            rest.Next = range.Next;
            if (range.Next != null) range.Next.Previous = rest;
            range.Next = rest;
            range.Size = size;
            AddFree(rest);
        }

        range.HeldByBus = true;
        _used.Add(range.Offset, range);
        UsedBytes += range.Size;
        slice = range;
        return Errno.OK;
    }

    /// <summary>The slice that starts at <paramref name="offset"/>, or null.</summary>
    public Slice? Find(ulong offset) => _used.GetValueOrDefault(offset);

    /// <summary>The bus has no more use for the slice.</summary>
    public void ReleaseByBus(Slice slice)
    {
        slice.HeldByBus = false;
        if (!slice.HeldByOwner) Free(slice);
    }

    /// <summary>The owner of the pool has no more use for the slice.</summary>
    public void ReleaseByOwner(Slice slice)
    {
        slice.HeldByOwner = false;
        if (!slice.HeldByBus) Free(slice);
    }

    private void Free(Slice slice)
    {
        slice.Handout = null;
        _used.Remove(slice.Offset);
        UsedBytes -= slice.Size;
        if (slice.Next is { HeldByBus: false, HeldByOwner: false } next)
        {
            RemoveFree(next);
            slice.Size += next.Size;
            slice.Next = next.Next;
            if (next.Next != null) next.Next.Previous = slice;
            Spare(next);
        }

        if (slice.Previous is { HeldByBus: false, HeldByOwner: false } previous)
        {
            RemoveFree(previous);
            previous.Size += slice.Size;
            previous.Next = slice.Next;
            if (slice.Next != null) slice.Next.Previous = previous;
            Spare(slice);
            slice = previous;
        }

        AddFree(slice);
        if (_used.Count == 0) Memory.Unused();
    }

    private void Spare(Slice slice)
    {
        slice.Previous = slice.Next = null;
        slice.Offset = slice.Size = 0;
        slice.HeldByBus = slice.HeldByOwner = false;
        _spares.GiveBack(slice);
    }

    private void AddFree(Slice slice) => _free.Insert(FirstFreeOf(slice.Size, slice.Offset), slice);

    private void RemoveFree(Slice slice) => _free.RemoveAt(FirstFreeOf(slice.Size, slice.Offset));

    /// <summary>Index of the first free range that is not smaller, or as large and not lower.</summary>
    private int FirstFreeOf(ulong size, ulong offset)
    {
        int low = 0, high = _free.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            var range = _free[middle];
            if (range.Size < size || (range.Size == size && range.Offset < offset)) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
