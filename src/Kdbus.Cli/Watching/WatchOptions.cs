using System.CommandLine;

namespace Kdbus.Cli.Watching;

/// <summary>When commands that watch end.</summary>
internal static class WatchOptions
{
    /// <summary>So long; that it ends then is no failure.</summary>
    public static Option<TimeSpan> Timeout() => new("--timeout", "-t") { Description = "end after this time, with exit code 0", HelpName = "TIME", CustomParser = Durations.Parse };
}
