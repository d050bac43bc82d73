using System.Text;
using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>Well-known names as text.</summary>
internal static class Names
{
    public static bool IsValid(string name, bool acceptWildcard = false)
    {
        if (name.Length is 0 or > Limits.NameMaxLen || !Ascii.IsValid(name))
            return false;
        Span<byte> bytes = stackalloc byte[Limits.NameMaxLen];
        return WellKnownName.IsValid(bytes[..Encoding.ASCII.GetBytes(name, bytes)], acceptWildcard);
    }

    /// <summary>A name in an item, up to its NUL; behind that there can be padding, in the item too.</summary>
    public static string Read(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? bytes : bytes[..end]);
    }

    public static string Check(string name, bool acceptWildcard = false, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(name))] string parameter = "")
    {
        ArgumentNullException.ThrowIfNull(name, parameter);
        return IsValid(name, acceptWildcard) ? name
            : throw new ArgumentException($"\"{name}\" is not a well-known name: two words or more of letters, digits, _ and - with dots between them, none beginning with a digit.", parameter);
    }
}
