using System.CommandLine;
using Kdbus.Cli.Watching;

namespace Kdbus.Cli.Capture;

/// <summary><c>kdbusctl capture</c>: writes what is said on a bus into a file, to be looked at, or said again, later.</summary>
internal static class CaptureCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        FilterOptions filter = new();
        Argument<string> file = new("FILE") { Description = "the capture to write; - is standard output" };
        Option<bool> force = new("--force") { Description = "overwrite a file that is there" };
        Option<int> most = new("--max-payload") { Description = "write at most so much of each message's payload; without it all, up to 1 GiB", HelpName = "SIZE", CustomParser = Sizes.Parse };
        Option<int> count = CommonOptions.Count("end after so many messages were written");
        Option<TimeSpan> timeout = WatchOptions.Timeout();
        Command command = new("capture", "Write every message of a bus into a pcapng file. 'kdbusctl monitor --from FILE' shows it, 'kdbusctl replay' sends it again. For the owner of the bus and root.")
        {
            file, force, most, count, timeout, CommonOptions.Bus,
        };
        filter.AddTo(command);
        Invocation.SetAction(command, async invocation =>
        {
            if (invocation.Get(file) == "-" && !Console.IsOutputRedirected)
                throw new CommandException(ExitCode.Usage, "a capture is no text for a terminal", "write it to a file, or into a pipe: kdbusctl capture - | kdbusctl monitor --from -");
            MonitorFeed feed = await MonitorFeed.OpenAsync(invocation, invocation.Has(most) ? invocation.Get(most) : long.MaxValue).ConfigureAwait(false);
            await using (feed.ConfigureAwait(false))
            {
                using CaptureFile capture = CaptureFile.Create(invocation.Get(file), invocation.Get(force));
                TimeSpan? time = invocation.Has(timeout) ? invocation.Get(timeout) : null;
                await RunAsync(invocation, feed, capture, filter.Filter(invocation), invocation.Has(count) ? invocation.Get(count) : int.MaxValue, time).ConfigureAwait(false);
            }
            return ExitCode.Success;
        });
        return command;
    }

    private static async Task RunAsync(Invocation invocation, MonitorFeed feed, CaptureFile capture, TrafficFilter filter, int most, TimeSpan? time)
    {
        PeerBook peers = new(feed.Connection);
        capture.Begin(invocation.Bus, feed.Connection.BusId);
        foreach (WatchedMessage state in LiveWatch.State(peers))
        {
            peers.Learn(state);
            capture.Write(state);
        }
        Sight sight = new(peers, filter);
        Invocation.Note($"capturing {invocation.Bus.Directory} as connection {feed.Connection.Id}{(time is null && most == int.MaxValue ? "; Ctrl-C ends" : "")}");
        ulong untold = 0;
        try
        {
            await new LiveWatch(feed, time, invocation.Ending).RunAsync(
                message =>
                {
                    // What was lost before a message that is not asked for is told with the next one that is.
                    untold += message.Notes.Lost;
                    if (sight.Look(message) is null)
                        return true;
                    capture.Write(message.Notes.Lost == untold ? message : message.WithLost(untold));
                    untold = 0;
                    return capture.Count < (ulong)most;
                },
                static () => { }).ConfigureAwait(false);
        }
        finally
        {
            long lost = feed.Lost;
            Invocation.Note($"{capture.Count} {(capture.Count == 1 ? "message" : "messages")} captured{(lost == 0 ? "" : $", {lost} lost: this program did not keep up")}");
        }
        capture.End((ulong)feed.Lost);
    }
}
