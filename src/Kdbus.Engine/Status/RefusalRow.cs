using Kdbus.Abi;

namespace Kdbus.Engine.Status;

/// <summary>A connection, for people.</summary>
/// <param name="Id">Unique in the domain.</param>
/// <param name="Names">Names it owns.</param>
/// <param name="Pid">The process that said HELLO; 0 if it is not to be seen from here.</param>
/// <param name="Description">The description given at HELLO; empty if none.</param>
/// <param name="Alive">False if it has ended, though messages of it are left.</param>
public sealed record PartyRow(ulong Id, Listing<string> Names, int Pid, string Description, bool Alive);

/// <summary>A sender whose messages are queued, for people.</summary>
/// <param name="Sender">Who; null for the bus itself.</param>
/// <param name="Messages">Messages.</param>
/// <param name="Bytes">Bytes of their slices.</param>
public sealed record PartyShare(PartyRow? Sender, int Messages, ulong Bytes);

/// <summary>A message that found no room, and what stands in its way.</summary>
public sealed record RefusalRow
{
    /// <summary>The bus it was sent on.</summary>
    public required string Bus { get; init; }

    /// <summary>Where it found none.</summary>
    public required PartyRow Receiver { get; init; }

    /// <summary>Who sent it; null for the bus itself.</summary>
    public required PartyRow? Sender { get; init; }

    /// <summary>Who would have been charged.</summary>
    public required UserId User { get; init; }

    /// <summary>Bytes it would have taken.</summary>
    public required ulong Size { get; init; }

    /// <summary>ENOBUFS or EMFILE for quota, EXFULL for a pool without a free range, ENOMEM for a host without memory.</summary>
    public required Errno Reason { get; init; }

    /// <summary>What the user holds there, and may hold.</summary>
    public required ShareRow Share { get; init; }

    /// <summary>The senders that hold most of it, the largest first.</summary>
    public required Listing<PartyShare> Holders { get; init; }

    /// <summary>Senders that are not listed.</summary>
    public required int MoreHolders { get; init; }

    /// <summary>Bytes of the receiver's pool.</summary>
    public required ulong PoolSize { get; init; }

    /// <summary>Bytes of the slices in use there, queued or not yet freed.</summary>
    public required ulong PoolUsed { get; init; }

    /// <summary>Slices in use there.</summary>
    public required int Slices { get; init; }

    /// <summary>Bytes of the largest free range there.</summary>
    public required ulong LargestFree { get; init; }

    /// <summary>CLOCK_MONOTONIC time of the receiver's last RECV, nanoseconds; 0 if there was none.</summary>
    public required ulong LastRead { get; init; }
}
