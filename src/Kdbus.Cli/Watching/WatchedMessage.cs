using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli.Watching;

/// <summary>What is known about a message beside its bytes.</summary>
/// <param name="ArrivedMonotonic">When the monitor received it, CLOCK_MONOTONIC in nanoseconds.</param>
/// <param name="ArrivedRealtime">The same, CLOCK_REALTIME.</param>
/// <param name="Lost">Messages that the monitor lost since the one before.</param>
/// <param name="IsIncomplete">Some of its descriptors did not arrive at the monitor.</param>
/// <param name="IsState">The bus did not send it: it says how things were when watching began.</param>
internal readonly record struct MessageNotes(ulong ArrivedMonotonic, ulong ArrivedRealtime, ulong Lost = 0, bool IsIncomplete = false, bool IsState = false);

/// <summary>A piece of the payload.</summary>
/// <param name="Size">Bytes it has.</param>
/// <param name="Kind">Where they were.</param>
/// <param name="Bytes">Those that were copied, from the first on.</param>
internal readonly record struct PayloadPiece(ulong Size, PieceSource Kind, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Some were not copied.</summary>
    public bool IsCut => Kind != PieceSource.Zeros && (ulong)Bytes.Length < Size;
}

/// <summary>
/// A message that a monitor saw, as bytes of its own: <c>struct kdbus_msg</c> with its items, in which <see cref="CapturedItems"/> stand for what pointed
/// elsewhere. The same whether it came from a bus or from a file; what is in a file was checked with <see cref="Check"/>.
/// </summary>
internal sealed class WatchedMessage
{
    private readonly byte[] _bytes;
    private readonly KdbusTimestamp? _timestamp;

    /// <summary>Takes over bytes that are well-formed.</summary>
    public WatchedMessage(byte[] bytes, MessageNotes notes)
    {
        _bytes = bytes;
        Notes = notes;
        Header = MemoryMarshal.Read<KdbusMsg>(bytes);
        List<PayloadPiece> pieces = [];
        List<string> names = [];
        var items = new ItemReader(Items);
        while (items.TryRead(out Item item))
        {
            switch (item.Type)
            {
                case CapturedItems.Payload:
                    CapturedPiece piece = item.As<CapturedPiece>();
                    int start = HeaderSize + item.Offset + Item.HeaderSize + Unsafe.SizeOf<CapturedPiece>();
                    pieces.Add(new PayloadPiece(piece.Size, piece.Kind, bytes.AsMemory(start, item.Payload.Length - Unsafe.SizeOf<CapturedPiece>())));
                    PayloadSize += piece.Size;
                    break;
                case CapturedItems.Descriptors:
                    Descriptors = [.. MemoryMarshal.Cast<byte, uint>(item.Payload[sizeof(uint)..]).ToArray().Select(static kind => (DescriptorKind)kind)];
                    break;
                case ItemType.DstName:
                    Name = Text(item.Payload);
                    break;
                case ItemType.Timestamp:
                    _timestamp = item.As<KdbusTimestamp>();
                    break;
                case ItemType.OwnedName:
                    names.Add(Text(item.Payload[Unsafe.SizeOf<KdbusName>()..]));
                    break;
                case ItemType.ConnDescription:
                    Description = Text(item.Payload);
                    break;
                case >= ItemType.NameAdd and <= ItemType.ReplyDead:
                    Notification = BusNotification.Read(item);
                    break;
            }
        }
        (Pieces, SenderNames) = (pieces, names);
        Kind = KindOf(Header);
    }

    private static int HeaderSize => Unsafe.SizeOf<KdbusMsg>();

    /// <summary>Header and items.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>What is known beside.</summary>
    public MessageNotes Notes { get; }

    /// <summary>Its header.</summary>
    public KdbusMsg Header { get; }

    /// <summary>What it is.</summary>
    public MessageKind Kind { get; }

    /// <summary>The name it was sent to; null: to an id, or to everybody.</summary>
    public string? Name { get; }

    /// <summary>Who sent it; 0: the bus.</summary>
    public ulong Sender => Header.SrcId;

    /// <summary>Whom it was sent to; 0: only a name was said.</summary>
    public ulong Receiver => IsToEverybody ? 0 : Header.DstId;

    /// <summary>It was sent to everybody.</summary>
    public bool IsToEverybody => Header.DstId == Constants.DstIdBroadcast;

    /// <summary>Of an answer, or the news that none will come: the cookie of the call.</summary>
    public ulong ReplyTo => Kind == MessageKind.Call ? 0 : Header.CookieReply;

    /// <summary>Names that its sender owned then, if that was told.</summary>
    public IReadOnlyList<string> SenderNames { get; }

    /// <summary>What its sender says it is, if that was told.</summary>
    public string? Description { get; }

    /// <summary>What the bus tells with it.</summary>
    public BusNotification? Notification { get; }

    /// <summary>Kinds of its descriptors.</summary>
    public IReadOnlyList<DescriptorKind> Descriptors { get; } = [];

    /// <summary>The payload.</summary>
    public IReadOnlyList<PayloadPiece> Pieces { get; }

    /// <summary>Bytes of payload, those that were not copied included.</summary>
    public ulong PayloadSize { get; }

    /// <summary>How many memfds it has.</summary>
    public int Memfds => Pieces.Count(static piece => piece.Kind == PieceSource.Memfd);

    /// <summary>Some of the payload was not copied.</summary>
    public bool IsCut => Pieces.Any(static piece => piece.IsCut);

    /// <summary>The time is that of sending, which the bus has told; else that of arrival at the monitor.</summary>
    public bool HasTimestamp => _timestamp is not null;

    /// <summary>When it was sent, or else arrived: CLOCK_REALTIME, nanoseconds.</summary>
    public ulong RealtimeNs => _timestamp?.RealtimeNs ?? Notes.ArrivedRealtime;

    /// <summary>The same, CLOCK_MONOTONIC.</summary>
    public ulong MonotonicNs => _timestamp?.MonotonicNs ?? Notes.ArrivedMonotonic;

    /// <summary>The payload as far as it was copied without a gap: what lies behind a piece that was cut is left out.</summary>
    public ReadOnlySequence<byte> Payload => PayloadBytes.Join(Pieces);

    /// <summary>The same with another number of messages lost before it.</summary>
    public WatchedMessage WithLost(ulong lost) => new(_bytes, Notes with { Lost = lost });

    private ReadOnlySpan<byte> Items => _bytes.AsSpan(HeaderSize);

    /// <summary>Says what is wrong with bytes that come from somewhere; null: nothing.</summary>
    public static string? Check(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderSize)
            return $"the message has {bytes.Length} bytes, and its header alone {HeaderSize}";
        KdbusMsg header = MemoryMarshal.Read<KdbusMsg>(bytes);
        if (header.Size != (ulong)bytes.Length)
            return $"kdbus_msg.size is {header.Size}, and the message has {bytes.Length} bytes";
        var items = new ItemReader(bytes[HeaderSize..]);
        while (items.TryRead(out Item item))
        {
            if (!IsWellFormed(item))
                return $"the item of type 0x{(ulong)item.Type:x} at byte {HeaderSize + item.Offset} of the message is not what it should be";
        }
        return items.Error == Errno.OK ? null : "the items of the message do not fit into each other";
    }

    /// <summary>What a message is.</summary>
    public static MessageKind KindOf(in KdbusMsg header)
    {
        var flags = (MessageFlags)header.Flags;
        return header.SrcId == Constants.SrcIdKernel ? MessageKind.Notification
            : (flags & MessageFlags.Signal) != 0 ? MessageKind.Signal
            : (flags & MessageFlags.ExpectReply) != 0 ? MessageKind.Call
            : header.CookieReply == 0 ? MessageKind.Message
            : header.PayloadType == PayloadTypes.Error ? MessageKind.Error : MessageKind.Reply;
    }

    private static bool IsWellFormed(in Item item) => item.Type switch
    {
        CapturedItems.Payload => item.Payload.Length >= Unsafe.SizeOf<CapturedPiece>() && IsWellFormed(item.As<CapturedPiece>(), item.Payload.Length - Unsafe.SizeOf<CapturedPiece>()),
        CapturedItems.Descriptors => item.Payload.Length >= sizeof(uint) && (ulong)item.Payload.Length == sizeof(uint) * (1UL + MemoryMarshal.Read<uint>(item.Payload)),
        ItemType.DstName or ItemType.ConnDescription => item.Payload.Contains((byte)0),
        ItemType.Timestamp => item.Payload.Length == Unsafe.SizeOf<KdbusTimestamp>(),
        ItemType.OwnedName => item.Payload.Length > Unsafe.SizeOf<KdbusName>() && item.Payload[Unsafe.SizeOf<KdbusName>()..].Contains((byte)0),
        ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange =>
            item.Payload.Length > Unsafe.SizeOf<KdbusNotifyNameChange>() && item.Payload[Unsafe.SizeOf<KdbusNotifyNameChange>()..].Contains((byte)0),
        ItemType.IdAdd or ItemType.IdRemove => item.Payload.Length == Unsafe.SizeOf<KdbusNotifyIdChange>(),
        ItemType.PayloadOff or ItemType.PayloadVec or ItemType.PayloadMemfd or ItemType.Fds => false,
        _ => true,
    };

    // Zero bytes are made when they are looked at: what a file says of them is not believed beyond what a message can have.
    private static bool IsWellFormed(in CapturedPiece piece, int copied) => piece.Kind switch
    {
        PieceSource.Copied or PieceSource.Memfd => (ulong)copied <= piece.Size,
        PieceSource.Zeros => copied == 0 && piece.Size <= int.MaxValue,
        _ => false,
    };

    private static string Text(ReadOnlySpan<byte> terminated) => Encoding.UTF8.GetString(terminated[..terminated.IndexOf((byte)0)]);
}
