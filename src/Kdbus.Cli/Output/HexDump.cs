using System.Buffers;
using System.Globalization;
using System.Text;

namespace Kdbus.Cli;

/// <summary>Bytes as lines: where, sixteen of them in hexadecimal, and the characters that they are.</summary>
internal static class HexDump
{
    private const int BytesALine = 16;

    /// <summary>The lines.</summary>
    public static IEnumerable<string> Lines(ReadOnlySequence<byte> bytes)
    {
        byte[] line = new byte[BytesALine];
        for (long at = 0; at < bytes.Length; at += BytesALine)
        {
            int count = (int)Math.Min(BytesALine, bytes.Length - at);
            bytes.Slice(at, count).CopyTo(line);
            StringBuilder text = new();
            _ = text.Append(CultureInfo.InvariantCulture, $"{at:x8} ");
            for (int i = 0; i < BytesALine; i++)
                _ = text.Append(i % 8 == 0 ? " " : "").Append(i < count ? $"{line[i]:x2} " : "   ");
            yield return text.Append(" |").Append([.. line.Take(count).Select(static value => value is >= 0x20 and < 0x7f ? (char)value : '.')]).Append('|').ToString();
        }
    }
}
