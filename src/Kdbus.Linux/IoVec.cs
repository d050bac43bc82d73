using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>A piece of this process' memory (<c>struct iovec</c>, 16 bytes). The memory must not move while a call uses it: native, pinned,
/// or on the stack.</summary>
/// <param name="Base">First byte; may be null when <paramref name="Length"/> is 0.</param>
/// <param name="Length">Size in bytes.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly unsafe struct IoVec(void* Base, nuint Length)
{
    /// <summary>The first byte.</summary>
    public readonly void* Base = Base;

    /// <summary>Size in bytes.</summary>
    public readonly nuint Length = Length;
}

/// <summary>A piece of another process' memory (<c>struct iovec</c>, 16 bytes): a plain number here, never dereferenced.</summary>
/// <param name="address">First byte, in the address space of that process.</param>
/// <param name="length">Size in bytes.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly struct RemoteIoVec(ulong address, ulong length)
{
    /// <summary>The first byte, in the other process' address space.</summary>
    public readonly ulong Address = address;

    /// <summary>Size in bytes.</summary>
    public readonly ulong Length = length;
}
