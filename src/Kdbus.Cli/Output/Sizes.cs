using System.CommandLine.Parsing;
using System.Globalization;

namespace Kdbus.Cli;

/// <summary>Numbers of bytes as people read and write them: 512, 4 KiB, 1.5 MiB.</summary>
internal static class Sizes
{
    private static readonly string[] s_units = ["", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>A size to read.</summary>
    public static string Text(double bytes)
    {
        int unit = 0;
        for (; bytes >= 1024 && unit < s_units.Length - 1; unit++)
            bytes /= 1024;
        return unit == 0 ? bytes.ToString("0", CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{bytes:0.#} {s_units[unit]}");
    }

    /// <summary>Reads the value of an option: a number, with K, M or G behind it.</summary>
    public static int Parse(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        int shift = text.Length == 0 ? 0 : char.ToUpperInvariant(text[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        if (long.TryParse(shift == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= (int.MaxValue >> shift))
            return (int)(number << shift);
        result.AddError($"'{text}' is no size: a number of bytes, K, M or G, below 2G.");
        return 0;
    }
}
