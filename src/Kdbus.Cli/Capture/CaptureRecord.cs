using System.Buffers.Binary;
using Kdbus.Cli.Watching;

namespace Kdbus.Cli.Capture;

/// <summary>What stands in the packet data of a capture: a header of 32 bytes and the message. docs/capture.md has the layout for everybody.</summary>
internal static class CaptureRecord
{
    /// <summary>"KDBC", as bytes in this order.</summary>
    public const uint Magic = 0x4342444b;

    /// <summary>The version that is written, and the only one that is read.</summary>
    public const ushort Version = 1;

    /// <summary>Bytes of the header.</summary>
    public const int HeaderSize = 32;

    /// <summary>Flag: the time of the packet is that of sending; else that of arrival at the monitor.</summary>
    private const uint TimeOfSending = 1;

    /// <summary>Flag: some descriptors or memfds did not arrive at the monitor.</summary>
    private const uint Incomplete = 2;

    /// <summary>Flag: the bus did not send this.</summary>
    private const uint State = 4;

    /// <summary>The packet data of a message.</summary>
    public static byte[] Write(WatchedMessage message)
    {
        byte[] record = new byte[HeaderSize + message.Bytes.Length];
        MessageNotes notes = message.Notes;
        uint flags = (message.HasTimestamp ? TimeOfSending : 0) | (notes.IsIncomplete ? Incomplete : 0) | (notes.IsState ? State : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(record, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt16LittleEndian(record.AsSpan(6), HeaderSize);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), flags);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(16), notes.Lost);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(24), notes.ArrivedMonotonic);
        message.Bytes.CopyTo(record.AsSpan(HeaderSize));
        return record;
    }

    /// <summary>Bytes that the record would have had if nothing had been cut.</summary>
    public static ulong FullSize(WatchedMessage message) =>
        (ulong)(HeaderSize + message.Bytes.Length) + message.Pieces.Where(static piece => piece.IsCut).Aggregate(0UL, static (sum, piece) => sum + piece.Size - (ulong)piece.Bytes.Length);

    /// <summary>Reads one. Null: what is wrong is said.</summary>
    public static WatchedMessage? Read(ReadOnlySpan<byte> record, ulong realtime, out string? wrong)
    {
        if (record.Length < HeaderSize || BinaryPrimitives.ReadUInt32LittleEndian(record) != Magic)
        {
            wrong = "its data does not begin with KDBC: it is no message of kdbus";
            return null;
        }
        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(record[4..]), header = BinaryPrimitives.ReadUInt16LittleEndian(record[6..]);
        if (version != Version)
        {
            wrong = $"it has version {version} of the format, and this program reads {Version}";
            return null;
        }
        if (header < HeaderSize || header > record.Length || header % sizeof(ulong) != 0)
        {
            wrong = $"its header cannot have {header} bytes";
            return null;
        }
        wrong = WatchedMessage.Check(record[header..]);
        if (wrong is not null)
            return null;
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(record[8..]);
        return new WatchedMessage(record[header..].ToArray(), new MessageNotes(
            BinaryPrimitives.ReadUInt64LittleEndian(record[24..]), realtime, BinaryPrimitives.ReadUInt64LittleEndian(record[16..]), (flags & Incomplete) != 0, (flags & State) != 0));
    }
}
