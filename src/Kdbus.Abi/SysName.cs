using System.Buffers;
using System.Buffers.Text;

namespace Kdbus.Abi;

/// <summary>
/// Names of buses and custom endpoints, and descriptions of connections: 1 to 63 of <c>A-Z a-z 0-9 _ - .</c>, neither
/// first nor last a dash or dot; a domain may allow another number. A bus or endpoint is named after its maker besides: <c>1000-session</c>.
/// </summary>
public static class SysName
{
    private static readonly SearchValues<byte> Allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."u8);

    /// <summary>Checks an item's payload, NUL included: EINVAL, or ENAMETOOLONG above <paramref name="maxLength"/> characters.</summary>
    /// <param name="payload">The name and its NUL.</param>
    /// <param name="maxLength">Characters, without NUL.</param>
    public static Errno Check(ReadOnlySpan<byte> payload, int maxLength = Limits.SysNameMaxLen)
    {
        if (payload.Length < 2) return Errno.EINVAL;
        if (payload.Length > maxLength + 1) return Errno.ENAMETOOLONG;
        if (!ItemRules.IsString(payload)) return Errno.EINVAL;
        var name = payload[..^1];
        return name.ContainsAnyExcept(Allowed) || IsMark(name[0]) || IsMark(name[^1]) ? Errno.EINVAL : Errno.OK;
    }

    /// <summary>True if the name begins with the decimal <paramref name="euid"/> and a dash.</summary>
    public static bool HasPrefix(ReadOnlySpan<byte> name, uint euid)
    {
        Span<byte> digits = stackalloc byte[10];
        Utf8Formatter.TryFormat(euid, digits, out var length);
        return name.Length > length && name[..length].SequenceEqual(digits[..length]) && name[length] == (byte)'-';
    }

    private static bool IsMark(byte character) => character is (byte)'-' or (byte)'.';
}
