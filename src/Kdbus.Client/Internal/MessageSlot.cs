using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Client.Internal;

/// <summary>
/// What stands behind a <see cref="Message"/>: where its bytes are, in a room or in the pool, and what came with it. Slots are used again; each
/// use has a number of its own, by which a message that was given back is told from the next one.
/// </summary>
internal sealed class MessageSlot(BusConnection connection)
{
    private Room? _room;
    private ulong _offset = Constants.OffsetInline;
    private int _use;
    private ReadOnlyMemory<byte> _bytes;
    private ReadOnlyMemory<byte> _single;
    private bool _isSingle;
    private ReadOnlySequence<byte> _payload;
    private bool _hasSequence;
    private CancellationTokenSource? _cancellation;
    private List<SafeFileHandle>? _descriptors;
    private List<MemfdPayload>? _memfds;

    /// <summary>Number of this use; it changes when the message is given back.</summary>
    public int Use => Volatile.Read(ref _use);

    /// <summary>Who received it.</summary>
    public BusConnection Connection => connection;

    /// <summary>Its header.</summary>
    public KdbusMsg Header;

    /// <summary>Whether it stands in a room and not in the pool.</summary>
    public bool IsInline => _room is not null;

    /// <summary>A pidfd of the sender, or null.</summary>
    public SafeFileHandle? Process { get; private set; }

    /// <summary>Some of its descriptors did not arrive.</summary>
    public bool IsIncomplete { get; private set; }

    /// <summary>Whether it was counted among the requests that can be cancelled.</summary>
    public bool IsCancelable { get; set; }

    /// <summary>All of it where it lies: header, items, and the payload that came in it.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>Its items.</summary>
    public ItemReader Items => new(_bytes.Span[Unsafe.SizeOf<KdbusMsg>()..(int)Header.Size]);

    /// <summary>Descriptors that came with it.</summary>
    public IReadOnlyList<SafeFileHandle> Descriptors => _descriptors ?? (IReadOnlyList<SafeFileHandle>)[];

    /// <summary>Payload that came in memfds.</summary>
    public IReadOnlyList<MemfdPayload> Memfds => _memfds ?? (IReadOnlyList<MemfdPayload>)[];

    /// <summary>The payload, all parts one after the other.</summary>
    public ReadOnlySequence<byte> Payload
    {
        get
        {
            if (_isSingle)
                return new ReadOnlySequence<byte>(_single);
            if (!_hasSequence)
            {
                _payload = PayloadSequence.Of(Items, _bytes, Memfds);
                _hasSequence = true;
            }
            return _payload;
        }
    }

    /// <summary>Becomes the message in a room, which it uses from now on.</summary>
    public void Open(Room room, int start, int size)
    {
        room.Use();
        _room = room;
        Open(new ReadOnlyMemory<byte>(room.Bytes, start, size));
    }

    /// <summary>Becomes the message in the pool.</summary>
    public void Open(Pool pool, in KdbusMsgInfo info, ReadOnlySpan<int> descriptors)
    {
        pool.Use();
        _offset = info.Offset;
        Open(pool.MemoryAt(info.Offset, info.MsgSize));
        IsIncomplete = ((RecvReturnFlags)info.ReturnFlags & RecvReturnFlags.IncompleteFds) != 0;
        TakeDescriptors(descriptors);
    }

    /// <summary>Becomes a copy of another message, without its descriptors.</summary>
    public void Open(MessageSlot other)
    {
        Open(other._bytes.ToArray());
        IsIncomplete = other.IsIncomplete || other._descriptors is not null;
        if (other._memfds is not null)
            _memfds = other._memfds.ConvertAll(static memfd => memfd.Share());
        _isSingle &= _memfds is null;
    }

    /// <summary>Cancelled when the sender does not want the answer any more.</summary>
    public CancellationTokenSource CancellationSource
    {
        get
        {
            CancellationTokenSource? known = Volatile.Read(ref _cancellation);
            if (known is not null)
                return known;
            CancellationTokenSource fresh = new();
            known = Interlocked.CompareExchange(ref _cancellation, fresh, null);
            if (known is not null)
                fresh.Dispose();
            return known ?? fresh;
        }
    }

    /// <summary>Gives back what this use has. False if somebody has done that already.</summary>
    public bool Close(int use)
    {
        // Only the one who changes the number goes on.
        if (Interlocked.CompareExchange(ref _use, use + 1, use) != use)
            return false;
        if (IsCancelable)
            connection.Requests.Remove(this);
        IsCancelable = false;
        _room?.Release();
        if (_offset != Constants.OffsetInline)
            connection.FreeSlice(_offset);
        _descriptors?.ForEach(static descriptor => descriptor.Dispose());
        _memfds?.ForEach(static memfd => memfd.Dispose());
        Process?.Dispose();
        _cancellation?.Dispose();
        (_room, _descriptors, _memfds, Process, _cancellation, IsIncomplete) = (null, null, null, null, null, false);
        _offset = Constants.OffsetInline;
        (_bytes, _single, _payload, _hasSequence, _isSingle) = (default, default, default, false, false);
        return true;
    }

    /// <summary>Hands a descriptor over to the user.</summary>
    public SafeFileHandle TakeDescriptor(int index)
    {
        SafeFileHandle taken = _descriptors![index];
        _descriptors[index] = new SafeFileHandle(-1, ownsHandle: false);
        return taken;
    }

    private void Open(ReadOnlyMemory<byte> bytes)
    {
        _bytes = bytes;
        ReadOnlySpan<byte> span = bytes.Span;
        Header = MemoryMarshal.Read<KdbusMsg>(span);

        // Nearly all messages have one piece of payload, which needs no sequence to be made.
        _isSingle = true;
        var items = Items;
        int pieces = 0;
        while (items.TryRead(out Item item))
        {
            if (item.Type == ItemType.PayloadMemfd)
                _isSingle = false;
            if (item.Type != ItemType.PayloadOff)
                continue;
            KdbusVec piece = item.As<KdbusVec>();
            if (++pieces > 1 || piece.Offset == Constants.OffsetNone)
                _isSingle = false;
            else
                _single = bytes.Slice((int)piece.Offset, (int)piece.Size);
        }
    }

    // In the order of the interface: those of FDS, those of the memfds, the pidfd. One that is missing is -1.
    private void TakeDescriptors(ReadOnlySpan<int> numbers)
    {
        if (numbers.IsEmpty && !HasDescriptorItems())
            return;
        int next = 0;
        var items = Items;
        while (items.TryRead(out Item item))
        {
            if (item.Type == ItemType.Fds)
            {
                _descriptors = new List<SafeFileHandle>(item.Payload.Length / sizeof(int));
                for (int i = 0; i < item.Payload.Length / sizeof(int); i++)
                    _descriptors.Add(new SafeFileHandle(next < numbers.Length ? numbers[next++] : -1, ownsHandle: true));
            }
        }
        items = Items;
        while (items.TryRead(out Item item))
        {
            if (item.Type == ItemType.PayloadMemfd)
            {
                KdbusMemfd memfd = item.As<KdbusMemfd>();
                (_memfds ??= []).Add(new MemfdPayload(next < numbers.Length ? numbers[next++] : -1, (long)memfd.Start, (long)memfd.Size));
            }
        }
        if (next < numbers.Length)
            Process = new SafeFileHandle(numbers[next++], ownsHandle: true);
        IsIncomplete |= _descriptors?.Exists(static descriptor => descriptor.IsInvalid) == true || _memfds?.Exists(static memfd => memfd.Handle.IsInvalid) == true;
    }

    private bool HasDescriptorItems()
    {
        var items = Items;
        while (items.TryRead(out Item item))
        {
            if (item.Type is ItemType.Fds or ItemType.PayloadMemfd)
                return true;
        }
        return false;
    }
}
