using System.Buffers.Binary;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;

namespace Kdbus.Cli;

/// <summary>Payload types as people write them: eight ASCII characters, such as <c>raw.data</c>, or a number.</summary>
internal static class PayloadTypeNames
{
    /// <summary>The option; 0 if nothing is said, which the client library takes for <c>raw.data</c>.</summary>
    public static Option<ulong> Option() => new("--type")
    {
        Description = "payload type: eight ASCII characters, or a number (0x...); raw.data if nothing is said",
        HelpName = "TYPE",
        CustomParser = Parse,
    };

    /// <summary>The characters if it has only visible ones, else a hexadecimal number.</summary>
    public static string Of(ulong type)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, type);
        return bytes.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? string.Create(CultureInfo.InvariantCulture, $"0x{type:x}") : Encoding.ASCII.GetString(bytes);
    }

    /// <summary>Reads one; null if it is none.</summary>
    public static ulong? Parse(string text)
    {
        if (text.StartsWith("0x", StringComparison.Ordinal))
            return ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong hexadecimal) ? hexadecimal : null;
        if (text.Length == sizeof(ulong) && !text.AsSpan().ContainsAnyExceptInRange('!', '~') && !text.All(char.IsAsciiDigit))
            return BinaryPrimitives.ReadUInt64BigEndian(Encoding.ASCII.GetBytes(text));
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;
    }

    private static ulong Parse(ArgumentResult result)
    {
        if (Parse(result.Tokens[0].Value) is { } type)
            return type;
        result.AddError($"'{result.Tokens[0].Value}' is no payload type: eight ASCII characters such as raw.data, or a number such as 0x7261772e64617461.");
        return 0;
    }
}
