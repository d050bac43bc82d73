using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// What a SEND of a caller refers to, made our own: the message, its payload and its descriptors. Taken for one call and released at its end.
/// Whatever cannot be taken is no error here: the caller then sends itself, and is told by the bus.
/// </summary>
internal sealed unsafe class MessageCopy
{
    private const int LargestMessage = 1 << 20;
    private const ulong LargestPayload = 64 << 20;

    private readonly List<int> _descriptors = [];
    private byte* _message;
    private byte* _payload;

    /// <summary>Where it is.</summary>
    internal ulong Address => (ulong)_message;

    /// <summary>Takes the message a caller has at an address, and all that it refers to; false if that is not possible.</summary>
    internal bool TryTake(Caller caller, ulong address)
    {
        Span<byte> size = stackalloc byte[sizeof(ulong)];
        if (address % 8 != 0 || !caller.Read(address, size))
            return false;
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(size);
        if (length < (ulong)sizeof(KdbusMsg) || length > LargestMessage)
            return false;
        _message = (byte*)NativeMemory.Alloc((nuint)length);
        Span<byte> message = new(_message, (int)length);
        // Its size is the one that was read first, whatever the caller has made of it since.
        size.CopyTo(message);
        Span<byte> items = message[sizeof(KdbusMsg)..];
        return caller.Read(address + sizeof(ulong), message[sizeof(ulong)..]) && TryTakePayload(caller, items) && TryTakeDescriptors(caller, items);
    }

    /// <summary>Replaces the descriptors that items hold by copies of them; false if one cannot be copied.</summary>
    internal bool TryTakeDescriptors(Caller caller, Span<byte> items)
    {
        var reader = new ItemReader(items);
        while (reader.TryRead(out Item item))
        {
            Span<byte> payload = items.Slice(item.Offset + Item.HeaderSize, item.Payload.Length);
            Span<int> numbers = item.Type switch
            {
                ItemType.Fds => MemoryMarshal.Cast<byte, int>(payload),
                ItemType.CancelFd when payload.Length >= sizeof(int) => MemoryMarshal.Cast<byte, int>(payload)[..1],
                ItemType.PayloadMemfd when payload.Length == sizeof(KdbusMemfd) => MemoryMarshal.Cast<byte, int>(payload).Slice(4, 1),
                _ => [],
            };
            foreach (ref int number in numbers)
            {
                if (_descriptors.Count == 2 * DescriptorSocket.MostDescriptors)
                    return false;
                number = caller.CopyDescriptor(number);
                if (number < 0)
                    return false;
                _descriptors.Add(number);
            }
        }
        return reader.Error == Errno.OK;
    }

    /// <summary>Lets go of all of it.</summary>
    internal void Release()
    {
        foreach (int descriptor in _descriptors)
            _ = FileDescriptor.Close(descriptor);
        _descriptors.Clear();
        NativeMemory.Free(_message);
        NativeMemory.Free(_payload);
        _message = _payload = null;
    }

    private bool TryTakePayload(Caller caller, Span<byte> items)
    {
        ulong total = 0;
        var reader = new ItemReader(items);
        while (reader.TryRead(out Item item))
        {
            if (VectorOf(item) is not { Address: not 0 } vector)
                continue;
            if (vector.Size > LargestPayload || (total += vector.Size) > LargestPayload)
                return false;
        }
        if (total == 0)
            return reader.Error == Errno.OK;

        _payload = (byte*)NativeMemory.Alloc((nuint)total);
        byte* next = _payload;
        reader = new ItemReader(items);
        while (reader.TryRead(out Item item))
        {
            if (VectorOf(item) is not { Address: not 0 } vector)
                continue;
            if (!caller.Read(vector.Address, new Span<byte>(next, (int)vector.Size)))
                return false;
            vector.Address = (ulong)next;
            MemoryMarshal.Write(items[(item.Offset + Item.HeaderSize)..], in vector);
            next += vector.Size;
        }
        return reader.Error == Errno.OK;
    }

    private static KdbusVec? VectorOf(Item item)
        => item.Type is ItemType.PayloadVec && item.Payload.Length == sizeof(KdbusVec) ? item.As<KdbusVec>() : null;
}
