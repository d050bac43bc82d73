using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>Which system calls of a program are seen before the kernel carries them out: the commands that can bring descriptors.</summary>
internal static class Trap
{
    /// <summary>An ioctl that no file knows. For descriptor -1 a trap answers it with success, and the kernel with EBADF.</summary>
    internal const uint Probe = (Constants.IoctlMagic << 8) | 0xff;

    /// <summary>Whether this thread is in a trap already, with somebody there to answer.</summary>
    internal static bool IsSet => FileDescriptor.Ioctl(-1, Probe, 0) == 0;

    /// <summary>
    /// Sets it for this thread and what comes from it: the listener, or -errno as from <see cref="Seccomp.TrapIoctls"/>. Without privileges it takes
    /// them away for good from all that comes from this thread, since the kernel demands that.
    /// </summary>
    internal static int Set()
    {
        ReadOnlySpan<uint> commands = [(uint)Command.Recv, (uint)Command.Send];
        int listener = Seccomp.TrapIoctls(commands, Probe);
        if (listener != -SystemError.EACCES)
            return listener;
        int error = CurrentProcess.SetNoNewPrivileges();
        return error < 0 ? error : Seccomp.TrapIoctls(commands, Probe);
    }
}
