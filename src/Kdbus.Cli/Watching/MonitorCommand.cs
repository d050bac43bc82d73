using System.CommandLine;
using Kdbus.Cli.Capture;

namespace Kdbus.Cli.Watching;

/// <summary><c>kdbusctl monitor</c>: shows what is said on a bus, as it is said, or what was said, from a capture.</summary>
internal static class MonitorCommand
{
    // A preview needs no more, and a line no more than fits into a terminal.
    private const long PreviewBytes = 4096;

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        FilterOptions filter = new();
        Option<PayloadShown> payload = new("--payload", "-p")
        {
            Description = "how much of payloads is shown: nothing, the beginning (preview, unless said otherwise), all in the line, all in hexadecimal below it (--json has all unless none is said)",
            HelpName = "none|preview|full|hex",
            CustomParser = static result => Enum.TryParse(result.Tokens[0].Value, ignoreCase: true, out PayloadShown shown) && Enum.IsDefined(shown) && !char.IsAsciiDigit(result.Tokens[0].Value[0])
                ? shown : Wrong(result),
        };
        Option<int> count = CommonOptions.Count("end after so many messages were shown");
        Option<TimeSpan> timeout = WatchOptions.Timeout();
        Option<string?> from = new("--from", "-f") { Description = "show a capture instead of a bus; - is standard input", HelpName = "FILE" };
        Command command = new("monitor", "Show every message of a bus as it is sent: who to whom, what kind, how large, the payload, how long answers took. For the owner of the bus and root.")
        {
            payload, count, timeout, from, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        filter.AddTo(command);
        Invocation.SetAction(command, async invocation =>
        {
            int most = invocation.Has(count) ? invocation.Get(count) : int.MaxValue;
            PayloadShown shown = invocation.Has(payload) ? invocation.Get(payload) : PayloadShown.Preview;
            TrafficFilter wanted = filter.Filter(invocation);
            if (invocation.Get(from) is { } file)
                return ShowFile(invocation, file, wanted, shown, most);
            TimeSpan? time = invocation.Has(timeout) ? invocation.Get(timeout) : null;
            return await ShowBusAsync(invocation, wanted, shown, most, time).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> ShowBusAsync(Invocation invocation, TrafficFilter filter, PayloadShown shown, int most, TimeSpan? time)
    {
        long bytes = shown is PayloadShown.Full or PayloadShown.Hex || (invocation.Output.IsJson && shown != PayloadShown.None) ? long.MaxValue : PreviewBytes;
        MonitorFeed feed = await MonitorFeed.OpenAsync(invocation, bytes).ConfigureAwait(false);
        await using (feed.ConfigureAwait(false))
        {
            PeerBook peers = new(feed.Connection);
            peers.AskAll();
            Viewer viewer = new(invocation.Output, shown, new Sight(peers, filter), peers);
            Invocation.Note($"watching {invocation.Bus.Directory} as connection {feed.Connection.Id}{(time is null && most == int.MaxValue ? "; Ctrl-C ends" : "")}");
            try
            {
                await new LiveWatch(feed, time, invocation.Ending).RunAsync(message => Show(viewer, message) < most, invocation.Output.Flush).ConfigureAwait(false);
            }
            finally
            {
                // Also when the bus is gone: what had been received by then was shown, and this belongs to it.
                viewer.ShowLost((ulong)feed.LostUntold);
                viewer.ShowUnanswered();
            }
        }
        return ExitCode.Success;
    }

    private static int ShowFile(Invocation invocation, string file, TrafficFilter filter, PayloadShown shown, int most)
    {
        PeerBook peers = new();
        Viewer viewer = new(invocation.Output, shown, new Sight(peers, filter), peers);
        using CaptureReader reader = CaptureReader.Open(file);
        try
        {
            while (viewer.Count < most && !invocation.Ending.IsCancellationRequested && reader.Read() is { } message)
                _ = Show(viewer, message);
        }
        finally
        {
            viewer.ShowLost(reader.LostAtEnd);
            viewer.ShowUnanswered();
        }
        return ExitCode.Success;
    }

    private static int Show(Viewer viewer, WatchedMessage message)
    {
        viewer.Show(message);
        return viewer.Count;
    }

    private static PayloadShown Wrong(System.CommandLine.Parsing.ArgumentResult result)
    {
        result.AddError($"--payload: '{result.Tokens[0].Value}' is none of none, preview, full, hex.");
        return default;
    }
}
