using Kdbus.Cli.Status;

namespace Kdbus.Cli.Watching;

/// <summary>By what a table is sorted.</summary>
internal enum TopSort
{
    /// <summary>Messages per second.</summary>
    Messages,

    /// <summary>Bytes per second.</summary>
    Bytes,

    /// <summary>Messages that wait.</summary>
    Queue,

    /// <summary>Use of the pool.</summary>
    Pool,

    /// <summary>How long answers take.</summary>
    Latency,

    /// <summary>Name.</summary>
    Name,
}

/// <summary>A connection in an interval. Rates are per second.</summary>
internal sealed record TopPeer(
    ulong Id, string? Name, IReadOnlyList<string> Names, string? Process, int? Pid, double MessagesOut, double MessagesIn, double BytesOut, double BytesIn, long Queued, long PoolUsed, long PoolSize, ulong Dropped)
{
    /// <summary>Part of the pool that is used, 0 to 1.</summary>
    public double Pool => PoolSize == 0 ? 0 : (double)PoolUsed / PoolSize;
}

/// <summary>Calls of a caller to a service in an interval.</summary>
internal sealed record TopPair(ulong Caller, string? CallerName, string Service, double Calls, ulong P50, ulong P99, int Waiting, long Unanswered);

/// <summary>What <c>kdbusctl top</c> shows of one interval.</summary>
internal sealed record TopRound(TimeSpan Took, double Messages, double Bytes, long Lost, IReadOnlyList<TopPeer> Peers, IReadOnlyList<TopPair> Pairs)
{
    /// <summary>Table of connections.</summary>
    public static Sheet<TopPeer> PeerSheet { get; } = new Sheet<TopPeer>()
        .Column("ID", "id", static row => Cell.Of(row.Id), isNumber: true)
        .Column("NAME", "name", static row => Cell.Of(row.Name))
        .Column("PROCESS", "process", static row => Cell.Of(row.Process))
        .Column("PID", "pid", static row => Cell.Of(row.Pid), isNumber: true)
        .Column("OUT/s", "messagesOut", static row => Rate(row.MessagesOut), isNumber: true)
        .Column("IN/s", "messagesIn", static row => Rate(row.MessagesIn), isNumber: true)
        .Column("OUT B/s", "bytesOut", static row => ByteRate(row.BytesOut), isNumber: true)
        .Column("IN B/s", "bytesIn", static row => ByteRate(row.BytesIn), isNumber: true)
        .Column("QUEUE", "queued", static row => Cell.Of(row.Queued), isNumber: true)
        .Column("POOL", "poolUsed", static row => new Cell(Percent(row.Pool), System.Text.Json.Nodes.JsonValue.Create(row.PoolUsed)), isNumber: true)
        .Column("OF", "poolSize", static row => Cell.Bytes(row.PoolSize), isNumber: true)
        .Column("DROPPED", "dropped", static row => Cell.Of(row.Dropped), isNumber: true)
        .Column("NAMES", "names", static row => Cell.Of(row.Names));

    /// <summary>Table of callers and services.</summary>
    public static Sheet<TopPair> PairSheet { get; } = new Sheet<TopPair>()
        .Column("CALLER", "caller", static row => Cell.Of(row.Caller), isNumber: true)
        .Column("NAME", "callerName", static row => Cell.Of(row.CallerName))
        .Column("SERVICE", "service", static row => Cell.Of(row.Service))
        .Column("CALLS/s", "calls", static row => Rate(row.Calls), isNumber: true)
        .Column("P50", "p50", static row => Time(row.P50), isNumber: true)
        .Column("P99", "p99", static row => Time(row.P99), isNumber: true)
        .Column("WAITING", "waiting", static row => Cell.Of(row.Waiting), isNumber: true)
        .Column("UNANSWERED", "unanswered", static row => Cell.Of(row.Unanswered), isNumber: true);

    /// <summary>Puts together what was counted and what the bus says of its connections.</summary>
    /// <param name="traffic">What was counted, ended.</param>
    /// <param name="took">How long the interval was.</param>
    /// <param name="connections">All connections.</param>
    /// <param name="self">Our own.</param>
    /// <param name="lost">Messages that were not seen.</param>
    /// <param name="peers">Who is who.</param>
    public static TopRound Of(TopTraffic traffic, TimeSpan took, IReadOnlyList<ConnectionRow> connections, ulong self, long lost, PeerBook peers)
    {
        double seconds = Math.Max(took.TotalSeconds, 0.001);
        List<TopPair> pairs =
        [
            .. traffic.Pairs.Select(pair => new TopPair(
                pair.Key.Caller, peers.LabelOf(pair.Key.Caller), pair.Key.Service, pair.Value.Calls / seconds, pair.Value.P50, pair.Value.P99, pair.Value.Waiting, pair.Value.Unanswered)),
        ];
        List<TopPeer> rows = [.. connections.Where(row => row.Id != self).Select(row => PeerOf(row, traffic.Peers.GetValueOrDefault(row.Id) ?? new PeerTraffic(), seconds))];
        return new TopRound(took, traffic.Messages / seconds, traffic.Bytes / seconds, lost, rows, pairs);
    }

    /// <summary>The same in another order.</summary>
    public TopRound SortedBy(TopSort sort)
    {
        Dictionary<string, ulong> slowest = new(StringComparer.Ordinal);
        foreach (TopPair pair in Pairs)
            slowest[pair.Service] = Math.Max(slowest.GetValueOrDefault(pair.Service), pair.P99);
        return this with
        {
            Peers = [.. Sorted(Peers, sort, row => row.Names.Append($"{row.Id}").Max(name => slowest.GetValueOrDefault(name)))],
            Pairs = [.. Sorted(Pairs, sort)],
        };
    }

    /// <summary>A number per second.</summary>
    public static Cell Rate(double perSecond) => new(RateText(perSecond), System.Text.Json.Nodes.JsonValue.Create(Math.Round(perSecond, 3)));

    /// <summary>The same as text.</summary>
    public static string RateText(double perSecond) => perSecond == 0 ? "0" : perSecond < 10 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{perSecond:0.0}") : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{perSecond:0}");

    /// <summary>A part as text.</summary>
    public static string Percent(double part) => part is > 0 and < 0.01 ? "<1%" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{part * 100:0}%");

    /// <summary>A latency; nothing if there is none.</summary>
    public static Cell Time(ulong nanoseconds) => nanoseconds == 0 ? Cell.None : Cell.Duration(TimeSpan.FromTicks((long)Math.Min(nanoseconds / 100, long.MaxValue)));

    private static Cell ByteRate(double perSecond) => new(Sizes.Text(perSecond), System.Text.Json.Nodes.JsonValue.Create(Math.Round(perSecond, 3)));

    private static TopPeer PeerOf(ConnectionRow row, PeerTraffic traffic, double seconds) => new(
        row.Id, row.Names.Count > 0 ? row.Names[0] : row.ActivatorOf ?? row.Description, row.Names, row.Process, row.Pid, traffic.MessagesOut / seconds, traffic.MessagesIn / seconds,
        traffic.BytesOut / seconds, traffic.BytesIn / seconds, row.Queued, row.PoolUsed, row.PoolSize, row.Dropped);

    private static IEnumerable<TopPeer> Sorted(IReadOnlyList<TopPeer> rows, TopSort sort, Func<TopPeer, ulong> latency)
    {
        IOrderedEnumerable<TopPeer> sorted = sort switch
        {
            TopSort.Bytes => rows.OrderByDescending(static row => row.BytesOut + row.BytesIn),
            TopSort.Queue => rows.OrderByDescending(static row => row.Queued),
            TopSort.Pool => rows.OrderByDescending(static row => row.Pool),
            TopSort.Latency => rows.OrderByDescending(latency),
            TopSort.Name => rows.OrderBy(static row => row.Name is null).ThenBy(static row => row.Name, StringComparer.Ordinal),
            _ => rows.OrderByDescending(static row => row.MessagesOut + row.MessagesIn),
        };
        return sorted.ThenByDescending(static row => row.MessagesOut + row.MessagesIn).ThenBy(static row => row.Id);
    }

    private static IEnumerable<TopPair> Sorted(IReadOnlyList<TopPair> pairs, TopSort sort)
    {
        IOrderedEnumerable<TopPair> sorted = sort switch
        {
            TopSort.Latency => pairs.OrderByDescending(static pair => pair.P99),
            TopSort.Queue => pairs.OrderByDescending(static pair => pair.Waiting),
            TopSort.Name => pairs.OrderBy(static pair => pair.Service, StringComparer.Ordinal),
            _ => pairs.OrderByDescending(static pair => pair.Calls),
        };
        return sorted.ThenByDescending(static pair => pair.Calls).ThenBy(static pair => pair.Caller).ThenBy(static pair => pair.Service, StringComparer.Ordinal);
    }
}
