using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Commands;
using Kdbus.Engine.Files;
using Kdbus.Engine.Matching;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Messages;

/// <summary>
/// A message as its sender gave it, checked: from here on nothing about its form is asked again. The order of the checks
/// is the order in which a sender that did several things wrong is told.
/// </summary>
internal ref struct MessageImport
{
    private const int AllSeals = 0xf; // F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE

    private ReadOnlySpan<byte> _items;
    private ReadOnlySpan<byte> _dstName;
    private int _fds;
    private int _memfds;
    private ReadOnlySpan<byte> _bloomFilter;
    private ulong _generation;
    private bool _hasBloomFilter;
    private bool _hasFds;
    private bool _hasGaps;

    /// <summary>The header; <c>src_id</c> is the sender's id.</summary>
    public KdbusMsg Header;

    /// <summary>Number of the message in the domain.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>When it was sent.</summary>
    public Instant SentAt { get; private set; }

    /// <summary>Who sent it, as far as receivers want to know; null if nothing is known.</summary>
    public ProcessRecord? Process { get; private set; }

    /// <summary>The destination name without NUL, empty if none.</summary>
    public readonly ReadOnlySpan<byte> DstName => _dstName;

    /// <summary>Bytes of the payload area.</summary>
    public ulong AreaSize { get; private set; }

    /// <summary>Some bytes of the payload area are no bytes of a vector.</summary>
    public readonly bool HasPadding => _hasGaps || AreaSize % 8 != 0;

    /// <summary>The files that come with it; null if none do.</summary>
    public MessageFiles? Files { get; private set; }

    /// <summary>Descriptors in its FDS item.</summary>
    public readonly int Fds => _fds;

    /// <summary>Bytes of header and items as the receiver gets them, without metadata.</summary>
    public int SizeAtReceiver { get; private set; }

    /// <summary>Header and items as the receiver gets them.</summary>
    public readonly MessageFront Front => new(Header, _items, _dstName, _fds);

    /// <summary>What a signal is held against the matches with.</summary>
    public readonly MatchSubject AsSubject(Connection sender) => MatchSubject.Signal(sender, _generation, _bloomFilter);

    public readonly MessageFlags Flags => (MessageFlags)Header.Flags;

    public readonly bool ExpectsReply => Flags.HasFlag(MessageFlags.ExpectReply);

    public readonly bool IsSignal => Flags.HasFlag(MessageFlags.Signal);

    public readonly bool IsBroadcast => Header.DstId == Constants.DstIdBroadcast;

    /// <summary>Reads and checks the message of a SEND.</summary>
    public static Errno Read(Domain domain, Connection sender, scoped in Invocation call, MessageFiles? files, out MessageImport import)
    {
        ref var cmd = ref call.Frame.As<KdbusCmdSend>();
        var message = call.Message;
        import = new MessageImport { SentAt = call.Now, Process = call.Process, Files = files, SizeAtReceiver = Unsafe.SizeOf<KdbusMsg>() };
        if (cmd.MsgAddress % 8 != 0 || message.Length < 8) return Errno.EFAULT;
        var size = BinaryPrimitives.ReadUInt64LittleEndian(message);
        if (size < (ulong)Unsafe.SizeOf<KdbusMsg>() || IsTooLarge(domain, message, size)) return Errno.EINVAL;

        import.Sequence = domain.NextId();
        if ((ulong)message.Length < size) return Errno.EFAULT;
        import.Header = MemoryMarshal.Read<KdbusMsg>(message);
        import._items = message[Unsafe.SizeOf<KdbusMsg>()..(int)size];

        const MessageFlags known = MessageFlags.ExpectReply | MessageFlags.NoAutoStart | MessageFlags.Signal;
        if ((import.Flags & ~known) != 0) return Errno.EINVAL;
        var result = CheckPayloads(domain.Limits, import._items);
        if (result == Errno.OK && import.Header.PayloadType == Constants.PayloadKernel) result = Errno.EINVAL;
        if (result == Errno.OK) result = import.CheckFlags(((SendFlags)cmd.Flags).HasFlag(SendFlags.SyncReply));
        if (result == Errno.OK) result = import.ReadItems(domain, sender.Bus);
        if (result == Errno.OK && sender.User.Files > domain.Limits.FilesInFlight) result = Errno.EMFILE;
        if (result == Errno.OK) result = import.CheckAddressing();
        if (result != Errno.OK) return result;

        if (import.Header.SrcId != 0 && import.Header.SrcId != sender.Id) return Errno.EINVAL;
        import.Header.SrcId = sender.Id;
        files?.Keep(import.Header, import._items);
        return Errno.OK;
    }

    /// <summary>Payload that stands in the message itself does not count.</summary>
    private static bool IsTooLarge(Domain domain, ReadOnlySpan<byte> message, ulong size)
    {
        var allowed = (ulong)domain.Limits.MessageSize;
        if (size <= allowed) return false;
        var pieces = PayloadVecs.Of(message);
        while (pieces.MoveNext())
        {
            if (pieces.Kind == PieceKind.Inline) allowed += (ulong)Item.SizeInChain(pieces.Inline.Length);
        }

        return size > allowed;
    }

    private static Errno CheckPayloads(DomainLimits limits, ReadOnlySpan<byte> items)
    {
        var reader = new ItemReader(items);
        while (reader.TryRead(out var item))
        {
            var result = ItemRules.Check(item.Type, item.Payload, limits.SysNameLength);
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

    private Errno ReadItems(Domain domain, Bus bus)
    {
        var limits = domain.Limits;
        var count = 0;
        var total = 0UL;
        var reader = new ItemReader(_items);
        while (reader.TryRead(out var item))
        {
            if (++count > limits.MessageItems) return Errno.E2BIG;
            var result = item.Type switch
            {
                ItemType.PayloadVec => AddVec(limits, item.As<KdbusVec>(), ref total),
                ItemType.Fds => AddFds(limits, item.Payload),
                ItemType.BloomFilter => SetBloomFilter(bus, item),
                ItemType.DstName => SetDstName(limits, item.String),
                ItemType.PayloadMemfd => AddMemfd(limits, item.As<KdbusMemfd>()),
                ItemType.PayloadInline when domain.HasExtensions => AddInline(limits, item.Payload.Length, ref total),
                _ => Errno.EINVAL,
            };
            if (result != Errno.OK) return result;
        }

        return Errno.OK;
    }

    private Errno AddVec(DomainLimits limits, in KdbusVec vec, ref ulong total)
    {
        if (vec.Size > (ulong)limits.MessagePayload - total) return Errno.EMSGSIZE;
        total += vec.Size;
        if (vec.Address > long.MaxValue - vec.Size) return Errno.EFAULT; // not an address a process can have
        AreaSize += vec.Address != 0 ? vec.Size : vec.Size % 8;
        _hasGaps |= vec.Address == 0;
        SizeAtReceiver += MessageFront.SizeOfPiece(memfd: false);
        return Errno.OK;
    }

    private Errno AddInline(DomainLimits limits, int size, ref ulong total)
    {
        if ((ulong)size > (ulong)limits.MessagePayload - total) return Errno.EMSGSIZE;
        total += (ulong)size;
        AreaSize += (ulong)size;
        SizeAtReceiver += MessageFront.SizeOfPiece(memfd: false);
        return Errno.OK;
    }

    private Errno AddMemfd(DomainLimits limits, in KdbusMemfd memfd)
    {
        if (memfd.Start > ulong.MaxValue - memfd.Size) return Errno.EMSGSIZE;
        if (++_memfds > limits.MessageMemfds) return Errno.E2BIG;
        var sent = NextFile();
        if (sent.Found != Errno.OK) return sent.Found;
        if (sent.Kind == SentFileKind.Path) return Errno.EBADF;
        if (sent.Seals < 0) return Errno.EMEDIUMTYPE;
        if ((sent.Seals & AllSeals) != AllSeals) return Errno.ETXTBSY;
        if (memfd.Start + memfd.Size > sent.Size) return Errno.EBADF;
        AreaSize += memfd.Size % 8;
        _hasGaps = true;
        SizeAtReceiver += MessageFront.SizeOfPiece(memfd: true);
        Files!.AddMemfd(sent.File, memfd);
        return Errno.OK;
    }

    private Errno AddFds(DomainLimits limits, ReadOnlySpan<byte> fds)
    {
        if (_hasFds) return Errno.EEXIST;
        _hasFds = true;
        if (IsBroadcast) return Errno.ENOTUNIQ;
        _fds = fds.Length / sizeof(int);
        if (_fds > limits.Fds) return Errno.EMFILE;
        for (var i = 0; i < _fds; i++)
        {
            var sent = NextFile();
            if (sent.Found != Errno.OK) return sent.Found;
            if (sent.Kind is SentFileKind.Bus or SentFileKind.UnixSocket) return Errno.EOPNOTSUPP;
            Files!.AddFd(sent.File);
        }

        SizeAtReceiver += MessageFront.SizeOfFds(_fds);
        return Errno.OK;
    }

    private readonly SentFile NextFile() => Files?.Next() ?? new SentFile(Errno.EBADF, 0);

    private Errno SetBloomFilter(Bus bus, in Item item)
    {
        if (_hasBloomFilter) return Errno.EEXIST;
        _hasBloomFilter = true;
        _generation = item.As<KdbusBloomFilter>().Generation;
        _bloomFilter = item.Payload[Unsafe.SizeOf<KdbusBloomFilter>()..];
        if (_bloomFilter.Length % 8 != 0) return Errno.EFAULT;
        return (ulong)_bloomFilter.Length == bus.Bloom.Size ? Errno.OK : Errno.EDOM;
    }

    private Errno SetDstName(DomainLimits limits, ReadOnlySpan<byte> name)
    {
        if (!_dstName.IsEmpty) return Errno.EEXIST;
        if (!WellKnownName.IsValid(name, maxLength: limits.NameLength)) return Errno.EINVAL;
        _dstName = name;
        SizeAtReceiver += MessageFront.SizeOfName(name);
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
