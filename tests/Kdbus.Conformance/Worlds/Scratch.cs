namespace Kdbus.Conformance.Worlds;

/// <summary>
/// Memory of a process for commands, messages and payloads. It is only ever handed out once, so what one thread of the process has under
/// way is never overwritten for another.
/// </summary>
public sealed class Scratch(IProcess process)
{
    private const ulong Page = 4096;
    private const ulong Chunk = 1 << 20;
    private const int AnonymousMemory = MapFlags.Private | MapFlags.Anonymous;

    private ulong _next;
    private ulong _end;

    /// <summary>Memory of the given size at an address that is a multiple of 8. It reads as zeros.</summary>
    public ulong Allocate(int size)
    {
        ulong rounded = (ulong)size + 7 & ~7UL;
        if (_end - _next < rounded)
        {
            ulong length = Math.Max(Chunk, rounded);
            _next = MapMemory(length);
            _end = _next + length;
        }
        ulong address = _next;
        _next += rounded;
        return address;
    }

    /// <summary>Memory that holds these bytes.</summary>
    public ulong Place(ReadOnlySpan<byte> data)
    {
        ulong address = Allocate(data.Length);
        Write(address, data);
        return address;
    }

    /// <summary>Memory that holds these bytes and ends where the process has no more memory.</summary>
    public ulong PlaceBeforeNothing(ReadOnlySpan<byte> data)
    {
        ulong pages = ((ulong)data.Length + Page - 1) / Page * Page;
        ulong start = MapMemory(pages + Page);
        Require(process.Unmap(start + pages, Page), "munmap");
        ulong address = start + pages - (ulong)data.Length;
        Write(address, data);
        return address;
    }

    /// <summary>As <see cref="PlaceBeforeNothing"/>, at a multiple of 8: up to 7 bytes that are there may follow.</summary>
    public ulong PlaceBeforeNothingAligned(ReadOnlySpan<byte> data)
    {
        byte[] rounded = new byte[data.Length + 7 & ~7];
        rounded.AsSpan(data.Length).Fill(0xff);
        data.CopyTo(rounded);
        return PlaceBeforeNothing(rounded);
    }

    /// <summary>An address at which the process has no memory.</summary>
    public ulong Nowhere()
    {
        ulong address = MapMemory(Page);
        Require(process.Unmap(address, Page), "munmap");
        return address;
    }

    /// <summary>The bytes at an address that must be readable.</summary>
    public byte[] Read(ulong address, int size)
    {
        byte[] data = new byte[size];
        Require(process.Peek(address, data), $"reading {size} bytes at 0x{address:x}");
        return data;
    }

    /// <summary>Stores bytes at an address that must be writable.</summary>
    public void Write(ulong address, ReadOnlySpan<byte> data) =>
        Require(process.Poke(address, data), $"writing {data.Length} bytes at 0x{address:x}");

    private ulong MapMemory(ulong length) =>
        (ulong)Require(process.Map(length, Protection.Read | Protection.Write, AnonymousMemory, -1, 0), "mmap");

    private static long Require(long result, string call) =>
        result >= 0 ? result : throw new InvalidOperationException($"{call} in a test process failed with errno {-result}.");
}
