using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine;

/// <summary>
/// Messages made by the bus itself: source id 0, payload type 0, exactly one notification item, then a timestamp if the
/// receiver wants one. They are charged on the bus, so no peer can use up their budget.
/// </summary>
internal static class Notifications
{
    private const int ItemSize = Item.HeaderSize;

    /// <summary>Tells a requester about the end of a request; lost without a trace if there is no room.</summary>
    public static void Send(Domain domain, Connection requester, ItemType type, ulong cookie, Instant now)
    {
        var sequence = domain.NextId();
        if (!requester.Alive) return;

        const int metadataOffset = 64 + ItemSize;
        var metadata = new Metadata(domain, sender: null, requester, sequence, now);
        var size = Item.Align8((ulong)(metadataOffset + metadata.Size));
        if (Queueing.Charge(requester, domain.BusItself, size, metadata, metadataOffset, out var message) != Errno.OK) return;

        var header = new KdbusMsg
        {
            Size = metadataOffset,
            Flags = (ulong)MessageFlags.Signal,
            DstId = requester.Id,
            SrcId = Constants.SrcIdKernel,
            PayloadType = Constants.PayloadKernel,
            CookieReply = cookie,
        };
        var room = requester.Pool.Memory.Room(message.Slice.Offset, metadataOffset);
        MemoryMarshal.Write(room, in header);
        var items = new ItemWriter(room[64..]);
        items.Begin(type, 0);
        Queueing.Append(domain, requester, message);
    }
}
