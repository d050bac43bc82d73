using System.Buffers;
using System.Globalization;
using System.Text;

namespace Kdbus.Cli;

/// <summary>
/// Text that came from somewhere else, made fit for a terminal: what would move the cursor, change colours or hide is shown as <c>\x1b</c> or <c>\u202e</c>.
/// </summary>
internal static class Escaped
{
    /// <summary>One line.</summary>
    public static string Text(ReadOnlySpan<char> text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            Append(escaped, rune);
        return escaped.ToString();
    }

    /// <summary>Bytes of unknown kind as one line: as text if they are, else in hexadecimal; cut behind so many characters.</summary>
    public static string Payload(in ReadOnlySequence<byte> payload, int width)
    {
        byte[] start = payload.Slice(0, Math.Min(payload.Length, width)).ToArray();
        bool isCut = payload.Length > start.Length;
        string? text = AsText(start, isCut);
        string shown = text is null ? Convert.ToHexStringLower(start) : Text(text);
        if (!isCut && shown.Length <= width)
            return shown;
        return string.Concat(shown.AsSpan(0, Math.Max(0, Math.Min(shown.Length, width - 1))), "…");
    }

    /// <summary>Bytes as text, if they are UTF-8 without control characters other than white space; null if not.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="isCut">Whether the last character may be incomplete.</param>
    public static string? AsText(ReadOnlySpan<byte> bytes, bool isCut = false)
    {
        StringBuilder text = new(bytes.Length);
        while (!bytes.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length);
            if (status == OperationStatus.NeedMoreData && isCut)
                break;
            if (status != OperationStatus.Done || (Rune.IsControl(rune) && !Rune.IsWhiteSpace(rune)))
                return null;
            _ = text.Append(rune);
            bytes = bytes[length..];
        }
        return text.ToString();
    }

    private static void Append(StringBuilder escaped, Rune rune)
    {
        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control)
            _ = escaped.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
        else if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
            _ = escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
        else
            _ = escaped.Append(rune);
    }
}
