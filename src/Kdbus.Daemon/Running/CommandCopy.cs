using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// A command of a caller in our own memory, with items added that make it ours. What the bus changes in it is stored where the command came
/// from, and nothing else.
/// </summary>
internal sealed unsafe class CommandCopy
{
    private const int OwnItems = 2 * 24;
    private const int Room = Limits.CmdMaxSize;

    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(Room, pinned: true);
    private readonly byte[] _given = GC.AllocateUninitializedArray<byte>(Room);
    private ulong _address;
    private int _size;
    private int _fixedSize;

    /// <summary>The command as the caller gave it: fixed struct and items.</summary>
    internal Span<byte> Bytes => _bytes.AsSpan(0, _size);

    /// <summary>Its items.</summary>
    internal Span<byte> Items => _bytes.AsSpan(_fixedSize, _size - _fixedSize);

    /// <summary>Its fixed struct.</summary>
    internal ref T As<T>()
        where T : unmanaged => ref MemoryMarshal.AsRef<T>(_bytes.AsSpan());

    /// <summary>Reads the fixed struct only; false if it cannot be read.</summary>
    internal bool TryReadFixed(Caller caller, ulong address, Command command)
    {
        _address = address;
        _size = _fixedSize = CommandLayout.Of((uint)command)!.FixedSize;
        return address % 8 == 0 && caller.Read(address, Bytes);
    }

    /// <summary>Reads the items behind it; false if that cannot be done, or if the command is not one to be changed: what is wrong with
    /// it the bus is to find itself, and one that helps itself to descriptors needs no help.</summary>
    internal bool TryReadItems(Caller caller)
    {
        ulong size = As<KdbusCmd>().Size;
        if (size < (ulong)_fixedSize || size > Room - OwnItems - 8)
            return false;
        _size = (int)size;
        if (!caller.Read(_address + (ulong)_fixedSize, Items))
            return false;
        var items = new ItemReader(Items);
        while (items.TryRead(out Item item))
        {
            if (item.Type is ItemType.FdSocket or ItemType.OnBehalf)
                return false;
        }
        return items.Error == Errno.OK;
    }

    /// <summary>Adds the items that say for whom it is issued and where descriptors go, and issues it: 0 or -errno.</summary>
    internal int Issue(int file, Command command, int socket, int pidfd)
    {
        int end = Item.Align8(_size);
        _bytes.AsSpan(_size, end - _size).Clear();
        var writer = new ItemWriter(_bytes.AsSpan(end));
        writer.Write(ItemType.FdSocket, socket);
        writer.Write(ItemType.OnBehalf, pidfd);
        As<KdbusCmd>().Size = (ulong)(end + writer.Length);
        Bytes.CopyTo(_given);
        fixed (byte* address = _bytes)
            return FileDescriptor.Ioctl(file, (uint)command, address);
    }

    /// <summary>Stores what has changed since it was issued; false if that cannot be written.</summary>
    internal bool Store(Caller caller)
    {
        int at = 0;
        while (at < _size)
        {
            int end = at;
            while (end < _size && Differs(end))
                end = Math.Min(end + sizeof(ulong), _size);
            if (end > at && !caller.Write(_address + (ulong)at, _bytes.AsSpan(at, end - at)))
                return false;
            at = end + sizeof(ulong);
        }
        return true;
    }

    private bool Differs(int offset)
    {
        int length = Math.Min(sizeof(ulong), _size - offset);
        return !_bytes.AsSpan(offset, length).SequenceEqual(_given.AsSpan(offset, length));
    }
}
