using System.Globalization;
using System.Text;
using Kdbus.Abi;
using Kdbus.Daemon.Status;
using Kdbus.Engine;
using Kdbus.Engine.Status;
using Microsoft.Extensions.Logging;

namespace Kdbus.Daemon.Serving;

/// <summary>A refusal to be told of.</summary>
/// <param name="Row">What happened, and what stands in the way.</param>
/// <param name="Now">CLOCK_MONOTONIC, nanoseconds.</param>
/// <param name="Suppressed">How often the same has happened since it was told last.</param>
/// <param name="Overlooked">How many others were not told, because too many different ones happened.</param>
internal readonly record struct RefusalNote(RefusalRow Row, ulong Now, ulong Suppressed, ulong Overlooked);

/// <summary>
/// Tells the operator whose messages are in the way when one finds no room. A client can cause as many refusals as it
/// likes: of each receiver, sender and reason one is told in ten seconds, and of all together only so many. Under the lock
/// of the engine a refusal is noted; the line is written outside.
/// </summary>
internal sealed class RefusalLog(ILogger log, TimeProvider time, DomainClock clock)
{
    /// <summary>Different refusals that are told in one interval, and remembered.</summary>
    public const int MaxKnown = 256;

    /// <summary>Senders that a line names.</summary>
    private const int HoldersNamed = 3;

    private const int NamesNamed = 3;

    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Dictionary<(ulong Receiver, ulong Sender, Errno Reason), Known> _known = [];
    private readonly Queue<RefusalNote> _due = new();
    private long _swept;
    private ulong _overlooked;

    /// <summary>A message found no room; under the lock of the engine.</summary>
    public void Note(in Refusal refusal)
    {
        if (!log.IsEnabled(LogLevel.Warning)) return;
        var now = time.GetTimestamp();
        var key = (refusal.Receiver.Id, refusal.Sender?.Id ?? 0, refusal.Reason);
        if (!_known.TryGetValue(key, out var known))
        {
            if (_known.Count >= MaxKnown) Sweep(now);
            if (_known.Count >= MaxKnown)
            {
                _overlooked++;
                return;
            }

            _known.Add(key, known = new Known());
        }
        else if (time.GetElapsedTime(known.ToldAt, now) < Interval)
        {
            known.Suppressed++;
            return;
        }

        _due.Enqueue(new RefusalNote(QuotaStatus.Of(refusal, HoldersNamed), clock.Now.Monotonic, known.Suppressed, _overlooked));
        known.ToldAt = now;
        known.Suppressed = 0;
        _overlooked = 0;
    }

    /// <summary>The next one to be told; under the lock of the engine.</summary>
    public bool TryTake(out RefusalNote note) => _due.TryDequeue(out note);

    /// <summary>Nothing is to be told; only under the lock of the domain.</summary>
    public bool IsEmpty => _due.Count == 0;

    /// <summary>Writes the line; not under the lock.</summary>
    public void Write(in RefusalNote note)
    {
        var row = note.Row;
        var processes = new ProcessNames();
        var receiver = Describe(row.Receiver, processes);
        var sender = Describe(row.Sender, processes);
        var lastRead = LastRead(note);
        var suppressed = Suppressed(note);
        switch (row.Reason)
        {
            case Errno.EXFULL:
                log.PoolFull(receiver, row.Bus, row.Size, sender, row.Reason, row.PoolSize, row.PoolUsed, row.LargestFree, lastRead, suppressed);
                break;
            case Errno.ENOMEM:
                log.HostFull(receiver, row.Bus, row.Size, sender, row.Reason, suppressed);
                break;
            default:
                var share = row.Share;
                log.QuotaExceeded(
                    receiver,
                    row.Bus,
                    row.Size,
                    sender,
                    row.Reason,
                    Describe(row.User),
                    share.Messages,
                    share.MessagesLimit,
                    share.Bytes,
                    share.BytesLimit,
                    Holders(row, processes),
                    lastRead,
                    suppressed);
                break;
        }
    }

    /// <summary>Forgets what was told long ago; once a second is enough.</summary>
    private void Sweep(long now)
    {
        if (time.GetElapsedTime(_swept, now) < TimeSpan.FromSeconds(1)) return;
        _swept = now;
        foreach (var (key, known) in _known)
        {
            if (time.GetElapsedTime(known.ToldAt, now) < Interval) continue;
            _overlooked += known.Suppressed;
            _known.Remove(key);
        }
    }

    private static string Describe(PartyRow? party, ProcessNames processes)
    {
        if (party == null) return "the bus itself";
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"connection {party.Id} (");
        foreach (var name in party.Names.Take(NamesNamed)) text.Append(CultureInfo.InvariantCulture, $"{name}, ");
        if (party.Names.Count > NamesNamed) text.Append(CultureInfo.InvariantCulture, $"{party.Names.Count - NamesNamed} more names, ");
        text.Append(CultureInfo.InvariantCulture, $"pid {party.Pid}");
        if (processes.Of(party.Pid) is { } process) text.Append(' ').Append(Escaped.Of(process));
        if (party.Description.Length > 0) text.Append(CultureInfo.InvariantCulture, $", '{Escaped.Of(party.Description)}'");
        if (!party.Alive) text.Append(", ended");
        return text.Append(')').ToString();
    }

    private static string Describe(UserId user) => user switch
    {
        { Uid: { } uid } => string.Create(CultureInfo.InvariantCulture, $"user {uid}"),
        { Endpoint: { } endpoint } => $"the user of endpoint {endpoint}",
        _ => "the bus itself",
    };

    private static string Holders(RefusalRow row, ProcessNames processes)
    {
        if (row.Holders.Count == 0) return "";
        var parts = row.Holders.Select(holder => string.Create(
            CultureInfo.InvariantCulture, $"{Describe(holder.Sender, processes)} {holder.Messages:N0} messages {holder.Bytes:N0} bytes"));
        var more = row.MoreHolders > 0 ? string.Create(CultureInfo.InvariantCulture, $", and {row.MoreHolders:N0} more senders") : "";
        return $": {string.Join(", ", parts)}{more}";
    }

    private static string LastRead(in RefusalNote note)
    {
        var read = new Moment(note.Row.LastRead, note.Now);
        return read.Time == 0
            ? "it has never been read"
            : string.Create(CultureInfo.InvariantCulture, $"it was last read {-read.Distance / 1_000_000_000} s ago");
    }

    private static string Suppressed(in RefusalNote note)
    {
        var same = note.Suppressed > 0 ? string.Create(CultureInfo.InvariantCulture, $"; the same {note.Suppressed:N0} times more since last told") : "";
        var others = note.Overlooked > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {note.Overlooked:N0} others were not told") : "";
        return same + others;
    }

    /// <summary>A receiver, sender and reason that were told.</summary>
    private sealed class Known
    {
        /// <summary>When; a timestamp.</summary>
        public long ToldAt { get; set; }

        /// <summary>How often it has happened since.</summary>
        public ulong Suppressed { get; set; }
    }
}
