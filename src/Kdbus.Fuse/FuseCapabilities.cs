using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

/// <summary>
/// What kernel and server agreed on in INIT. Never more than was offered and asked for. It is worth keeping: a successor that takes over an
/// initialised /dev/fuse descriptor gets no INIT and needs it for <see cref="FuseSession.Adopt"/>.
/// </summary>
/// <param name="Minor">The agreed minor version of protocol 7, 31 to 45.</param>
/// <param name="Flags">The agreed flags.</param>
/// <param name="MaxWrite">Most bytes of one WRITE.</param>
/// <param name="MaxPages">Most pages of one request or answer.</param>
public sealed record FuseCapabilities(uint Minor, FuseInitFlags Flags, uint MaxWrite, uint MaxPages)
{
    public bool Passthrough => Flags.HasFlag(FuseInitFlags.Passthrough);

    public bool Resend => Flags.HasFlag(FuseInitFlags.HasResend);

    public bool ReadDirPlus => Flags.HasFlag(FuseInitFlags.DoReadDirPlus);

    /// <summary>INVAL_ENTRY can ask for a new lookup without cutting anything off.</summary>
    public bool ExpireOnly => Flags.HasFlag(FuseInitFlags.HasExpireOnly);

    /// <summary>An aborted connection reads as ECONNABORTED, an unmounted one as ENODEV.</summary>
    public bool AbortError => Flags.HasFlag(FuseInitFlags.AbortError);
}
