using System.CommandLine.Parsing;
using System.Globalization;

namespace Kdbus.Cli;

/// <summary>Times as people write them: <c>500ms</c>, <c>2.5s</c>, <c>3m</c>, <c>1h</c>; a number alone is seconds.</summary>
internal static class Durations
{
    private static readonly (string Unit, double Milliseconds)[] s_units = [("ms", 1), ("us", 0.001), ("s", 1000), ("min", 60_000), ("m", 60_000), ("h", 3_600_000), ("", 1000)];

    /// <summary>Reads one; null if it is none.</summary>
    public static TimeSpan? Parse(string text)
    {
        foreach ((string unit, double milliseconds) in s_units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal))
                continue;
            return double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number * milliseconds < int.MaxValue
                ? TimeSpan.FromMilliseconds(number * milliseconds)
                : null;
        }
        return null;
    }

    /// <summary>Reads the value of an option.</summary>
    public static TimeSpan Parse(ArgumentResult result)
    {
        if (Parse(result.Tokens[0].Value) is { } time)
            return time;
        result.AddError($"'{result.Tokens[0].Value}' is no time: a number with ms, s, m or h behind it, below 24 days.");
        return default;
    }

    /// <summary>A time to read: 950 ns, 12.3 µs, 4.56 ms, 2.5 s, 3 min 20 s, 4 h 5 min.</summary>
    public static string Text(TimeSpan time)
    {
        double nanoseconds = time.TotalNanoseconds;
        return nanoseconds switch
        {
            < 1000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds:0} ns"),
            < 1e6 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e3:0.#} µs"),
            < 1e9 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e6:0.##} ms"),
            < 60e9 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1e9:0.#} s"),
            < 3600e9 => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes} min {time.Seconds} s"),
            < 86400e9 => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d {time.Hours} h"),
        };
    }
}
