using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// A program for the kernel's packet filter machine that picks out ioctls by number. System calls of another architecture (32-bit
/// programs, x32) have other numbers and are let through.
/// </summary>
internal static class IoctlFilter
{
    private const ushort LoadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
    private const ushort JumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    private const ushort Return = 0x06; // BPF_RET | BPF_K

    private const uint Allow = 0x7fff0000; // SECCOMP_RET_ALLOW
    private const uint Report = 0x7fc00000; // SECCOMP_RET_USER_NOTIF

    // Offsets in struct seccomp_data, little endian: the low word of an argument comes first.
    private const uint SystemCall = 0;
    private const uint AuditArchitecture = 4;
    private const uint FirstArgument = 16;
    private const uint SecondArgument = 24;

    private static bool IsX64 => RuntimeInformation.ProcessArchitecture is Architecture.X64;

    internal static int LengthFor(int requests) => 10 + requests;

    internal static void Write(Span<FilterInstruction> filter, ReadOnlySpan<uint> requests, uint probe)
    {
        int allow = filter.Length - 2, report = filter.Length - 1, at = 0;
        filter[at++] = new(LoadWord, AuditArchitecture);
        filter[at] = Unless(at++, IsX64 ? 0xc000003e : 0xc00000b7, allow);
        filter[at++] = new(LoadWord, SystemCall);
        filter[at] = Unless(at++, IsX64 ? 16u : 29u, allow);
        // The kernel looks at the low word only, too.
        filter[at++] = new(LoadWord, SecondArgument);
        foreach (uint request in requests)
            filter[at] = If(at++, request, report);
        filter[at] = Unless(at++, probe, allow);
        filter[at++] = new(LoadWord, FirstArgument);
        filter[at] = If(at++, uint.MaxValue, report);
        filter[allow] = new(Return, Allow);
        filter[report] = new(Return, Report);
    }

    private static FilterInstruction If(int at, uint value, int target) => new(JumpIfEqual, value) { WhenTrue = (byte)(target - at - 1) };

    private static FilterInstruction Unless(int at, uint value, int target) => new(JumpIfEqual, value) { WhenFalse = (byte)(target - at - 1) };
}

/// <summary><c>struct sock_filter</c>, 8 bytes: an operation, how many instructions to skip if it is a comparison that holds or does not, and
/// its operand.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FilterInstruction(ushort code, uint operand)
{
    internal ushort Code = code;
    internal byte WhenTrue;
    internal byte WhenFalse;
    internal uint Operand = operand;
}
