using System.Globalization;
using System.Text;

namespace Kdbus.Cli.Watching;

/// <summary>What <c>kdbusctl top</c> draws: a head, connections, and below them callers and services, as much of them as fits.</summary>
internal static class TopScreen
{
    private const string Bold = "\e[1m";
    private const string Reverse = "\e[7m";

    private static readonly string[] s_help =
    [
        "q, Ctrl-C     quit",
        "s, right      sort by the next column; left: by the one before",
        "p, space      pause: nothing changes on the screen until p is pressed again",
        "h, ?          this help",
        "",
        "OUT/s, IN/s   messages sent and received in a second; signals to everybody",
        "              count for their sender only",
        "QUEUE         messages that wait to be received",
        "POOL          how much of the pool is used",
        "P50, P99      half of the answers, all but one in a hundred, took no longer",
        "WAIT          calls that wait for an answer now",
        "LOST          calls that got none, since top was started",
    ];

    /// <summary>The lines of the screen.</summary>
    /// <param name="bus">Which bus.</param>
    /// <param name="round">What to show; null: nothing has been counted yet.</param>
    /// <param name="sort">How it is sorted.</param>
    /// <param name="isPaused">Whether it stands still.</param>
    /// <param name="showsHelp">Whether the help is shown instead.</param>
    /// <param name="columns">How wide.</param>
    /// <param name="rows">How high.</param>
    public static IReadOnlyList<string> Lines(string bus, TopRound? round, TopSort sort, bool isPaused, bool showsHelp, int columns, int rows)
    {
        List<string> lines = [Bold + Fit(Head(bus, round, sort, isPaused), columns)];
        if (showsHelp)
        {
            lines.AddRange(s_help.Select(line => Fit(line, columns)));
        }
        else if (round is null)
        {
            lines.Add(Fit("counting ...", columns));
        }
        else
        {
            // Two heads and a blank line are between the tables; each gets its share, and what the other one leaves.
            int room = Math.Max(0, rows - lines.Count - 4);
            int pairs = Math.Min(round.Pairs.Count, Math.Max(room / 3, room - round.Peers.Count));
            int peers = Math.Min(round.Peers.Count, room - pairs);
            lines.Add(Reverse + PeerHead(columns));
            lines.AddRange(round.Peers.Take(peers).Select(peer => PeerLine(peer, columns)));
            lines.Add("");
            lines.Add(Reverse + PairHead(columns));
            lines.AddRange(round.Pairs.Take(pairs).Select(pair => PairLine(pair, columns)));
            if (peers < round.Peers.Count || pairs < round.Pairs.Count)
                lines.Add(Fit($"and {round.Peers.Count - peers} more connections, {round.Pairs.Count - pairs} more pairs", columns));
        }
        return lines.Count <= rows ? lines : lines[..rows];
    }

    private static string Head(string bus, TopRound? round, TopSort sort, bool isPaused)
    {
        StringBuilder head = new(bus);
        if (round is not null)
        {
            _ = head.Append(CultureInfo.InvariantCulture, $"  {round.Peers.Count} {(round.Peers.Count == 1 ? "connection" : "connections")}  {TopRound.RateText(round.Messages)} msg/s  {Sizes.Text(round.Bytes)} B/s");
            if (round.Lost > 0)
                _ = head.Append(CultureInfo.InvariantCulture, $"  {round.Lost} NOT SEEN");
        }
        return head.Append(CultureInfo.InvariantCulture, $"  sort: {sort.ToString().ToLowerInvariant()}{(isPaused ? "  PAUSED" : "")}  h: help").ToString();
    }

    private static int PeerName(int columns) => Math.Max(4, columns - 55);

    private static string PeerHead(int columns) =>
        Fit($"{"ID",6} {Pad("NAME, PROCESS", PeerName(columns))} {"OUT/s",7} {"IN/s",7} {"OUT B/s",9} {"IN B/s",9} {"QUEUE",5} {"POOL",5}", columns);

    private static string PeerLine(TopPeer peer, int columns)
    {
        string name = Escaped.Text(string.Join(' ', new[] { peer.Name, peer.Process }.Where(static word => !string.IsNullOrEmpty(word))));
        return Fit(
            $"{peer.Id,6} {Pad(name, PeerName(columns))} {TopRound.RateText(peer.MessagesOut),7} {TopRound.RateText(peer.MessagesIn),7} {Sizes.Text(peer.BytesOut),9} {Sizes.Text(peer.BytesIn),9} {peer.Queued,5} {TopRound.Percent(peer.Pool),5}",
            columns);
    }

    private static int PairSide(int columns) => Math.Max(4, (columns - 42) / 2);

    private static string PairHead(int columns) =>
        Fit($"{Pad("CALLER", PairSide(columns))} {Pad("SERVICE", PairSide(columns))} {"CALLS/s",8} {"P50",9} {"P99",9} {"WAIT",5} {"LOST",5}", columns);

    private static string PairLine(TopPair pair, int columns)
    {
        string caller = pair.CallerName is null ? $"{pair.Caller}" : $"{pair.Caller} {Escaped.Text(pair.CallerName)}";
        return Fit(
            $"{Pad(caller, PairSide(columns))} {Pad(Escaped.Text(pair.Service), PairSide(columns))} {TopRound.RateText(pair.Calls),8} {TopRound.Time(pair.P50).Text,9} {TopRound.Time(pair.P99).Text,9} {pair.Waiting,5} {pair.Unanswered,5}",
            columns);
    }

    // Widths are those of plain text: what is wider is cut a little late, at the edge of the terminal.
    private static string Pad(string text, int width) => text.Length <= width ? text.PadRight(width) : string.Concat(text.AsSpan(0, width - 1), "…");

    private static string Fit(string text, int columns) => text.Length <= columns ? text.PadRight(columns) : string.Concat(text.AsSpan(0, columns - 1), "…");
}
