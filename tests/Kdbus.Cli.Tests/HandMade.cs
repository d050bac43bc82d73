using System.Text;
using Kdbus.Cli.Watching;

namespace Kdbus.Cli.Tests;

/// <summary>
/// Messages and files as bytes that are written here by hand, from include/kdbus.h, docs/capture.md and the description of pcapng: what reads and writes them in the
/// program has no part in it.
/// </summary>
internal static class HandMade
{
    public const ulong Second = 1_000_000_000;

    /// <summary>An item, padded.</summary>
    public static byte[] Item(ulong type, params byte[][] parts)
    {
        byte[] payload = [.. parts.SelectMany(static part => part)];
        return Padded([.. U64(16UL + (ulong)payload.Length), .. U64(type), .. payload], 8);
    }

    /// <summary>A message.</summary>
    public static byte[] Message(ulong from, ulong to, ulong cookie = 1, ulong flags = 0, ulong last = 0, ulong type = 0x7261772e64617461, params byte[][] items)
    {
        byte[] chain = [.. items.SelectMany(static item => item)];
        return [.. U64(64UL + (ulong)chain.Length), .. U64(flags), .. U64(0), .. U64(to), .. U64(from), .. U64(type), .. U64(cookie), .. U64(last), .. chain];
    }

    public static byte[] Name(string name) => Item(0xa, Text(name));

    public static byte[] Timestamp(ulong monotonic, ulong realtime = 1_700_000_000 * Second) => Item(0x1000, U64(1), U64(monotonic), U64(realtime));

    public static byte[] Payload(string text) => Item(0x10000, U64((ulong)text.Length), U32(1), U32(0), Encoding.ASCII.GetBytes(text));

    /// <summary>name-add, name-remove, name-change: 0x8000 and up.</summary>
    public static byte[] NameNews(ulong type, ulong before, ulong after, string name) => Item(type, U64(before), U64(0), U64(after), U64(0), Text(name));

    /// <summary>A message with time and payload, taken apart.</summary>
    public static WatchedMessage Watched(
        ulong from, ulong to, ulong cookie = 1, ulong flags = 0, ulong last = 0, ulong at = Second, string? name = null, ulong type = 0x7261772e64617461, byte[]? item = null) =>
        new(
            Message(from, to, cookie, flags, last, type, [.. name is null ? (byte[][])[] : [Name(name)], .. item is null ? (byte[][])[] : [item], Timestamp(at)]),
            new MessageNotes(at, at));

    /// <summary>A call.</summary>
    public static WatchedMessage Call(ulong from, ulong to, ulong cookie, ulong at = Second, string? name = null, ulong deadline = 100 * Second) =>
        Watched(from, to, cookie, flags: 1, last: deadline, at: at, name: name);

    /// <summary>An answer.</summary>
    public static WatchedMessage Reply(ulong from, ulong to, ulong cookie, ulong at = 2 * Second) => Watched(from, to, cookie: 77, last: cookie, at: at);

    /// <summary>A message of the bus.</summary>
    public static WatchedMessage News(byte[] item, ulong to = ulong.MaxValue, ulong call = 0, ulong at = Second) => Watched(0, to, 0, flags: 4, last: call, at: at, type: 0, item: item);

    /// <summary>Packet data: the header of docs/capture.md and a message.</summary>
    public static byte[] Record(byte[] message, uint flags = 1, ulong lost = 0, ulong arrived = 5 * Second) =>
        [.. "KDBC"u8, .. U16(1), .. U16(32), .. U32(flags), .. U32(0), .. U64(lost), .. U64(arrived), .. message];

    /// <summary>A block of pcapng.</summary>
    public static byte[] Block(uint type, params byte[] body)
    {
        byte[] padded = Padded(body, 4);
        byte[] length = U32(12 + (uint)padded.Length);
        return [.. U32(type), .. length, .. padded, .. length];
    }

    public static byte[] Section() => Block(0x0a0d0d0a, [.. U32(0x1a2b3c4d), .. U16(1), .. U16(0), .. U64(ulong.MaxValue)]);

    public static byte[] Interface(ushort link = 147, byte? resolution = 9) =>
        Block(1, [.. U16(link), .. U16(0), .. U32(0), .. resolution is { } unit ? [.. U16(9), .. U16(1), unit, 0, 0, 0, .. U32(0)] : (byte[])[]]);

    public static byte[] Packet(byte[] data, ulong time = 1_700_000_000 * Second, uint device = 0) =>
        Block(6, [.. U32(device), .. U32((uint)(time >> 32)), .. U32((uint)time), .. U32((uint)data.Length), .. U32((uint)data.Length), .. data]);

    public static byte[] U16(ushort value) => [(byte)value, (byte)(value >> 8)];

    public static byte[] U32(uint value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16), (byte)(value >> 24)];

    public static byte[] U64(ulong value) => [.. U32((uint)value), .. U32((uint)(value >> 32))];

    public static byte[] Text(string text) => [.. Encoding.ASCII.GetBytes(text), 0];

    private static byte[] Padded(byte[] bytes, int unit) => [.. bytes, .. new byte[(unit - (bytes.Length % unit)) % unit]];
}
