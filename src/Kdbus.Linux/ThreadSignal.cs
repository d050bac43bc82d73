using System.Runtime.InteropServices;

namespace Kdbus.Linux;

/// <summary>
/// A signal whose only effect is that a blocking system call of one thread of this process returns EINTR. Its handler is a function of the C library that does
/// nothing that matters: managed code must not run where a signal may arrive, and the runtime's own handlers ask for calls to be restarted.
/// </summary>
public static unsafe class ThreadSignal
{
    // SIGRTMIN as programs see it is 34, and the runtimes take the first ones for themselves.
    private const int Number = 34 + 9;

    private static readonly Lock s_lock = new();
    private static int? s_prepared;

    /// <summary>Installs the handler, once for the process: 0, or -errno (-EBUSY: somebody else uses the signal).</summary>
    public static int Prepare()
    {
        lock (s_lock)
            return s_prepared ??= Install();
    }

    /// <summary>Interrupts the system call a thread is in, if any: 0, or -errno (-ESRCH: there is no such thread). A call it is about to enter is not affected, so
    /// repeat it until what it is for has happened.</summary>
    /// <param name="threadId">Of this process, <see cref="CurrentProcess.ThreadId"/>.</param>
    public static int Interrupt(int threadId)
    {
        int prepared = Prepare();
        return prepared < 0 ? prepared : Libc.Result(Libc.Tgkill(Environment.ProcessId, threadId, Number));
    }

    private static int Install()
    {
        var action = new SignalAction();
        int result = Libc.Result(Libc.Sigaction(Number, null, &action));
        if (result < 0)
            return result;
        if (action.Handler != 0)
            return -SystemError.EBUSY;
        // The program itself is linked with the C library, under whatever name.
        if (!NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "abs", out nint harmless))
            return -SystemError.ENOSYS;
        action = new SignalAction { Handler = harmless };
        return Libc.Result(Libc.Sigaction(Number, &action, null));
    }
}
