using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// The other side of <see cref="Seccomp.TrapIoctls"/>, seccomp_unotify(2): takes the calls that are reported and says what becomes of them.
/// A call is named by its id, which is valid until it has been answered or its thread is gone. The listener is a descriptor; poll(2) reports
/// a hang-up when no thread has the filter any more.
/// </summary>
public static class SeccompListener
{
    private const uint ReceiveRequest = 0xc0502100; // SECCOMP_IOCTL_NOTIF_RECV
    private const uint SendRequest = 0xc0182101; // SECCOMP_IOCTL_NOTIF_SEND
    private const uint ValidRequest = 0x40082102; // SECCOMP_IOCTL_NOTIF_ID_VALID
    private const uint AddDescriptorRequest = 0x40182103; // SECCOMP_IOCTL_NOTIF_ADDFD
    private const uint SetFlagsRequest = 0x40082104; // SECCOMP_IOCTL_NOTIF_SET_FLAGS

    /// <summary>Waits for a call: 0, or -errno (-ENOENT: its thread died while it was being taken, or no thread has the filter any more;
    /// -EINTR).</summary>
    public static int Receive(int listener, out TrappedCall call)
    {
        call = default;
        return FileDescriptor.Ioctl(listener, ReceiveRequest, ref call);
    }

    /// <summary>Answers a call in the kernel's place: 0, or -errno (-ENOENT: its thread is gone).</summary>
    /// <param name="listener">The listener.</param>
    /// <param name="id">The call.</param>
    /// <param name="error">0 for success with the result 0, or -errno; -<see cref="SystemError.ERESTARTSYS"/> only if a signal is pending
    /// for the thread.</param>
    public static int Answer(int listener, ulong id, int error) => Send(listener, new CallAnswer { Id = id, Error = error });

    /// <summary>Lets the kernel carry a call out, with what its arguments point to by then: 0, or -errno (-ENOENT: its thread is
    /// gone).</summary>
    public static int Continue(int listener, ulong id) => Send(listener, new CallAnswer { Id = id, Flags = 1 });

    /// <summary>Whether the thread of a call lives and waits for the answer.</summary>
    public static bool IsValid(int listener, ulong id) => FileDescriptor.Ioctl(listener, ValidRequest, ref id) == 0;

    /// <summary>
    /// Gives the thread of a call a copy of a descriptor of ours, close-on-exec, with the lowest number that is free there: that number, or
    /// -errno (-EMFILE: it has no room, -ENOENT or -ESRCH: it is gone).
    /// </summary>
    public static int AddDescriptor(int listener, ulong id, int fd)
    {
        int result;
        do
        {
            var addition = new DescriptorAddition { Id = id, Source = (uint)fd, NewFlags = OpenFlags.CloseOnExec };
            result = FileDescriptor.Ioctl(listener, AddDescriptorRequest, ref addition);
        }
        while (result == -SystemError.EINTR);
        return result;
    }

    /// <summary>Tells the scheduler that caller and listener take turns (Linux 6.6): 0 or -errno.</summary>
    public static int TakeTurns(int listener) => FileDescriptor.Ioctl(listener, SetFlagsRequest, 1 /* SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP */);

    private static int Send(int listener, CallAnswer answer)
    {
        int result;
        do
        {
            result = FileDescriptor.Ioctl(listener, SendRequest, ref answer);
        }
        while (result == -SystemError.EINTR);
        return result;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CallAnswer
    {
        internal ulong Id;
        internal long Value;
        internal int Error;
        internal uint Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct DescriptorAddition
    {
        internal ulong Id;
        internal uint Flags;
        internal uint Source;
        internal uint NewNumber;
        internal uint NewFlags;
    }
}

/// <summary>A system call that waits for what a listener says (<c>struct seccomp_notif</c>, 80 bytes).</summary>
[StructLayout(LayoutKind.Explicit, Size = 80)]
public struct TrappedCall
{
    /// <summary>Names the call.</summary>
    [FieldOffset(0)] public ulong Id;

    /// <summary>The thread, as seen from the listener's pid namespace; 0 if it is not seen from there.</summary>
    [FieldOffset(8)] public int ThreadId;

    /// <summary>First argument of the call; of an ioctl, the descriptor in its low half.</summary>
    [FieldOffset(32)] public ulong Argument0;

    /// <summary>Second argument; of an ioctl, its number in the low half.</summary>
    [FieldOffset(40)] public ulong Argument1;

    /// <summary>Third argument; of an ioctl, mostly an address.</summary>
    [FieldOffset(48)] public ulong Argument2;
}
