using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Kdbus.Client.Internal;

/// <summary>The payload of an answer that is an error: u16 bytes of the name, the name, and the text up to the end.</summary>
internal static class ErrorPayload
{
    /// <summary>The most bytes it takes; a longer text is cut.</summary>
    public const int Room = 2048;

    private const int MostName = 255;

    public static ReadOnlySpan<byte> Write(Span<byte> room, string name, string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > MostName)
            throw new ArgumentException($"The name of an error has at most {MostName} characters.", nameof(name));
        int length = Encoding.UTF8.GetBytes(name, room[2..]);
        BinaryPrimitives.WriteUInt16LittleEndian(room, (ushort)length);
        Encoding.UTF8.GetEncoder().Convert(text, room[(2 + length)..], flush: true, out _, out int used, out _);
        return room[..(2 + length + used)];
    }

    public static PeerFailedException Read(in ReadOnlySequence<byte> payload)
    {
        ReadOnlySpan<byte> bytes = payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray();
        if (bytes.Length < 2 || bytes.Length - 2 < BinaryPrimitives.ReadUInt16LittleEndian(bytes))
            return new PeerFailedException(BusErrors.Malformed, "The peer answered with an error that cannot be read.");
        int name = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        return new PeerFailedException(Encoding.UTF8.GetString(bytes.Slice(2, name)), Encoding.UTF8.GetString(bytes[(2 + name)..]));
    }
}
