using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Kdbus.Cli.Watching;

/// <summary>When commands that watch end.</summary>
internal static class WatchOptions
{
    /// <summary>So many.</summary>
    public static Option<int> Count(string description) => new("--count", "-c") { Description = description, HelpName = "N", CustomParser = ParseCount };

    /// <summary>So long; that it ends then is no failure.</summary>
    public static Option<TimeSpan> Timeout() => new("--timeout", "-t") { Description = "end after this time, with exit code 0", HelpName = "TIME", CustomParser = Durations.Parse };

    private static int ParseCount(ArgumentResult result)
    {
        if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0)
            return count;
        result.AddError($"--count: '{result.Tokens[0].Value}' is no number from 1 on.");
        return 1;
    }
}
