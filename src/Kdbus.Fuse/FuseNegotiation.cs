using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;
using Kdbus.Linux;

namespace Kdbus.Fuse;

/// <summary>What we would like to have from the kernel.</summary>
/// <param name="Flags">Asked for where offered.</param>
/// <param name="MaxWrite">Most bytes of one WRITE and one READ; a multiple of 4096 from 4096 to 1 MiB.</param>
/// <param name="MaxBackground">How many requests nobody waits for (RELEASE!) may be under way; the kernel lowers it for an unprivileged mount.</param>
/// <param name="MaxStackDepth">For passthrough: 1 allows backing files on ordinary file systems and tmpfs only.</param>
public readonly record struct FuseDemands(FuseInitFlags Flags, uint MaxWrite, ushort MaxBackground, uint MaxStackDepth)
{
    /// <summary>
    /// Passthrough, redelivery, directory reads with attributes, big messages, caches dropped only on our word; directories are not locked against
    /// parallel lookups, since one of them may be stuck. Left out on purpose: the writeback cache (excludes passthrough), locks, ACLs, zero-message opens, request time limits.
    /// </summary>
    public static FuseDemands Default => new(
        FuseInitFlags.BigWrites | FuseInitFlags.HasIoctlDir | FuseInitFlags.DoReadDirPlus | FuseInitFlags.ReadDirPlusAuto
            | FuseInitFlags.ParallelDirOps | FuseInitFlags.AbortError | FuseInitFlags.MaxPages | FuseInitFlags.ExplicitInvalData
            | FuseInitFlags.HasExpireOnly | FuseInitFlags.Passthrough | FuseInitFlags.NoExportSupport | FuseInitFlags.HasResend,
        MaxWrite: 128 * 1024,
        MaxBackground: ushort.MaxValue,
        MaxStackDepth: 1);
}

/// <summary>How INIT ended.</summary>
public enum FuseNegotiationOutcome
{
    /// <summary>Both sides agree.</summary>
    Accepted,
    /// <summary>The kernel speaks a newer major version; it was told ours and will ask again with that.</summary>
    AskedAgain,
    /// <summary>No common version; the kernel was told so and the mount is useless.</summary>
    Refused,
}

/// <summary>
/// The agreement with the kernel as a pure function: its offer and our demands in, the answer to send and the resulting capabilities out. What is
/// agreed is never more than what was offered, and never more than what was asked for.
/// </summary>
public readonly struct FuseNegotiation
{
    private const uint PageSize = 4096;
    private const uint MaxMaxWrite = 1024 * 1024;
    private const int OldestInitInSize = 16;

    /// <summary>How it ended.</summary>
    public required FuseNegotiationOutcome Outcome { get; init; }

    /// <summary>The answer to send if the outcome is not <see cref="FuseNegotiationOutcome.Refused"/>.</summary>
    public FuseInitOut Answer { get; init; }

    /// <summary>The errno to answer with if the outcome is <see cref="FuseNegotiationOutcome.Refused"/>.</summary>
    public int Error { get; init; }

    /// <summary>Why it was refused, for people.</summary>
    public string? Reason { get; init; }

    /// <summary>What was agreed on; not null if the outcome is <see cref="FuseNegotiationOutcome.Accepted"/>.</summary>
    public FuseCapabilities? Capabilities { get; init; }

    /// <param name="offer">The arguments of INIT, everything behind the header: 64 bytes, or 16 from a kernel before 5.17.</param>
    /// <param name="demands">What we want.</param>
    public static FuseNegotiation Negotiate(ReadOnlySpan<byte> offer, in FuseDemands demands)
    {
        if (offer.Length < OldestInitInSize)
            return Refuse(SystemError.EINVAL, $"The kernel's INIT has {offer.Length} bytes of arguments; the smallest there is has {OldestInitInSize}.");

        var init = new FuseInitIn();
        offer[..Math.Min(offer.Length, Unsafe.SizeOf<FuseInitIn>())].CopyTo(MemoryMarshal.AsBytes(new Span<FuseInitIn>(ref init)));

        if (init.Major < FuseProtocol.Major)
            return Refuse(SystemError.EPROTO, $"The kernel speaks FUSE {init.Major}.{init.Minor}; this program speaks major version {FuseProtocol.Major} only.");
        if (init.Major > FuseProtocol.Major)
        {
            return new FuseNegotiation
            {
                Outcome = FuseNegotiationOutcome.AskedAgain,
                Answer = new FuseInitOut { Major = FuseProtocol.Major, Minor = FuseProtocol.Minor },
            };
        }
        if (init.Minor < FuseProtocol.OldestMinor)
        {
            return Refuse(
                SystemError.EPROTO,
                $"The kernel speaks FUSE 7.{init.Minor}; 7.{FuseProtocol.OldestMinor} (Linux 5.4) is the oldest this program can work with.");
        }

        FuseInitFlags offered = (FuseInitFlags)init.Flags;
        if (offered.HasFlag(FuseInitFlags.InitExt))
            offered |= (FuseInitFlags)((ulong)init.Flags2 << 32);

        FuseInitFlags agreed = offered & (demands.Flags | FuseInitFlags.InitExt) & ~FuseInitFlags.InitReserved;
        if (agreed.HasFlag(FuseInitFlags.WritebackCache))
            agreed &= ~FuseInitFlags.Passthrough;
        if (demands.MaxStackDepth == 0)
            agreed &= ~FuseInitFlags.Passthrough;

        uint maxWrite = Math.Clamp(demands.MaxWrite & ~(PageSize - 1), PageSize, MaxMaxWrite);
        // Without MAX_PAGES a request has at most 32 pages, whatever max_write says.
        uint maxPages = maxWrite / PageSize;
        if (!agreed.HasFlag(FuseInitFlags.MaxPages))
        {
            maxPages = Math.Min(maxPages, 32);
            maxWrite = maxPages * PageSize;
        }

        uint minor = Math.Min(init.Minor, FuseProtocol.Minor);
        var answer = new FuseInitOut
        {
            Major = FuseProtocol.Major,
            Minor = minor,
            MaxReadahead = init.MaxReadahead,
            Flags = (uint)agreed,
            Flags2 = (uint)((ulong)agreed >> 32),
            MaxBackground = demands.MaxBackground,
            CongestionThreshold = (ushort)(demands.MaxBackground / 4 * 3),
            MaxWrite = maxWrite,
            MaxPages = agreed.HasFlag(FuseInitFlags.MaxPages) ? (ushort)maxPages : (ushort)0,
            TimeGran = 1,
            MaxStackDepth = agreed.HasFlag(FuseInitFlags.Passthrough) ? demands.MaxStackDepth : 0,
        };
        return new FuseNegotiation
        {
            Outcome = FuseNegotiationOutcome.Accepted,
            Answer = answer,
            Capabilities = new FuseCapabilities(minor, agreed, maxWrite, maxPages),
        };
    }

    private static FuseNegotiation Refuse(int errno, string reason) =>
        new() { Outcome = FuseNegotiationOutcome.Refused, Error = errno, Reason = reason };
}
