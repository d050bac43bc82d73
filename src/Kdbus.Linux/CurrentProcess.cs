namespace Kdbus.Linux;

/// <summary>What a daemon sets about itself. All return &gt;= 0 or -errno.</summary>
public static class CurrentProcess
{
    /// <summary>Id of the parent process; changes when it dies.</summary>
    public static int ParentId => Libc.Getppid();

    /// <summary>Id of the calling thread.</summary>
    public static int ThreadId => Libc.Gettid();

    /// <summary>setsid(2): a new session without a controlling terminal: its id, or -errno (-EPERM: already a process group
    /// leader).</summary>
    public static int SetSid() => Libc.Result(Libc.Setsid());

    /// <summary>umask(2): the mask before.</summary>
    public static uint SetUmask(uint mask) => Libc.Umask(mask);

    /// <summary>PR_SET_DUMPABLE: whether other processes of this user may read its memory, trace it, or take its descriptors. 0 or
    /// -errno.</summary>
    public static int SetDumpable(bool dumpable) => Libc.Result(Libc.Prctl(4, dumpable ? 1 : 0, 0, 0, 0));

    /// <summary>PR_SET_PDEATHSIG: the signal this process gets when the thread that started it ends; 0 for none. 0 or -errno.</summary>
    public static int SetParentDeathSignal(int signal) => Libc.Result(Libc.Prctl(1, signal, 0, 0, 0));

    /// <summary>PR_SET_NO_NEW_PRIVS: the calling thread and what it starts never get more privileges by exec, until they end. 0 or
    /// -errno.</summary>
    public static int SetNoNewPrivileges() => Libc.Result(Libc.Prctl(38, 1, 0, 0, 0));

    /// <summary>PR_SET_CHILD_SUBREAPER: descendants of this process whose parent ends become its children. 0 or -errno.</summary>
    public static int SetChildSubreaper() => Libc.Result(Libc.Prctl(36, 1, 0, 0, 0));

    /// <summary>PR_SET_NAME: the calling thread's name in /proc, cut at 15 bytes. 0 or -errno.</summary>
    public static unsafe int SetThreadName(string name)
    {
        using var text = new CString(name, stackalloc byte[CString.Room]);
        if (!text.IsValid)
            return -SystemError.EINVAL;
        fixed (byte* p = text)
            return Libc.Result(Libc.Prctl(15, (nint)p, 0, 0, 0));
    }

    /// <summary>PR_SET_IO_FLUSHER: allocations of this process do not wait for file systems it may itself be serving (CAP_SYS_RESOURCE,
    /// Linux 5.6). 0 or -errno.</summary>
    public static int SetIoFlusher() => Libc.Result(Libc.Prctl(57, 1, 0, 0, 0));

    /// <summary>
    /// execvp(3): this process becomes another program, which is looked for in PATH if its name has no slash. Its environment is the one
    /// with which this process was started. Returns only to say why not: -errno.
    /// </summary>
    /// <param name="arguments">All arguments, each ending with a NUL byte, beginning with the program's name.</param>
    public static unsafe int Execute(ReadOnlySpan<byte[]> arguments)
    {
        using var argv = new PinnedStrings(arguments);
        return Libc.Result(Libc.Execvp(argv.Pointers[0], argv.Pointers));
    }

    /// <summary>The arguments of this process, its name first, byte for byte and each with its NUL: what <c>Main</c> gets went through
    /// UTF-8. 0 or -errno.</summary>
    public static int ReadArguments(out byte[][] arguments)
    {
        arguments = [];
        byte[] text = [];
        int fd = FileDescriptor.Open("/proc/self/cmdline\0"u8, OpenFlags.ReadOnly);
        if (fd < 0)
            return fd;
        int length = ProcFile.ReadToEnd(fd, ref text);
        _ = FileDescriptor.Close(fd);
        if (length < 0)
            return length;
        var found = new List<byte[]>();
        for (ReadOnlySpan<byte> rest = text.AsSpan(0, length); rest.IndexOf((byte)0) is >= 0 and var end; rest = rest[(end + 1)..])
            found.Add(rest[..(end + 1)].ToArray());
        arguments = [.. found];
        return 0;
    }

    /// <summary>
    /// Points the standard streams somewhere else: each non-negative descriptor is copied over the stream's; the ones given stay open and
    /// the caller's. 0 or -errno.
    /// </summary>
    public static int RedirectStandardStreams(int input, int output, int error)
    {
        ReadOnlySpan<int> sources = [input, output, error];
        for (int target = 0; target < sources.Length; target++)
        {
            if (sources[target] < 0)
                continue;
            int result = Libc.Result(Libc.Dup2(sources[target], target));
            if (result < 0)
                return result;
        }
        return 0;
    }
}
