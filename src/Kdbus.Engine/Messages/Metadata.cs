using System.Runtime.CompilerServices;
using Kdbus.Abi;
using Kdbus.Engine.Names;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Messages;

/// <summary>
/// What will be told about a sender, a connection or the creator of a bus: the kinds that both sides and the domain have agreed to
/// and that there is something to say of. With a message it is recorded when that is sent, and written behind the items when it
/// is received, in the words of the reader's namespaces.
/// </summary>
internal readonly struct Metadata
{
    private readonly ProcessRecord? _process;
    private readonly OwnedName[] _names;
    private readonly ReadOnlyMemory<byte> _description;
    private readonly KdbusTimestamp _timestamp;

    /// <param name="agreed">Kinds that may be told.</param>
    /// <param name="process">The process, if anything is known of it.</param>
    /// <param name="connection">The connection, if it is about one.</param>
    /// <param name="timestamp">When and as which message it was sent, if it is about one.</param>
    private Metadata(AttachFlags agreed, ProcessRecord? process, Connection? connection, KdbusTimestamp? timestamp)
    {
        _names = [];
        if (process != null)
        {
            _process = process;
            Kinds |= agreed & process.Kinds;
        }

        if (agreed.HasFlag(AttachFlags.Names) && connection is { Names.Count: > 0 })
        {
            _names = connection.OwnedNames;
            Kinds |= AttachFlags.Names;
        }

        if (agreed.HasFlag(AttachFlags.ConnDescription) && connection is { Description.IsEmpty: false })
        {
            _description = connection.Description;
            Kinds |= AttachFlags.ConnDescription;
        }

        if (agreed.HasFlag(AttachFlags.Timestamp) && timestamp is { } sent)
        {
            _timestamp = sent;
            Kinds |= AttachFlags.Timestamp;
        }
    }

    /// <summary>What it tells, unless it is kept from who reads it.</summary>
    public AttachFlags Kinds { get; }

    /// <summary>Bytes of the items, if none is kept from the reader.</summary>
    public int Size
    {
        get
        {
            if (Kinds == AttachFlags.None) return 0;
            var size = _process == null ? 0 : ProcessItems.Size(_process, Kinds) + ProcessItems.ExtensionSize(Kinds);
            foreach (var name in _names) size += name.Size;
            if (Kinds.HasFlag(AttachFlags.ConnDescription)) size += Item.SizeInChain(_description.Length + 1);
            if (Kinds.HasFlag(AttachFlags.Timestamp)) size += Item.SizeInChain(Unsafe.SizeOf<KdbusTimestamp>());
            return size;
        }
    }

    /// <summary>What a message tells <paramref name="receiver"/> about its sender.</summary>
    public static Metadata OfMessage(Domain domain, Connection sender, Connection receiver, scoped in MessageImport import) => new(
        domain.LetsThrough & sender.AttachFlagsSend & receiver.AttachFlagsRecv,
        sender.IsFaked ? null : import.Process,
        sender,
        TimestampOf(import.Sequence, import.SentAt));

    /// <summary>What a message of the bus itself tells <paramref name="receiver"/>: when it was sent.</summary>
    public static Metadata OfNotification(Domain domain, Connection receiver, ulong sequence, Instant now) => new(
        domain.LetsThrough & receiver.AttachFlagsRecv & AttachFlags.Timestamp, process: null, connection: null, TimestampOf(sequence, now));

    /// <summary>What is told about a connection to who asks for these kinds.</summary>
    public static Metadata OfConnection(Domain domain, Connection target, AttachFlags asked) => new(
        domain.LetsThrough & target.AttachFlagsSend & asked, target.Process, target, timestamp: null);

    /// <summary>What is told about the creator of a bus to who asks for these kinds.</summary>
    public static Metadata OfCreator(Domain domain, Bus bus, AttachFlags asked) => new(
        domain.LetsThrough & bus.CreatorAttachFlags & asked, bus.Creator, connection: null, timestamp: null);

    /// <summary>Writes the items in their fixed order. Those that are kept from the reader leave no gap.</summary>
    public void Write(ref ItemWriter items, in ReaderView view, OverflowIds overflow)
    {
        if (Kinds == AttachFlags.None) return;
        if (_process != null) ProcessItems.Write(ref items, _process, Kinds, view, overflow);
        foreach (var name in _names) name.WriteTo(ref items);
        if (Kinds.HasFlag(AttachFlags.ConnDescription)) items.WriteString(ItemType.ConnDescription, _description.Span);
        if (Kinds.HasFlag(AttachFlags.Timestamp)) items.Write(ItemType.Timestamp, in _timestamp);
        if (_process != null) ProcessItems.WriteExtensions(ref items, _process, Kinds);
    }

    private static KdbusTimestamp TimestampOf(ulong sequence, Instant now) =>
        new() { SeqNum = sequence, MonotonicNs = now.Monotonic, RealtimeNs = now.Realtime };
}
