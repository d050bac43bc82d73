using System.Text.Json.Nodes;
using System.Threading.Channels;
using Kdbus.Cli.Status;
using Kdbus.Linux;

namespace Kdbus.Cli.Watching;

/// <summary>Counts and shows, one interval after the other.</summary>
internal sealed class TopLoop
{
    private readonly Invocation _invocation;
    private readonly MonitorFeed _feed;
    private readonly StatusFiles _status;
    private readonly PeerBook _peers;
    private readonly TopTraffic _traffic;
    private long _began = Clock.MonotonicNanoseconds;

    /// <param name="invocation">Whose.</param>
    /// <param name="feed">The monitor.</param>
    /// <param name="status">What the bus shows of its connections.</param>
    public TopLoop(Invocation invocation, MonitorFeed feed, StatusFiles status)
    {
        (_invocation, _feed, _status) = (invocation, feed, status);
        _peers = new PeerBook(feed.Connection);
        _peers.AskAll();
        _traffic = new TopTraffic(_peers);
    }

    /// <summary>How long an interval is.</summary>
    public required TimeSpan Interval { get; init; }

    /// <summary>How to sort.</summary>
    public TopSort Sort { get; set; }

    /// <summary>How many intervals.</summary>
    public required int Rounds { get; init; }

    /// <summary>Tables, or objects, one after the other.</summary>
    public async Task RunPlainAsync()
    {
        Output output = _invocation.Output;
        for (int i = 0; i < Rounds && !_invocation.Ending.IsCancellationRequested; i++)
        {
            while (!await CountAsync(_began + (long)Interval.TotalNanoseconds, null).ConfigureAwait(false))
            {
                if (_invocation.Ending.IsCancellationRequested)
                    return;
            }
            TopRound round = Round().SortedBy(Sort);
            if (output.IsJson)
            {
                output.Json(new JsonObject
                {
                    ["interval"] = (long)round.Took.TotalNanoseconds,
                    ["messages"] = Math.Round(round.Messages, 3),
                    ["bytes"] = Math.Round(round.Bytes, 3),
                    ["lost"] = round.Lost,
                    ["connections"] = new JsonArray([.. round.Peers.Select(static peer => (JsonNode?)TopRound.PeerSheet.ToJson(peer))]),
                    ["pairs"] = new JsonArray([.. round.Pairs.Select(static pair => (JsonNode?)TopRound.PairSheet.ToJson(pair))]),
                });
                continue;
            }
            if (i > 0)
                output.Line();
            output.Write(TopRound.PeerSheet, round.Peers);
            output.Line();
            output.Write(TopRound.PairSheet, round.Pairs);
            if (round.Lost > 0)
                output.Line($"{round.Lost} messages were not seen: this program did not keep up", "red");
        }
    }

    /// <summary>On the whole terminal, with keys.</summary>
    public async Task RunOnScreenAsync()
    {
        using AlternateScreen screen = new(_invocation.Output, _invocation.Ending);
        ChannelReader<ConsoleKeyInfo> keys = Keys.Read();
        TopRound? round = null;
        bool isPaused = false, showsHelp = false;
        Draw();
        for (int i = 0; i < Rounds;)
        {
            bool isOver = await CountAsync(_began + (long)Interval.TotalNanoseconds, keys).ConfigureAwait(false);
            if (_invocation.Ending.IsCancellationRequested)
                return;
            while (keys.TryRead(out ConsoleKeyInfo key))
            {
                if (key.Key == ConsoleKey.Q)
                    return;
                Press(key, ref isPaused, ref showsHelp);
            }
            if (isOver)
            {
                i++;
                TopRound next = Round();
                round = isPaused ? round : next;
            }
            Draw();
        }

        void Draw()
        {
            (int columns, int rows) = AlternateScreen.Size;
            screen.Draw(TopScreen.Lines(_invocation.Bus.Bus, round?.SortedBy(Sort), Sort, isPaused, showsHelp, columns, rows), rows);
        }
    }

    private void Press(ConsoleKeyInfo key, ref bool isPaused, ref bool showsHelp)
    {
        int sorts = Enum.GetValues<TopSort>().Length;
        switch (key)
        {
            case { Key: ConsoleKey.S or ConsoleKey.RightArrow or ConsoleKey.DownArrow }:
                Sort = (TopSort)(((int)Sort + 1) % sorts);
                break;
            case { Key: ConsoleKey.LeftArrow or ConsoleKey.UpArrow }:
                Sort = (TopSort)(((int)Sort + sorts - 1) % sorts);
                break;
            case { Key: ConsoleKey.P or ConsoleKey.Spacebar }:
                isPaused = !isPaused;
                break;
            case { Key: ConsoleKey.H } or { KeyChar: '?' }:
                showsHelp = !showsHelp;
                break;
        }
    }

    private TopRound Round()
    {
        long now = Clock.MonotonicNanoseconds;
        _traffic.End();
        TopRound round = TopRound.Of(_traffic, TimeSpan.FromTicks((now - _began) / 100), _status.Connections(), _feed.Connection.Id, _feed.Lost, _peers);
        _traffic.Begin();
        _began = now;
        return round;
    }

    // Counts until a time; false: a key came, or the program shall end.
    private async Task<bool> CountAsync(long until, ChannelReader<ConsoleKeyInfo>? keys)
    {
        using CancellationTokenSource waiting = CancellationTokenSource.CreateLinkedTokenSource(_invocation.Ending);
        // Timers know milliseconds only: a little late, so that the time is over when it fires.
        waiting.CancelAfter((int)Math.Clamp((until - Clock.MonotonicNanoseconds) / 1_000_000 + 1, 1, int.MaxValue));
        Task? pressed = keys is null ? null : CancelOnKeyAsync(keys, waiting);
        try
        {
            while (Clock.MonotonicNanoseconds < until && await _feed.WaitAsync(waiting.Token).ConfigureAwait(false))
            {
                // On a bus that never stops somebody has to look at the clock.
                while (!waiting.IsCancellationRequested && _feed.TryTake(out WatchedMessage? message))
                    _traffic.Take(message!);
            }
        }
        catch (OperationCanceledException) when (waiting.IsCancellationRequested)
        {
            // The time, a key or a signal: which one is looked at below.
        }
        finally
        {
            await waiting.CancelAsync().ConfigureAwait(false);
            if (pressed is not null)
                await pressed.ConfigureAwait(false);
        }
        return Clock.MonotonicNanoseconds >= until && !_invocation.Ending.IsCancellationRequested;
    }

    private static async Task CancelOnKeyAsync(ChannelReader<ConsoleKeyInfo> keys, CancellationTokenSource waiting)
    {
        try
        {
            if (await keys.WaitToReadAsync(waiting.Token).ConfigureAwait(false))
                await waiting.CancelAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // No key came.
        }
    }
}
