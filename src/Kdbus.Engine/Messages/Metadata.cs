using System.Runtime.CompilerServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Messages;

/// <summary>
/// What a message will tell about its sender: recorded when it is sent, limited to the kinds both sides and the domain
/// agreed to at that moment, written behind the items when it is received.
/// </summary>
internal readonly struct Metadata
{
    private readonly AttachFlags _kinds;
    private readonly KdbusTimestamp _timestamp;
    private readonly ReadOnlyMemory<byte> _description;

    /// <summary>What <paramref name="sender"/> (null: the bus itself) tells <paramref name="receiver"/> about a message.</summary>
    public Metadata(Domain domain, Connection? sender, Connection receiver, ulong sequence, Instant now)
    {
        var allowed = sender?.AttachFlagsSend ?? AttachFlags.Timestamp;
        _kinds = domain.AttachMask & allowed & receiver.AttachFlagsRecv;
        _timestamp = new KdbusTimestamp { SeqNum = sequence, MonotonicNs = now.Monotonic, RealtimeNs = now.Realtime };
        if (sender != null) _description = sender.Description;
    }

    /// <summary>What <paramref name="target"/> tells who asks for it.</summary>
    public Metadata(Domain domain, Connection target, AttachFlags asked)
    {
        _kinds = domain.AttachMask & target.AttachFlagsSend & asked & ~AttachFlags.Timestamp;
        _description = target.Description;
    }

    private bool HasDescription => _kinds.HasFlag(AttachFlags.ConnDescription) && !_description.IsEmpty;

    private bool HasTimestamp => _kinds.HasFlag(AttachFlags.Timestamp);

    /// <summary>Bytes of the items.</summary>
    public int Size =>
        (HasDescription ? Item.SizeInChain(_description.Length + 1) : 0)
        + (HasTimestamp ? Item.SizeInChain(Unsafe.SizeOf<KdbusTimestamp>()) : 0);

    /// <summary>Writes the items in their fixed order.</summary>
    public void Write(ref ItemWriter items)
    {
        if (HasDescription) items.WriteString(ItemType.ConnDescription, _description.Span);
        if (HasTimestamp) items.Write(ItemType.Timestamp, in _timestamp);
    }
}
