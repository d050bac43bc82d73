namespace Kdbus.Linux;

/// <summary>What becomes of signals in this process, apart from the runtime's own way. Masks: bit n - 1 is signal n.</summary>
public static unsafe class Signals
{
#pragma warning disable CS1591 // signal(7)'s own; the same numbers on x86_64 and arm64.
    public const int HangUp = 1;
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Kill = 9;
    public const int User1 = 10;
    public const int User2 = 12;
    public const int BrokenPipe = 13;
    public const int Terminate = 15;
    public const int Child = 17;
    public const int Continue = 18;
    public const int WindowChange = 28;
#pragma warning restore CS1591

    private const int Last = 64;
    private const nint Ignore = 1; // SIG_IGN

    /// <summary>The mask of one signal.</summary>
    public static ulong MaskOf(int signal) => 1UL << (signal - 1);

    /// <summary>Gives a signal the effect it has in a new program: 0 or -errno.</summary>
    public static int SetDefault(int signal) => SetHandler(signal, 0);

    /// <summary>
    /// Makes of all signals what a program that is started now is to find: some ignored, all others with their default effect, and the calling
    /// thread's mask. Handlers need no care: exec takes them away.
    /// </summary>
    /// <param name="ignored">Signals to be ignored.</param>
    /// <param name="blocked">Signals to be blocked.</param>
    public static void SetForExec(ulong ignored, ulong blocked)
    {
        for (int signal = 1; signal <= Last; signal++)
        {
            if ((ignored & MaskOf(signal)) != 0)
                _ = SetHandler(signal, Ignore);
            else if (IsIgnored(signal))
                _ = SetHandler(signal, 0);
        }
        ulong* set = stackalloc ulong[16];
        *set = blocked;
        _ = Libc.PthreadSigmask(2 /* SIG_SETMASK */, set, null);
    }

    private static bool IsIgnored(int signal)
    {
        KernelSignalAction action;
        return Set(signal, null, &action) == 0 && action.Handler == Ignore;
    }

    private static int SetHandler(int signal, nint handler)
    {
        var action = new KernelSignalAction { Handler = handler };
        return Set(signal, &action, null);
    }

    // Not by the C library, which leaves one of its own signals ignored in what it spawns, and lets nobody touch it.
    private static int Set(int signal, KernelSignalAction* action, KernelSignalAction* old)
        => (int)Libc.Result(Libc.Syscall(Libc.SigactionNumber, signal, (nint)action, (nint)old, sizeof(ulong), 0));
}
