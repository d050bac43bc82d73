using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Kdbus.Cli;

/// <summary>Options that several commands have.</summary>
internal static class CommonOptions
{
    /// <summary>Which bus.</summary>
    public static Option<string?> Bus { get; } = WithCompletions(new Option<string?>("--bus", "-b")
    {
        Description = "the bus: 0-demo, 0-demo/door, a path, or kernel:path=...; without it $KDBUSCTL_BUS, or the only one there is",
        HelpName = "BUS",
    });

    /// <summary>JSON instead of text.</summary>
    public static Option<bool> Json { get; } = new("--json", "-j") { Description = "JSON: one value, or one object a line where results keep coming" };

    /// <summary>Colours.</summary>
    public static Option<string> Color { get; } = WithWords(
        new Option<string>("--color") { Description = "auto: on a terminal, unless $NO_COLOR is set", HelpName = "auto|always|never", DefaultValueFactory = static _ => "auto" },
        "auto", "always", "never");

    /// <summary>How long to wait.</summary>
    /// <param name="description">What for, and how long if nothing is said.</param>
    /// <param name="otherwise">How long that is.</param>
    /// <param name="acceptZero">Whether 0 means something.</param>
    public static TimeOption Timeout(string description, TimeSpan otherwise, bool acceptZero = false)
    {
        TimeOption option = new("--timeout", "-t") { Description = description, HelpName = "TIME", CustomParser = Durations.Parse, Otherwise = otherwise };
        if (!acceptZero)
        {
            option.Validators.Add(static result =>
            {
                if (!result.Errors.Any() && result.Tokens is [var token] && Durations.Parse(token.Value) is { Ticks: <= 0 })
                    result.AddError("--timeout must be more than 0.");
            });
        }
        return option;
    }

    /// <summary>How many; without it, without end.</summary>
    public static Option<int> Count(string description) => new("--count", "-n") { Description = description, HelpName = "N", CustomParser = ParseCount };

    private static int ParseCount(ArgumentResult result)
    {
        if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0)
            return count;
        result.AddError($"--count: '{result.Tokens[0].Value}' is no number from 1 on.");
        return 1;
    }

    private static Option<string> WithWords(Option<string> option, params string[] words)
    {
        _ = option.AcceptOnlyFromAmong(words);
        return option;
    }

    private static Option<string?> WithCompletions(Option<string?> option)
    {
        option.CompletionSources.Add(static _ => Completions.Buses());
        return option;
    }
}

/// <summary>An option with a time. What it is if nothing is said stands in its description: help would show it as 00:00:25.</summary>
internal sealed class TimeOption(string name, params string[] aliases) : Option<TimeSpan>(name, aliases)
{
    /// <summary>What it is if nothing is said.</summary>
    public required TimeSpan Otherwise { get; init; }
}
