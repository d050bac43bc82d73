using Kdbus.Abi;

namespace Kdbus.Engine.Status;

/// <summary>
/// What one user holds of one receiver's pool and queue. A receiver whose queue is empty but where messages found no room
/// has one row without a user.
/// </summary>
public sealed record QuotaRow
{
    /// <summary>Whose pool and queue.</summary>
    public required ulong Receiver { get; init; }

    /// <summary>Who holds, or null.</summary>
    public required UserId? User { get; init; }

    /// <summary>How much, and how much it may.</summary>
    public required ShareRow Share { get; init; }

    /// <summary>By which of its connections, the largest first.</summary>
    public required Listing<HolderRow> Holders { get; init; }

    /// <summary>Bytes of messages that are charged and in no queue yet.</summary>
    public required ulong OnTheWay { get; init; }

    /// <summary>Messages of whoever that found no room at this receiver.</summary>
    public required ulong Refused { get; init; }

    /// <summary>Why the last of them found none; OK if none was refused.</summary>
    public required Errno LastRefusal { get; init; }
}

/// <summary>How much is held, and how much of it may be held as things are.</summary>
/// <param name="Bytes">Bytes of slices.</param>
/// <param name="BytesLimit">So many may be.</param>
/// <param name="Messages">Messages.</param>
/// <param name="MessagesLimit">So many may be.</param>
/// <param name="Fds">Descriptors.</param>
/// <param name="FdsLimit">So many may be.</param>
public readonly record struct ShareRow(ulong Bytes, ulong BytesLimit, int Messages, int MessagesLimit, int Fds, int FdsLimit)
{
    internal static ShareRow Of(in QuotaShare share, DomainLimits limits) =>
        new(share.Bytes, share.BytesLimit, share.Messages, limits.Messages, share.Fds, limits.Fds);
}

/// <summary>A sender whose messages are queued.</summary>
/// <param name="Connection">The sender, which may have ended; null for the bus itself.</param>
/// <param name="Messages">Messages.</param>
/// <param name="Bytes">Bytes of their slices.</param>
public readonly record struct HolderRow(ulong? Connection, int Messages, ulong Bytes);
