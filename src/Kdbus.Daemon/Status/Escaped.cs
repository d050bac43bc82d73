using System.Globalization;
using System.Text;

namespace Kdbus.Daemon.Status;

/// <summary>
/// Text that clients chose, made fit for a line of columns or of a log: printable ASCII stays, everything else, spaces and
/// backslashes too, is shown by its number.
/// </summary>
internal static class Escaped
{
    public static string Of(string text)
    {
        if (text.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0 && !text.Contains('\\')) return text;
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            if (character is >= '!' and <= '~' and not '\\') escaped.Append(character);
            else if (character < 0x100) escaped.Append(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}");
            else escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
        }

        return escaped.ToString();
    }
}
