using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Messages;

/// <summary>
/// A message on its way from one sender to its receivers: room is reserved at each of them and everything but the payload
/// is written there. It ends when each delivery is either queued or given up.
/// </summary>
public sealed class Transfer
{
    /// <summary>A transfer that went to more places does not keep what it needed for that.</summary>
    private const int DeliveriesKept = 1024;

    private readonly List<Delivery> _deliveries = []; // those beyond _count are spare
    private Domain _domain = null!;
    private int _count;

    /// <summary>Where the message goes: monitors before all others.</summary>
    public ReadOnlySpan<Delivery> Deliveries => CollectionsMarshal.AsSpan(_deliveries)[.._count];

    /// <summary>
    /// The payload goes to one place only, so it can be copied there straight from the sender's memory. Otherwise it is
    /// looked at once, and <see cref="Fill"/> brings it to all places.
    /// </summary>
    public bool IsDirect => Deliveries is [{ Message.Image: null }];

    internal Connection Sender { get; private set; } = null!;

    /// <summary>Whom the message is addressed to; null for a signal, and if only monitors are left.</summary>
    internal Delivery? Main { get; set; }

    /// <summary>Why the addressee will not get it although monitors do.</summary>
    internal Errno Refused { get; set; }

    /// <summary>The tracker of the request this is, to be started when it is queued.</summary>
    internal ReplyTracker? Request { get; set; }

    /// <summary>The synchronous tracker this answers.</summary>
    internal ReplyTracker? AnswerTo { get; set; }

    /// <summary>A transfer without deliveries.</summary>
    internal static Transfer Of(Domain domain, Connection sender)
    {
        var transfer = domain.Spares.Transfers.Take();
        transfer._domain = domain;
        transfer.Sender = sender;
        return transfer;
    }

    /// <summary>
    /// Brings bytes to a position of the payload area in all places, as <see cref="PayloadVecs"/> counts it. They are reserved
    /// and nobody reads them yet, so this may happen while other inputs are let in.
    /// </summary>
    public void Fill(ulong position, ReadOnlySpan<byte> bytes)
    {
        foreach (var delivery in Deliveries) delivery.Fill(position, bytes);
    }

    /// <summary>
    /// Brings to all places what of the payload is here: what stands in <paramref name="message"/> itself, and the bytes of all its
    /// vectors that are not null, if they are given.
    /// </summary>
    internal void FillAll(ReadOnlySpan<byte> message, ReadOnlySpan<byte> payload)
    {
        var pieces = PayloadVecs.Of(message);
        while (pieces.MoveNext())
        {
            if (pieces.Kind == PieceKind.Inline) Fill(pieces.Position, pieces.Inline);
            if (pieces.Kind != PieceKind.Vector || payload.IsEmpty) continue;
            var size = (int)pieces.Current.Size;
            Fill(pieces.Position, payload[..size]);
            payload = payload[size..];
        }
    }

    internal Delivery Add(Connection receiver, QueuedMessage message, int areaStart)
    {
        if (_count == _deliveries.Count) _deliveries.Add(new Delivery());
        var delivery = _deliveries[_count++];
        delivery.Begin(receiver, message, areaStart);
        return delivery;
    }

    /// <summary>
    /// Nobody has any more use for it: it will be another one. Whoever drives the engine says so when he has looked a last time at where
    /// he copied to, after <see cref="Domain.Commit"/>, under the same lock.
    /// </summary>
    public void End()
    {
        // Given back twice it would be two at once.
        if (Sender == null) throw new InvalidOperationException("A transfer ends once.");
        foreach (var delivery in Deliveries) delivery.Clear();
        if (_deliveries.Count > DeliveriesKept)
        {
            _deliveries.RemoveRange(DeliveriesKept, _deliveries.Count - DeliveriesKept);
            _deliveries.TrimExcess();
        }

        _count = 0;
        Main = null;
        Refused = Errno.OK;
        Request = null;
        AnswerTo = null;
        Sender = null!;
        _domain.Spares.Transfers.GiveBack(this);
    }
}

/// <summary>One place a message goes to.</summary>
public sealed class Delivery
{
    internal Delivery()
    {
    }

    /// <summary>Where to copy to.</summary>
    public IPoolMemory Memory => Receiver.Pool.Memory;

    /// <summary>Pool offset of the payload area; <see cref="PayloadVecs"/> says what goes where in it.</summary>
    public ulong AreaOffset => Message.Slice.Offset + (ulong)AreaStart;

    /// <summary>In whose pool room is reserved.</summary>
    internal Connection Receiver { get; private set; } = null!;

    /// <summary>Who gets it: the receiver, or who took over the name it was sent to while the payload was being copied.</summary>
    internal Connection Destination { get; set; } = null!;

    /// <summary>It is another one's when the delivery has been queued and received.</summary>
    internal QueuedMessage Message { get; private set; } = null!;

    /// <summary>Offset of the payload area in the slice.</summary>
    internal int AreaStart { get; private set; }

    internal void Begin(Connection receiver, QueuedMessage message, int areaStart)
    {
        Receiver = Destination = receiver;
        Message = message;
        AreaStart = areaStart;
    }

    internal void Clear()
    {
        Receiver = Destination = null!;
        Message = null!;
    }

    internal void Fill(ulong position, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Memory.Room(AreaOffset + position, bytes.Length));
        if (Message.Image is { } image) bytes.CopyTo(image.AsSpan(AreaStart + (int)position));
    }
}
