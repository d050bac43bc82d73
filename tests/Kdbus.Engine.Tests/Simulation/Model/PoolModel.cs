namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>A range of a pool that the bus or the owner of the pool still holds.</summary>
internal sealed class SliceModel(ulong offset, ulong size)
{
    public ulong Offset { get; } = offset;

    public ulong Size { get; } = size;

    public bool HeldByBus { get; set; } = true;

    public bool HeldByOwner { get; set; }

    /// <summary>What comes with the message here, as long as it has not arrived: of files, their numbers.</summary>
    public HandoutModel? Handout { get; set; }
}

/// <summary>
/// The slices of a pool in the order of their offsets; what lies between them is free. Of several free ranges that fit equally
/// well any may be taken: here it is the lowest.
/// </summary>
internal sealed class PoolModel(ulong size)
{
    public ulong Size { get; } = size;

    public List<SliceModel> Slices { get; } = [];

    /// <summary>The host has no memory left.</summary>
    public bool IsExhausted { get; set; }

    public Errno Allocate(ulong size, out SliceModel slice)
    {
        size = (size + 7) / 8 * 8;
        slice = null!;
        var (index, offset, best) = (-1, 0UL, ulong.MaxValue);
        var start = 0UL;
        for (var i = 0; i <= Slices.Count; i++)
        {
            var gap = (i < Slices.Count ? Slices[i].Offset : Size) - start;
            if (gap >= size && gap < best) (index, offset, best) = (i, start, gap);
            if (i < Slices.Count) start = Slices[i].Offset + Slices[i].Size;
        }

        if (index < 0) return Errno.EXFULL;
        if (IsExhausted) return Errno.ENOMEM;
        slice = new SliceModel(offset, size);
        Slices.Insert(index, slice);
        return Errno.OK;
    }

    public void ReleaseByBus(SliceModel slice)
    {
        slice.HeldByBus = false;
        if (!slice.HeldByOwner) slice.Handout = null;
        if (!slice.HeldByOwner) Slices.Remove(slice);
    }

    public Errno Free(ulong offset)
    {
        if (offset == Size) return Errno.OK;
        if (Slices.Find(slice => slice.Offset == offset) is not { HeldByOwner: true } slice) return Errno.ENXIO;
        ReleaseByOwner(slice);
        return Errno.OK;
    }

    public void ReleaseByOwner(SliceModel slice)
    {
        slice.HeldByOwner = false;
        if (slice.HeldByBus) return;
        slice.Handout = null;
        Slices.Remove(slice);
    }
}
