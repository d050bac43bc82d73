using System.Globalization;
using System.Text;
using Kdbus.Abi;

namespace Kdbus.Daemon.Serving;

/// <summary>
/// The mask of a domain as people and programs write it: after a mount option, and into <c>parameters/attach_flags_mask</c>. Any 64 bits
/// are a mask; those that are no kind are kept and shown again, and mean nothing.
/// </summary>
internal static class AttachMaskText
{
    /// <summary>
    /// The longest write(2) that is looked at. The kernel cuts up what is longer than a request, and no piece may be taken for a value.
    /// </summary>
    private const int LongestWrite = 4096;

    /// <summary>A decimal number, or a hexadecimal one behind <c>0x</c>, of at most 64 bits and nothing else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AttachFlags mask)
    {
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (isHex) text = text[2..];
        var style = isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        var parsed = ulong.TryParse(text, style, CultureInfo.InvariantCulture, out var number);
        mask = (AttachFlags)number;
        return parsed && !text.Contains('\0'); // the parser passes over those at the end
    }

    /// <summary>The same as somebody wrote it into the file, with blanks and line ends around it.</summary>
    public static bool TryParse(ReadOnlySpan<byte> written, out AttachFlags mask)
    {
        mask = default;
        return written.Length <= LongestWrite && TryParse(Encoding.Latin1.GetString(written).AsSpan().Trim(" \t\r\n"), out mask);
    }

    /// <summary>What the file shows: a decimal number and a line end.</summary>
    public static byte[] ToLine(AttachFlags mask) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{(ulong)mask}\n"));
}
