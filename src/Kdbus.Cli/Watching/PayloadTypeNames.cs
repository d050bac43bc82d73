using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Kdbus.Cli.Watching;

/// <summary>Payload types as people read and write them: eight printable characters such as <c>raw.data</c>, else the number in hexadecimal.</summary>
internal static class PayloadTypeNames
{
    /// <summary>The name of a type.</summary>
    public static string Of(ulong type)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, type);
        return bytes.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? $"0x{type:x}" : Encoding.ASCII.GetString(bytes);
    }

    /// <summary>The type of a name; null if it is none.</summary>
    public static ulong? Parse(string text)
    {
        if (text.StartsWith("0x", StringComparison.Ordinal))
            return ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong number) ? number : null;
        if (text.Length != sizeof(ulong) || text.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return null;
        return BinaryPrimitives.ReadUInt64BigEndian(Encoding.ASCII.GetBytes(text));
    }
}
