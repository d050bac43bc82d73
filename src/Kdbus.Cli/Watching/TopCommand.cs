using System.CommandLine;
using Kdbus.Cli.Status;

namespace Kdbus.Cli.Watching;

/// <summary><c>kdbusctl top</c>: who is busy on a bus, who lets others wait, and how long.</summary>
internal static class TopCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Option<TopSort> sort = new("--sort", "-s") { Description = "sort by; messages, unless said otherwise", HelpName = "messages|bytes|queue|pool|latency|name", CustomParser = ParseSort };
        Option<TimeSpan> interval = new("--interval", "-i") { Description = "how long to count before it is shown; 2s, unless said otherwise", HelpName = "TIME", CustomParser = ParseInterval };
        Option<int> count = CommonOptions.Count("end after so many intervals");
        Option<bool> once = new("--once", "-1") { Description = "count for one interval, show it as tables and end" };
        Command command = new("top", "Show who is busy on a bus: messages and bytes per second, queues, pools; and calls with how long answers take. For the owner of the bus and root.")
        {
            sort, interval, count, once, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, async invocation =>
        {
            StatusFiles status = new(invocation.Bus);
            MonitorFeed feed = await MonitorFeed.OpenAsync(invocation, 0).ConfigureAwait(false);
            await using (feed.ConfigureAwait(false))
            {
                TopLoop loop = new(invocation, feed, status) { Interval = invocation.Has(interval) ? invocation.Get(interval) : TimeSpan.FromSeconds(2), Sort = invocation.Get(sort), Rounds = invocation.Get(once) ? 1 : invocation.Has(count) ? invocation.Get(count) : int.MaxValue };
                await (invocation.Output.IsTerminal && !invocation.Get(once) ? loop.RunOnScreenAsync() : loop.RunPlainAsync()).ConfigureAwait(false);
            }
            return ExitCode.Success;
        });
        return command;
    }

    private static TopSort ParseSort(System.CommandLine.Parsing.ArgumentResult result)
    {
        string word = result.Tokens[0].Value;
        if (word.Length > 0 && char.IsAsciiLetterLower(word[0]) && Enum.TryParse(word, ignoreCase: true, out TopSort sort) && Enum.IsDefined(sort))
            return sort;
        result.AddError($"--sort: '{word}' is none of messages, bytes, queue, pool, latency, name.");
        return default;
    }

    private static TimeSpan ParseInterval(System.CommandLine.Parsing.ArgumentResult result)
    {
        TimeSpan time = Durations.Parse(result);
        if (time < TimeSpan.FromMilliseconds(100))
            result.AddError($"--interval: '{result.Tokens[0].Value}' is too short: 100ms is the least.");
        return time;
    }
}
