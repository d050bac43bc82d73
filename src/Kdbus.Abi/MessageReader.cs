using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Kdbus.Abi;

/// <summary>
/// Walks the messages of an EXCHANGE, each of which begins at a multiple of 8 from the one before. It never looks outside of the bytes it was given,
/// whatever the sizes in them say.
/// </summary>
public ref struct MessageReader
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Starts at the first message.</summary>
    public MessageReader(ReadOnlySpan<byte> messages) => _rest = messages;

    /// <summary>There is nothing more.</summary>
    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>
    /// Takes the next message, exactly <c>kdbus_msg.size</c> bytes: EINVAL if that is less than a header or more than there is, and then
    /// there is nothing more.
    /// </summary>
    public Errno Read(out ReadOnlySpan<byte> message)
    {
        var size = _rest.Length < sizeof(ulong) ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(_rest);
        var isOne = size >= (ulong)Unsafe.SizeOf<KdbusMsg>() && size <= (ulong)_rest.Length;
        message = isOne ? _rest[..(int)size] : default;
        _rest = isOne ? _rest[Math.Min(Item.Align8((int)size), _rest.Length)..] : default;
        return isOne ? Errno.OK : Errno.EINVAL;
    }
}
