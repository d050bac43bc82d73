using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// seccomp(2) as a way to see certain ioctls of a program before the kernel carries them out, and to answer them in its place. The filter
/// holds for the thread that installs it and for all it starts from then on, across exec, and cannot be taken away again.
/// </summary>
public static unsafe class Seccomp
{
    private const int SetModeFilter = 1;
    private const int NewListener = 0x08; // SECCOMP_FILTER_FLAG_NEW_LISTENER
    private const int SpecAllow = 0x04; // SECCOMP_FILTER_FLAG_SPEC_ALLOW: who is only watched need not be slowed down
    private const int WaitKillable = 0x20; // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV

    /// <summary>
    /// Has some ioctls of the calling thread and its descendants reported to a listener: its descriptor, owned by the caller, or -errno
    /// (-EACCES: not without <see cref="CurrentProcess.SetNoNewPrivileges"/>; -EBUSY: there is another listener for this thread; -EINVAL:
    /// not before Linux 5.19; -ENOSYS: the kernel has no seccomp). A thread whose call has been taken by the listener is waked by fatal signals
    /// only.
    /// </summary>
    /// <param name="requests">Numbers of ioctls that are reported whatever their descriptor.</param>
    /// <param name="probe">The number of one that is reported for descriptor -1.</param>
    public static int TrapIoctls(ReadOnlySpan<uint> requests, uint probe)
    {
        Span<FilterInstruction> filter = stackalloc FilterInstruction[IoctlFilter.LengthFor(requests.Length)];
        IoctlFilter.Write(filter, requests, probe);
        fixed (FilterInstruction* p = filter)
        {
            var program = new FilterProgram { Length = (ushort)filter.Length, Instructions = p };
            return (int)Libc.Result(
                Libc.Syscall(Libc.SeccompNumber, SetModeFilter, NewListener | SpecAllow | WaitKillable, (nint)(&program), 0, 0));
        }
    }
}

/// <summary><c>struct sock_fprog</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FilterProgram
{
    internal ushort Length;
    internal FilterInstruction* Instructions;
}
