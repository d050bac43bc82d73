namespace Kdbus.Fuse;

/// <summary>What a <see cref="FuseSession"/> can be told. All of it is fixed when the session is made.</summary>
public sealed record FuseSessionOptions
{
    /// <summary>What to ask the kernel for.</summary>
    public FuseDemands Demands { get; init; } = FuseDemands.Default;

    /// <summary>How long a reader may be inside one blocking section before another takes the turn; the hand-over comes between this and twice this.</summary>
    public TimeSpan StallThreshold { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>How often <see cref="Stalled"/> is called again while the reader is still stuck.</summary>
    public TimeSpan StallReminder { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How many readers one user may have stuck before <see cref="FuseSession.EnterBlocking"/> refuses that user.</summary>
    public int MaxStuckPerUser { get; init; } = 4;

    /// <summary>How many readers may be stuck in all before <see cref="FuseSession.EnterBlocking"/> refuses everybody.</summary>
    public int MaxStuck { get; init; } = 64;

    /// <summary>How many readers without a request to serve are kept for the next hand-over; more end.</summary>
    public int MaxSpareReaders { get; init; } = 2;

    /// <summary>How long <see cref="FuseSession.Run"/> waits at the end for readers that are still inside a request.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Called on the watchdog thread when a stuck reader loses the turn and again from time to time while it stays stuck. It must not block long:
    /// nobody watches meanwhile.</summary>
    public StalledCallback? Stalled { get; init; }

    /// <summary>Told of each bug of the file system (a forgotten answer, an exception from a handler); the session then goes on. Without it, the first
    /// one ends the session and comes out of <see cref="FuseSession.Run"/>.</summary>
    public Action<FuseBugException>? Bug { get; init; }

    /// <summary>Sees every message; null for none.</summary>
    public IFuseTrace? Trace { get; init; }
}
