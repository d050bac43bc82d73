using System.Globalization;

namespace Kdbus.Cli.Watching;

/// <summary>What a connection sent and received in an interval.</summary>
internal sealed class PeerTraffic
{
    /// <summary>Messages sent.</summary>
    public long MessagesOut { get; set; }

    /// <summary>Messages received.</summary>
    public long MessagesIn { get; set; }

    /// <summary>Bytes of payload sent.</summary>
    public ulong BytesOut { get; set; }

    /// <summary>Bytes of payload received.</summary>
    public ulong BytesIn { get; set; }
}

/// <summary>Calls of one caller to one service.</summary>
internal sealed class PairTraffic
{
    /// <summary>Calls in this interval.</summary>
    public long Calls { get; set; }

    /// <summary>Calls without an answer since the beginning.</summary>
    public long Unanswered { get; set; }

    /// <summary>Calls that wait for one now.</summary>
    public int Waiting { get; set; }

    /// <summary>How long answers took that came in this interval.</summary>
    public LatencyHistogram Latency { get; } = new();

    /// <summary>Half of them took no longer; of the last interval with answers; 0: there were none.</summary>
    public ulong P50 { get; set; }

    /// <summary>All but one in a hundred took no longer.</summary>
    public ulong P99 { get; set; }

    /// <summary>Intervals without a call.</summary>
    public int Quiet { get; set; }
}

/// <summary>Counts what messages tell, for <c>kdbusctl top</c>.</summary>
internal sealed class TopTraffic
{
    // What has been quiet for so long is forgotten: callers come and go.
    private const int MostQuiet = 30;

    private readonly PeerBook _peers;
    private readonly CallBook _calls = new();

    /// <param name="peers">Who is who.</param>
    public TopTraffic(PeerBook peers)
    {
        _peers = peers;
        _calls.OnUnanswered = ended =>
        {
            if (ended.End != CallEnd.CallerGone)
                PairOf(ended.Call).Unanswered++;
        };
    }

    /// <summary>Connections.</summary>
    public Dictionary<ulong, PeerTraffic> Peers { get; } = [];

    /// <summary>Callers and the names or ids they asked.</summary>
    public Dictionary<(ulong Caller, string Service), PairTraffic> Pairs { get; } = [];

    /// <summary>Messages in this interval.</summary>
    public long Messages { get; private set; }

    /// <summary>Bytes of payload in this interval.</summary>
    public ulong Bytes { get; private set; }

    /// <summary>Counts a message.</summary>
    public void Take(WatchedMessage message)
    {
        _peers.Learn(message);
        ulong owner = message.Name is { } name ? _peers.OwnerOf(name) : 0;
        EndedCall? ended = _calls.Take(message, owner, out WatchedCall? call);
        if (message.Kind == MessageKind.Call)
        {
            PairTraffic pair = PairOf(call!);
            pair.Calls++;
            pair.Quiet = 0;
        }
        if (ended is { End: CallEnd.Answered } answered)
            PairOf(answered.Call).Latency.Add(answered.LatencyNs);
        if (message.Kind == MessageKind.Notification)
            return;
        Messages++;
        Bytes += message.PayloadSize;
        PeerTraffic sender = PeerOf(message.Sender);
        sender.MessagesOut++;
        sender.BytesOut += message.PayloadSize;
        // The bus does not say who listens to a signal for everybody: it counts for its sender only.
        if ((message.Receiver != 0 ? message.Receiver : owner) is not 0 and var receiver)
        {
            PeerTraffic got = PeerOf(receiver);
            got.MessagesIn++;
            got.BytesIn += message.PayloadSize;
        }
    }

    /// <summary>The interval is over: what it had can be looked at until <see cref="Begin"/>.</summary>
    public void End()
    {
        foreach (PairTraffic pair in Pairs.Values)
        {
            pair.Waiting = 0;
            if (pair.Latency.Count > 0)
                (pair.P50, pair.P99) = (pair.Latency.Percentile(0.5), pair.Latency.Percentile(0.99));
        }
        foreach (WatchedCall call in _calls.Open)
            PairOf(call).Waiting++;
    }

    /// <summary>The next interval.</summary>
    public void Begin()
    {
        (Messages, Bytes) = (0, 0);
        Peers.Clear();
        foreach (((ulong, string) key, PairTraffic pair) in Pairs)
        {
            pair.Calls = 0;
            pair.Latency.Clear();
            if (pair.Waiting == 0 && ++pair.Quiet > MostQuiet)
                _ = Pairs.Remove(key);
        }
    }

    private PeerTraffic PeerOf(ulong id)
    {
        if (!Peers.TryGetValue(id, out PeerTraffic? peer))
            Peers[id] = peer = new PeerTraffic();
        return peer;
    }

    private PairTraffic PairOf(WatchedCall call)
    {
        (ulong, string) key = (call.Caller, call.Name ?? _peers.LabelOf(call.Receiver) ?? call.Receiver.ToString(CultureInfo.InvariantCulture));
        if (!Pairs.TryGetValue(key, out PairTraffic? pair))
            Pairs[key] = pair = new PairTraffic();
        return pair;
    }
}
