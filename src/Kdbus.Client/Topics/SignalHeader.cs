using System.Buffers;
using System.Buffers.Binary;

namespace Kdbus.Client.Services.Wire;

/// <summary>The beginning of a signal of a topic: version, serializer, length of the topic, the topic. The value follows, up to the end.</summary>
internal ref struct SignalHeader
{
    public const byte Version = 1;

    public const int MostBytes = FixedSize + 255;

    private const int FixedSize = 4;

    public byte Serializer;
    public ReadOnlySpan<byte> Topic;

    /// <summary>Bytes before the value.</summary>
    public int Length;

    /// <summary>Reads one; false if it is none.</summary>
    /// <param name="payload">From anybody.</param>
    /// <param name="room"><see cref="MostBytes"/> bytes, used if the payload is in several pieces.</param>
    /// <param name="header">It.</param>
    public static bool TryRead(in ReadOnlySequence<byte> payload, Span<byte> room, out SignalHeader header)
    {
        header = default;
        ReadOnlySpan<byte> bytes = payload.FirstSpan;
        if (!payload.IsSingleSegment)
        {
            room = room[..(int)Math.Min(room.Length, payload.Length)];
            payload.Slice(0, room.Length).CopyTo(room);
            bytes = room;
        }
        if (bytes.Length < FixedSize || bytes[0] != Version)
            return false;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]);
        if (length is 0 or > 255 || bytes.Length < FixedSize + length)
            return false;
        header.Serializer = bytes[1];
        header.Topic = bytes.Slice(FixedSize, length);
        header.Length = FixedSize + length;
        return true;
    }

    public static void Write(PayloadWriter writer, byte serializer, ReadOnlySpan<byte> topic)
    {
        writer.Write(Version);
        writer.Write(serializer);
        writer.Write((ushort)topic.Length);
        writer.Write(topic);
    }
}
