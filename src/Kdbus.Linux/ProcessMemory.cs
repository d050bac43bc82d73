namespace Kdbus.Linux;

/// <summary>
/// process_vm_readv(2) and process_vm_writev(2): one copy between another process' memory and ours, at memory speed. Both may block for
/// ever when the other side's memory is served by somebody who does not answer (userfaultfd, a mapping of a dead file system), so no lock
/// may be held around them. Needs ptrace access to the process. A result smaller than asked for means the rest is not accessible: the copy
/// stops at the first bad page, and only if nothing at all was copied is it -EFAULT.
/// </summary>
public static unsafe class ProcessMemory
{
    /// <summary>Reads from <paramref name="address"/>: bytes copied or -errno (-EFAULT, -ESRCH, -EPERM).</summary>
    /// <param name="pid">A process or thread id.</param>
    /// <param name="address">First byte in that process.</param>
    /// <param name="local">Where to.</param>
    public static int Read(int pid, ulong address, Span<byte> local)
    {
        fixed (byte* p = local)
        {
            var piece = new IoVec(p, (nuint)local.Length);
            var remote = new RemoteIoVec(address, (ulong)local.Length);
            return (int)Libc.Result(Libc.ProcessVmReadv(pid, &piece, 1, &remote, 1, 0));
        }
    }

    /// <summary>Reads from several places into several places, both sides as one stream of bytes: bytes copied or -errno. At most 1024
    /// pieces each side.</summary>
    public static nint Read(int pid, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote)
    {
        fixed (IoVec* to = local)
        fixed (RemoteIoVec* from = remote)
            return Libc.Result(Libc.ProcessVmReadv(pid, to, (nuint)local.Length, from, (nuint)remote.Length, 0));
    }

    /// <summary>Writes to <paramref name="address"/>: bytes copied or -errno (-EFAULT, -ESRCH, -EPERM).</summary>
    /// <param name="pid">A process or thread id.</param>
    /// <param name="address">First byte in that process.</param>
    /// <param name="local">What.</param>
    public static int Write(int pid, ulong address, ReadOnlySpan<byte> local)
    {
        fixed (byte* p = local)
        {
            var piece = new IoVec(p, (nuint)local.Length);
            var remote = new RemoteIoVec(address, (ulong)local.Length);
            return (int)Libc.Result(Libc.ProcessVmWritev(pid, &piece, 1, &remote, 1, 0));
        }
    }

    /// <summary>Writes several pieces to several places, both sides as one stream of bytes: bytes copied or -errno. At most 1024 pieces
    /// each side.</summary>
    public static nint Write(int pid, ReadOnlySpan<IoVec> local, ReadOnlySpan<RemoteIoVec> remote)
    {
        fixed (IoVec* from = local)
        fixed (RemoteIoVec* to = remote)
            return Libc.Result(Libc.ProcessVmWritev(pid, from, (nuint)local.Length, to, (nuint)remote.Length, 0));
    }
}
