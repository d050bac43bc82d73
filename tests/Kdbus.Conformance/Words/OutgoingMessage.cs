using System.Runtime.InteropServices;

namespace Kdbus.Conformance.Words;

/// <summary>
/// A message being put together in a process's memory. Everything can be set, also to what is not allowed; what is not set is what an
/// everyday message has.
/// </summary>
public sealed class OutgoingMessage(Scratch scratch, bool carriesPayload = false)
{
    private const int CarriedPayload = 512;

    private readonly WireStruct _bytes = WireStruct.Of(new KdbusMsg { PayloadType = Constants.PayloadDBus });

    /// <summary>To a connection; 0 is for a name, all-ones for everybody.</summary>
    public OutgoingMessage To(ulong id) => Set(24, id);

    /// <summary>To whoever has a name or, with an id, to that connection if it has it.</summary>
    public OutgoingMessage ToName(string name, ulong id = Constants.DstIdName) => To(id).Text(ItemType.DstName, name);

    /// <summary>From whom it says it is.</summary>
    public OutgoingMessage From(ulong id) => Set(32, id);

    /// <summary>Its flags.</summary>
    public OutgoingMessage Flags(MessageFlags flags) => Set(8, (ulong)flags);

    /// <summary>Its priority.</summary>
    public OutgoingMessage Priority(long priority) => Set(16, (ulong)priority);

    /// <summary>Its payload type.</summary>
    public OutgoingMessage PayloadType(ulong type) => Set(40, type);

    /// <summary>The sender's number for it.</summary>
    public OutgoingMessage Cookie(ulong cookie) => Set(48, cookie);

    /// <summary>The deadline of a request, or the cookie that a reply answers.</summary>
    public OutgoingMessage TimeoutOrCookieReply(ulong value) => Set(56, value);

    /// <summary>Makes it a request that may be answered until an absolute CLOCK_MONOTONIC time.</summary>
    public OutgoingMessage ExpectReply(ulong cookie, long deadline) =>
        Flags(MessageFlags.ExpectReply).Cookie(cookie).TimeoutOrCookieReply((ulong)deadline);

    /// <summary>Makes it the answer to a request.</summary>
    public OutgoingMessage Answers(ulong cookie) => TimeoutOrCookieReply(cookie);

    /// <summary>Appends payload, which is put into memory of its own; if the message carries its payload and it is small, into the message.</summary>
    public OutgoingMessage Vec(ReadOnlySpan<byte> data) => carriesPayload && data.Length is > 0 and <= CarriedPayload ? Inline(data) : Vec(scratch.Place(data), (ulong)data.Length);

    /// <summary>Appends payload that stands in the message itself.</summary>
    public OutgoingMessage Inline(ReadOnlySpan<byte> data) => Item(ItemType.PayloadInline, data);

    /// <summary>Appends payload at any address, of any size; address 0 stands for zeros.</summary>
    public OutgoingMessage Vec(ulong address, ulong size) =>
        Item(ItemType.PayloadVec, new KdbusVec { Size = size, Address = address });

    /// <summary>Appends zeros that lie nowhere.</summary>
    public OutgoingMessage NullVec(ulong size) => Vec(0, size);

    /// <summary>Appends descriptors.</summary>
    public OutgoingMessage Fds(params ReadOnlySpan<int> numbers) => Item(ItemType.Fds, MemoryMarshal.AsBytes(numbers));

    /// <summary>Appends a range of a sealed memfd as payload.</summary>
    public OutgoingMessage Memfd(int number, ulong start, ulong size) =>
        Item(ItemType.PayloadMemfd, new KdbusMemfd { Start = start, Size = size, Fd = number });

    /// <summary>Appends an item.</summary>
    public OutgoingMessage Item(ItemType type, ReadOnlySpan<byte> payload)
    {
        _bytes.Item(type, payload);
        return this;
    }

    /// <summary>Appends an item whose payload is a struct.</summary>
    public OutgoingMessage Item<T>(ItemType type, in T payload) where T : unmanaged
    {
        _bytes.Item(type, payload);
        return this;
    }

    /// <summary>Appends an item whose payload is text.</summary>
    public OutgoingMessage Text(ItemType type, string text)
    {
        _bytes.Text(type, text);
        return this;
    }

    /// <summary>Appends a bloom filter of zeros, of a size in bytes.</summary>
    public OutgoingMessage BloomFilter(int size) => Item(ItemType.BloomFilter, new byte[8 + size]);

    /// <summary>Appends a bloom filter of these bits.</summary>
    public OutgoingMessage BloomFilter(ReadOnlySpan<byte> bits, ulong generation = 0) =>
        Item(ItemType.BloomFilter, [.. BitConverter.GetBytes(generation), .. bits]);

    /// <summary>Appends bytes that are no item.</summary>
    public OutgoingMessage Append(ReadOnlySpan<byte> bytes)
    {
        _bytes.Append(bytes);
        return this;
    }

    /// <summary>Says this size, whatever it is.</summary>
    public OutgoingMessage Claim(ulong size)
    {
        _bytes.Claim(size);
        return this;
    }

    /// <summary>Puts the message into memory and gives its address.</summary>
    public ulong Place() => scratch.Place(ToArray());

    /// <summary>Small enough to be carried by a command itself.</summary>
    public bool FitsCommand => _bytes.Length < Exchange.MaxRoom - 200;

    /// <summary>The message.</summary>
    public byte[] ToArray() => _bytes.ToArray();

    private OutgoingMessage Set(int offset, ulong value)
    {
        _bytes.Set(offset, value);
        return this;
    }
}
