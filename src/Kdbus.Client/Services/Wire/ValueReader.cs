using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Kdbus.Client.Services.Wire;

/// <summary>Reads numbers, and values that have their length before them, from the bytes of somebody else.</summary>
internal struct ValueReader(ReadOnlySequence<byte> bytes)
{
    private ReadOnlySequence<byte> _rest = bytes;

    /// <summary>What has not been read.</summary>
    public readonly ReadOnlySequence<byte> Rest => _rest;

    /// <summary>Whether all has been read.</summary>
    public readonly bool IsAtEnd => _rest.IsEmpty;

    public bool TryRead(out uint value)
    {
        Span<byte> room = stackalloc byte[sizeof(uint)];
        bool isRead = TryCopy(room);
        value = isRead ? BinaryPrimitives.ReadUInt32LittleEndian(room) : 0;
        return isRead;
    }

    public bool TryRead(out ulong value)
    {
        Span<byte> room = stackalloc byte[sizeof(ulong)];
        bool isRead = TryCopy(room);
        value = isRead ? BinaryPrimitives.ReadUInt64LittleEndian(room) : 0;
        return isRead;
    }

    /// <summary>A value's bytes.</summary>
    public bool TryReadValue(out ReadOnlySequence<byte> value)
    {
        value = default;
        if (!TryRead(out uint length) || _rest.Length < length)
            return false;
        value = _rest.Slice(0, length);
        _rest = _rest.Slice(length);
        return true;
    }

    /// <summary>A value.</summary>
    /// <exception cref="MalformedException">It is cut off, or is none of this type.</exception>
    public T ReadValue<T>(IBusSerializer serializer)
    {
        if (!TryReadValue(out ReadOnlySequence<byte> value))
            MalformedException.Throw("A value is cut off.");
        return Decode<T>(serializer, value);
    }

    /// <summary>The value that some bytes are.</summary>
    /// <exception cref="MalformedException">They are none of this type.</exception>
    public static T Decode<T>(IBusSerializer serializer, in ReadOnlySequence<byte> bytes)
    {
        try
        {
            return serializer.Read<T>(bytes);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // What the serializer says may quote what it read; whoever sent that may know it.
            throw new MalformedException($"A value cannot be read as {typeof(T).Name} in {serializer.Name}: {fault.Message}");
        }
    }

    private bool TryCopy(Span<byte> room)
    {
        if (_rest.Length < room.Length)
            return false;
        if (_rest.FirstSpan.Length >= room.Length)
            _rest.FirstSpan[..room.Length].CopyTo(room);
        else
            _rest.Slice(0, room.Length).CopyTo(room);
        _rest = _rest.Slice(room.Length);
        return true;
    }
}

/// <summary>What came from the other side cannot be read.</summary>
internal sealed class MalformedException(string message) : Exception(message)
{
    [DoesNotReturn]
    public static void Throw(string message) => throw new MalformedException(message);
}
