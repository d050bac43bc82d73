using System.CommandLine;

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
    public static Option<TimeSpan> Timeout(string description, string otherwise) => new("--timeout", "-t")
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = Durations.Parse,
        DefaultValueFactory = _ => Durations.Parse(otherwise)!.Value,
    };

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
