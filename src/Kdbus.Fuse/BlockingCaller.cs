namespace Kdbus.Fuse;

/// <summary>On whose account a reader is about to touch memory that may block it for ever.</summary>
/// <param name="Pid">The calling thread, <see cref="RequestContext.Pid"/>.</param>
/// <param name="Uid">The user whose allowance of stuck readers this counts against.</param>
/// <param name="Tag">Free for the caller, for example the address being touched; comes back in <see cref="FuseSessionOptions.Stalled"/>.</param>
public readonly record struct BlockingCaller(int Pid, uint Uid, ulong Tag);

/// <summary>Told, on the session's watchdog thread, of a reader that is stuck in a blocking section; see <see cref="FuseSessionOptions.Stalled"/>.</summary>
public delegate void StalledCallback(in BlockingCaller caller, TimeSpan stuckFor);
