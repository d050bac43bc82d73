namespace Kdbus.Abi;

/// <summary>
/// Well-known names: two or more elements of ASCII <c>A-Z a-z 0-9 _ -</c> separated by dots, none empty, none beginning
/// with a digit, 255 characters at most unless a domain allows fewer. Where a wildcard is accepted the last element may be exactly <c>*</c>.
/// </summary>
public static class WellKnownName
{
    /// <summary>Checks a name without its NUL.</summary>
    /// <param name="name">The name.</param>
    /// <param name="acceptWildcard">Whether the last element may be a wildcard.</param>
    /// <param name="maxLength">Characters, the wildcard and all dots included.</param>
    public static bool IsValid(ReadOnlySpan<byte> name, bool acceptWildcard = false, int maxLength = Limits.NameMaxLen)
    {
        if (name.Length > maxLength) return false;
        var elements = 0;
        while (true)
        {
            var dot = name.IndexOf((byte)'.');
            var element = dot < 0 ? name : name[..dot];
            elements++;
            if (dot < 0 && acceptWildcard && elements > 1 && element.SequenceEqual("*"u8)) return true;
            if (!IsElement(element)) return false;
            if (dot < 0) return elements > 1;
            name = name[(dot + 1)..];
        }
    }

    /// <summary>True for a name whose last element is <c>*</c>.</summary>
    public static bool IsWildcard(ReadOnlySpan<byte> name) => name.EndsWith(".*"u8);

    private static bool IsElement(ReadOnlySpan<byte> element)
    {
        if (element.IsEmpty || char.IsAsciiDigit((char)element[0])) return false;
        foreach (var character in element)
        {
            if (!char.IsAsciiLetterOrDigit((char)character) && character is not ((byte)'_' or (byte)'-')) return false;
        }

        return true;
    }
}
