using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine;

/// <summary>
/// A message as its sender gave it, checked: from here on nothing about its form is asked again. The order of the checks
/// is the order in which a sender that did several things wrong is told.
/// </summary>
internal ref struct MessageImport
{
    private ReadOnlySpan<byte> _items;
    private ReadOnlySpan<byte> _dstName;
    private int _payloads;
    private bool _hasBloomFilter;
    private bool _hasFds;

    /// <summary>The header; <c>src_id</c> is the sender's id.</summary>
    public KdbusMsg Header;

    /// <summary>Number of the message in the domain.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>The destination name without NUL, empty if none.</summary>
    public readonly ReadOnlySpan<byte> DstName => _dstName;

    /// <summary>Bytes of the payload area.</summary>
    public ulong AreaSize { get; private set; }

    /// <summary>Bytes of header and items as the receiver gets them, without metadata.</summary>
    public readonly int SizeAtReceiver =>
        Unsafe.SizeOf<KdbusMsg>()
        + (_dstName.IsEmpty ? 0 : Item.SizeInChain(_dstName.Length + 1))
        + (_payloads * Item.SizeInChain(Unsafe.SizeOf<KdbusVec>()));

    public readonly MessageFlags Flags => (MessageFlags)Header.Flags;

    public readonly bool ExpectsReply => Flags.HasFlag(MessageFlags.ExpectReply);

    public readonly bool IsSignal => Flags.HasFlag(MessageFlags.Signal);

    public readonly bool IsBroadcast => Header.DstId == Constants.DstIdBroadcast;

    /// <summary>Reads and checks the message of a SEND.</summary>
    public static Errno Read(Domain domain, Connection sender, SendFlags flags, ulong address, ReadOnlySpan<byte> message, out MessageImport import)
    {
        import = default;
        if (address % 8 != 0 || message.Length < 8) return Errno.EFAULT;
        var size = BinaryPrimitives.ReadUInt64LittleEndian(message);
        if (size < (ulong)Unsafe.SizeOf<KdbusMsg>() || size > Limits.MsgMaxSize) return Errno.EINVAL;

        import.Sequence = domain.NextId();
        if ((ulong)message.Length < size) return Errno.EFAULT;
        import.Header = MemoryMarshal.Read<KdbusMsg>(message);
        import._items = message[Unsafe.SizeOf<KdbusMsg>()..(int)size];

        const MessageFlags known = MessageFlags.ExpectReply | MessageFlags.NoAutoStart | MessageFlags.Signal;
        if ((import.Flags & ~known) != 0) return Errno.EINVAL;
        var result = CheckPayloads(import._items);
        if (result == Errno.OK && import.Header.PayloadType == Constants.PayloadKernel) result = Errno.EINVAL;
        if (result == Errno.OK) result = import.CheckFlags(flags.HasFlag(SendFlags.SyncReply));
        if (result == Errno.OK) result = import.ReadItems(sender.Bus);
        if (result == Errno.OK) result = import.CheckAddressing();
        if (result != Errno.OK) return result;

        if (import.Header.SrcId != 0 && import.Header.SrcId != sender.Id) return Errno.EINVAL;
        import.Header.SrcId = sender.Id;
        return Errno.OK;
    }

    /// <summary>
    /// Writes header and items as the receiver gets them. Offsets of payload count from the message's first byte, the
    /// payload area starting at <paramref name="areaStart"/>.
    /// </summary>
    public readonly void WriteTo(Span<byte> room, ulong areaStart)
    {
        var header = Header;
        header.Size = (ulong)room.Length;
        MemoryMarshal.Write(room, in header);

        var items = new ItemWriter(room[Unsafe.SizeOf<KdbusMsg>()..]);
        if (!_dstName.IsEmpty) items.WriteString(ItemType.DstName, _dstName);
        var pieces = new PayloadVecs(_items);
        while (pieces.MoveNext())
        {
            var here = pieces.Current;
            here.Offset = pieces.Current.Address == 0 ? Constants.OffsetNone : areaStart + pieces.Position;
            items.Write(ItemType.PayloadOff, in here);
        }
    }

    /// <summary>Copies the payload, given as the bytes of all vectors that are not null, into the receiver's payload area.</summary>
    public readonly void CopyPayload(ReadOnlySpan<byte> payload, IPoolMemory memory, ulong areaOffset)
    {
        if (payload.IsEmpty) return;
        var pieces = new PayloadVecs(_items);
        while (pieces.MoveNext())
        {
            if (pieces.Current.Address == 0) continue;
            var size = (int)pieces.Current.Size;
            payload[..size].CopyTo(memory.Room(areaOffset + pieces.Position, size));
            payload = payload[size..];
        }
    }

    /// <summary>Zeroes the bytes of the payload area that no vector fills.</summary>
    public readonly void ClearPadding(IPoolMemory memory, ulong areaOffset)
    {
        var pieces = new PayloadVecs(_items);
        while (pieces.MoveNext())
        {
            if (pieces.Current.Address == 0) memory.Room(areaOffset + pieces.Position, (int)pieces.AreaOfCurrent).Clear();
        }

        var tail = Item.Align8(AreaSize) - AreaSize;
        if (tail != 0) memory.Room(areaOffset + AreaSize, (int)tail).Clear();
    }

    private static Errno CheckPayloads(ReadOnlySpan<byte> items)
    {
        var reader = new ItemReader(items);
        while (reader.TryRead(out var item))
        {
            var result = ItemRules.Check(item.Type, item.Payload);
            if (result != Errno.OK) return result;
        }

        return reader.Error;
    }

    private readonly Errno CheckFlags(bool synchronous)
    {
        if (ExpectsReply)
        {
            if (Header.TimeoutNs == 0 || Header.Cookie == 0) return Errno.EINVAL;
            if (IsBroadcast) return Errno.ENOTUNIQ;
            return IsSignal ? Errno.EINVAL : Errno.OK;
        }

        return synchronous || (Header.CookieReply != 0 && IsSignal) ? Errno.EINVAL : Errno.OK;
    }

    private Errno ReadItems(Bus bus)
    {
        var count = 0;
        var total = 0UL;
        var reader = new ItemReader(_items);
        while (reader.TryRead(out var item))
        {
            if (++count > Limits.MsgMaxItems) return Errno.E2BIG;
            var result = item.Type switch
            {
                ItemType.PayloadVec => AddVec(item.As<KdbusVec>(), ref total),
                ItemType.Fds => AddFds(item.Payload),
                ItemType.BloomFilter => SetBloomFilter(bus, item.Payload.Length - Unsafe.SizeOf<KdbusBloomFilter>()),
                ItemType.DstName => SetDstName(item.String),
                ItemType.PayloadMemfd => Errno.EOPNOTSUPP, // not carried yet
                _ => Errno.EINVAL,
            };
            if (result != Errno.OK) return result;
        }

        return Errno.OK;
    }

    private Errno AddVec(in KdbusVec vec, ref ulong total)
    {
        if (vec.Size > Limits.MsgMaxPayloadVecSize - total) return Errno.EMSGSIZE;
        total += vec.Size;
        if (vec.Address > long.MaxValue - vec.Size) return Errno.EFAULT; // not an address a process can have
        AreaSize += vec.Address != 0 ? vec.Size : vec.Size % 8;
        _payloads++;
        return Errno.OK;
    }

    private Errno AddFds(ReadOnlySpan<byte> fds)
    {
        if (_hasFds) return Errno.EEXIST;
        _hasFds = true;
        if (IsBroadcast) return Errno.ENOTUNIQ;
        if (fds.Length / sizeof(int) > Limits.ConnMaxFdsPerUser) return Errno.EMFILE;
        return fds.IsEmpty ? Errno.OK : Errno.EOPNOTSUPP; // not carried yet
    }

    private Errno SetBloomFilter(Bus bus, int size)
    {
        if (_hasBloomFilter) return Errno.EEXIST;
        _hasBloomFilter = true;
        if (size % 8 != 0) return Errno.EFAULT;
        return (ulong)size == bus.Bloom.Size ? Errno.OK : Errno.EDOM;
    }

    private Errno SetDstName(ReadOnlySpan<byte> name)
    {
        if (!_dstName.IsEmpty) return Errno.EEXIST;
        if (!WellKnownName.IsValid(name)) return Errno.EINVAL;
        _dstName = name;
        return Errno.OK;
    }

    private readonly Errno CheckAddressing()
    {
        if (Header.DstId == Constants.DstIdName && _dstName.IsEmpty) return Errno.EDESTADDRREQ;
        if (IsBroadcast && !_dstName.IsEmpty) return Errno.EBADMSG;
        if (IsBroadcast && !IsSignal) return Errno.EBADMSG;
        return IsSignal == _hasBloomFilter ? Errno.OK : Errno.EBADMSG;
    }
}
