using System.Runtime.InteropServices;

namespace Kdbus.Linux;

// The kernel's and the C library's structures as the calls in Libc take them. Only structures whose layout is the same on x86_64 and arm64
// are used: statx(2) takes the place of stat(2) for that reason.

[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    internal long Seconds;
    internal long Nanoseconds;
}

[StructLayout(LayoutKind.Sequential)]
internal struct TimerSetting
{
    internal TimeSpec Interval;
    internal TimeSpec Value;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ResourceLimit
{
    internal ulong Soft;
    internal ulong Hard;
}

/// <summary><c>struct statfs</c>: only the leading type word is read; the rest is room (120 bytes on both architectures).</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
internal struct StatfsBuffer
{
    internal long Type;
}

/// <summary><c>struct msghdr</c>, 56 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MessageHeader
{
    internal void* Name;
    internal nuint NameLength;
    internal IoVec* Iov;
    internal nuint IovCount;
    internal void* Control;
    internal nuint ControlLength;
    internal int Flags;
}

/// <summary>A control message that carries one descriptor: <c>struct cmsghdr</c> (16 bytes) and an int, padded to 24.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct DescriptorControl
{
    internal nuint Length;
    internal int Level;
    internal int Type;
    internal int Descriptor;
}

/// <summary><c>struct sigaction</c> of the C library (not the kernel's): handler, mask of 1024 bits, flags, restorer; 152 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 152)]
internal struct SignalAction
{
    [FieldOffset(0)] internal nint Handler;
    [FieldOffset(136)] internal int Flags;
}

/// <summary><c>struct sigaction</c> of the kernel: handler, flags, restorer and mask of 64 bits; 32 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct KernelSignalAction
{
    [FieldOffset(0)] internal nint Handler;
}
