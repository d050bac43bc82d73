namespace Kdbus.Daemon.Running;

/// <summary>Why a call that waits is to wait no longer.</summary>
internal enum Interruption
{
    /// <summary>It is to wait.</summary>
    None,

    /// <summary>A signal waits for the caller, and nobody else can take it.</summary>
    Signal,

    /// <summary>A signal waits for the caller's process; another thread of it may get it.</summary>
    PerhapsSignal,

    /// <summary>The caller is gone.</summary>
    Gone,
}

/// <summary>A call of ours in the place of a caller's that waits for a reply.</summary>
/// <param name="Caller">Who waits.</param>
/// <param name="Id">His call.</param>
/// <param name="Thread">Our thread that waits for him.</param>
internal sealed record WaitingCall(Caller Caller, ulong Id, int Thread)
{
    /// <summary>Guarded by the lock of <see cref="Interrupter"/>.</summary>
    internal Interruption Interruption { get; set; }

    /// <summary>Whether a signal for the whole process was there at the last look already.</summary>
    internal bool SawSharedSignal { get; set; }
}
