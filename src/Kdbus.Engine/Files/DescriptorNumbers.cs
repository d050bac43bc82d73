using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Files;

/// <summary>
/// The descriptor numbers that a message names, in the order of its items: what is behind them is found out before the engine looks at
/// the message. The walk trusts nothing, and ends where the engine is sure to refuse the message.
/// </summary>
public ref struct DescriptorNumbers
{
    private readonly DomainLimits _limits;
    private readonly bool _isBroadcast;
    private ItemReader _items;
    private ReadOnlySpan<byte> _fds;
    private bool _hasFds;
    private int _itemsRead;
    private int _memfds;

    private DescriptorNumbers(DomainLimits limits, scoped in KdbusMsg header, ReadOnlySpan<byte> items)
    {
        _limits = limits;
        _isBroadcast = header.DstId == Constants.DstIdBroadcast;
        _items = new ItemReader(items);
    }

    /// <summary>The number found by <see cref="MoveNext"/>; it may be negative.</summary>
    public int Current { get; private set; }

    /// <summary>It is to be a sealed memfd; else it stands in a FDS item.</summary>
    public bool IsMemfd { get; private set; }

    /// <summary>Starts at a whole message, of which perhaps not all could be read; then it names nothing.</summary>
    public static DescriptorNumbers Of(DomainLimits limits, ReadOnlySpan<byte> message)
    {
        var headerSize = Unsafe.SizeOf<KdbusMsg>();
        if (message.Length < headerSize) return default;
        var size = BinaryPrimitives.ReadUInt64LittleEndian(message);
        if (size < (ulong)headerSize || size > (ulong)message.Length) return default;
        return new DescriptorNumbers(limits, MemoryMarshal.Read<KdbusMsg>(message), message[headerSize..(int)size]);
    }

    /// <summary>Finds the next number.</summary>
    public bool MoveNext()
    {
        if (_fds.IsEmpty) return NextItem();
        Current = BinaryPrimitives.ReadInt32LittleEndian(_fds);
        IsMemfd = false;
        _fds = _fds[sizeof(int)..];
        return true;
    }

    private bool NextItem()
    {
        while (_items.TryRead(out var item))
        {
            if (++_itemsRead > _limits.MessageItems || ItemRules.Check(item.Type, item.Payload) != Errno.OK) return End();
            if (item.Type == ItemType.PayloadMemfd)
            {
                if (++_memfds > _limits.MessageMemfds) return End();
                Current = item.As<KdbusMemfd>().Fd;
                IsMemfd = true;
                return true;
            }

            if (item.Type != ItemType.Fds) continue;
            if (_hasFds || _isBroadcast || item.Payload.Length / sizeof(int) > _limits.Fds) return End();
            _hasFds = true;
            _fds = item.Payload;
            if (!_fds.IsEmpty) return MoveNext();
        }

        return false;
    }

    private bool End()
    {
        _items = default;
        return false;
    }
}
