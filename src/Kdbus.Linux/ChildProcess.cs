using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// A program started with posix_spawn(3): exactly the descriptors it is given, default signal dispositions, nothing of this process'
/// runtime. The child must be waited for by whoever started it (or outlive this process). <c>System.Diagnostics.Process</c> cannot hand
/// descriptors over, which is why this exists.
/// </summary>
public static unsafe class ChildProcess
{
    // posix_spawnattr_t is 336 bytes in glibc and in musl, posix_spawn_file_actions_t 80, sigset_t 128.
    private const int Room = 512;

    /// <summary>Starts a program: its process id, or -errno (-ENOENT: there is no such program).</summary>
    /// <param name="path">Path of the program; not searched in PATH.</param>
    /// <param name="arguments">All arguments, beginning with the program's name for itself.</param>
    /// <param name="environment">Variables as NAME=VALUE; null: those of this process.</param>
    /// <param name="descriptors">Which descriptors of this process appear under which number there. All others are gone there if
    /// close-on-exec.</param>
    /// <param name="newSession">Whether it becomes the leader of a new session, without controlling terminal (setsid(2)).</param>
    public static int Spawn(
        string path,
        IReadOnlyList<string> arguments,
        IReadOnlyList<string>? environment,
        ReadOnlySpan<PassedDescriptor> descriptors,
        bool newSession = false)
    {
        using var argv = new PinnedStrings(arguments);
        using var envp = new PinnedStrings(environment ?? CurrentEnvironment());
        return Spawn(path, argv.Pointers, envp.Pointers, descriptors, newSession);
    }

    /// <summary>As the other one, but what it is given is bytes, each argument with its NUL, and its environment is the one with which this
    /// process was started.</summary>
    public static int Spawn(string path, ReadOnlySpan<byte[]> arguments, ReadOnlySpan<PassedDescriptor> descriptors)
    {
        if (!NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "environ", out nint environment))
            return -SystemError.ENOSYS;
        using var argv = new PinnedStrings(arguments);
        return Spawn(path, argv.Pointers, *(byte***)environment, descriptors, newSession: false);
    }

    private static int Spawn(string path, byte** argv, byte** envp, ReadOnlySpan<PassedDescriptor> descriptors, bool newSession)
    {
        void* actions = stackalloc byte[Room];
        void* attributes = stackalloc byte[Room];
        void* signals = stackalloc byte[Room];
        Span<int> copies = stackalloc int[descriptors.Length];
        copies.Fill(-1);

        if (Libc.SpawnActionsInit(actions) is > 0 and var actionsError)
            return -actionsError;
        if (Libc.SpawnAttributesInit(attributes) is > 0 and var attributesError)
        {
            _ = Libc.SpawnActionsDestroy(actions);
            return -attributesError;
        }
        using var program = new CString(path, stackalloc byte[CString.Room]);
        try
        {
            if (!program.IsValid)
                return -SystemError.EINVAL;
            // POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK, and POSIX_SPAWN_SETSID: the runtime ignores SIGPIPE, which a child would
            // inherit.
            int error = Libc.SpawnAttributesSetFlags(attributes, (short)(0x04 | 0x08 | (newSession ? 0x80 : 0)));
            _ = Libc.Sigfillset(signals);
            if (error == 0)
                error = Libc.SpawnAttributesSetSignalDefault(attributes, signals);
            _ = Libc.Sigemptyset(signals);
            if (error == 0)
                error = Libc.SpawnAttributesSetSignalMask(attributes, signals);
            // Copied out of the way first: one descriptor's target number may be another one's source.
            int above = 3;
            foreach (PassedDescriptor passed in descriptors)
                above = Math.Max(above, passed.Target + 1);
            for (int i = 0; i < descriptors.Length && error == 0; i++)
            {
                copies[i] = FileDescriptor.Duplicate(descriptors[i].Source, above);
                error = copies[i] < 0 ? -copies[i] : Libc.SpawnActionsAddDup2(actions, copies[i], descriptors[i].Target);
            }
            if (error != 0)
                return -error;

            int pid = 0;
            fixed (byte* p = program)
                error = Libc.PosixSpawn(&pid, p, actions, attributes, argv, envp);
            return error != 0 ? -error : pid;
        }
        finally
        {
            foreach (int copy in copies)
            {
                if (copy >= 0)
                    _ = FileDescriptor.Close(copy);
            }
            _ = Libc.SpawnActionsDestroy(actions);
            _ = Libc.SpawnAttributesDestroy(attributes);
        }
    }

    /// <summary>Waits for a child to end: its exit code (0 to 255), 128 + the signal's number if a signal ended it, or -errno (-ECHILD: no
    /// child of ours).</summary>
    public static int Wait(int pid)
    {
        while (true)
        {
            int status;
            int result = Libc.Result(Libc.Waitpid(pid, &status, 0));
            if (result != -SystemError.EINTR)
                return result < 0 ? result : ExitCode(status);
        }
    }

    /// <summary>Waits for any child to end: its process id, or -errno (-ECHILD: there is none).</summary>
    /// <param name="code">As the result of <see cref="Wait"/>.</param>
    public static int WaitAny(out int code)
    {
        int status, result;
        do
        {
            result = Libc.Result(Libc.Waitpid(-1, &status, 0x40000000 /* __WALL */));
        }
        while (result == -SystemError.EINTR);
        code = result < 0 ? result : ExitCode(status);
        return result;
    }

    /// <summary>Whether a child has ended.</summary>
    /// <param name="pid">Its process id.</param>
    /// <param name="code">If it has: as the result of <see cref="Wait"/>, and it must not be waited for again.</param>
    public static bool HasEnded(int pid, out int code)
    {
        int status;
        int result = Libc.Result(Libc.Waitpid(pid, &status, 1 /* WNOHANG */));
        code = result < 0 ? result : ExitCode(status);
        return result is not (0 or -SystemError.EINTR);
    }

    /// <summary>kill(2): 0 or -errno.</summary>
    public static int Signal(int pid, int signal) => Libc.Result(Libc.Kill(pid, signal));

    /// <summary>The variables of this process' environment as NAME=VALUE.</summary>
    public static IReadOnlyList<string> CurrentEnvironment()
    {
        var variables = new List<string>();
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
            variables.Add($"{variable.Key}={variable.Value}");
        return variables;
    }

    private static int ExitCode(int status)
    {
        int signal = status & 0x7f;
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
    }
}

/// <summary>A descriptor handed to a child process.</summary>
/// <param name="Source">Its number here.</param>
/// <param name="Target">Its number there.</param>
public readonly record struct PassedDescriptor(int Source, int Target);
