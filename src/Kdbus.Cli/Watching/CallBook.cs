using Kdbus.Abi;

namespace Kdbus.Cli.Watching;

/// <summary>A call that was seen.</summary>
/// <param name="Caller">Who asked.</param>
/// <param name="Cookie">His number for it.</param>
/// <param name="Receiver">Who was asked; 0: a name of which nobody knew the owner.</param>
/// <param name="Name">The name that was asked; null: only an id.</param>
/// <param name="SentNs">When, CLOCK_MONOTONIC.</param>
/// <param name="DeadlineNs">Until when an answer was waited for, CLOCK_MONOTONIC.</param>
/// <param name="HasTimestamp">The time is that of sending.</param>
internal sealed record WatchedCall(ulong Caller, ulong Cookie, ulong Receiver, string? Name, ulong SentNs, ulong DeadlineNs, bool HasTimestamp)
{
    /// <summary>It was asked for by the filter.</summary>
    public bool IsWanted { get; set; }

    /// <summary>Who was asked has gone.</summary>
    public bool IsReceiverGone { get; set; }
}

/// <summary>Why a call has no answer.</summary>
internal enum CallEnd
{
    /// <summary>It has one.</summary>
    Answered,

    /// <summary>It still waits.</summary>
    Waiting,

    /// <summary>Its time was up.</summary>
    TimedOut,

    /// <summary>Who was asked went away.</summary>
    Died,

    /// <summary>Who asked went away.</summary>
    CallerGone,
}

/// <summary>Words for how calls end.</summary>
internal static class CallEnds
{
    /// <summary>In words.</summary>
    public static string Text(this CallEnd end) => end switch
    {
        CallEnd.Waiting => "still waits",
        CallEnd.TimedOut => "no answer in time",
        CallEnd.Died => "who was asked went away",
        CallEnd.CallerGone => "who asked went away",
        _ => "answered",
    };

    /// <summary>One word for programs.</summary>
    public static string Word(this CallEnd end) => end switch
    {
        CallEnd.Waiting => "waiting",
        CallEnd.TimedOut => "timed-out",
        CallEnd.Died => "died",
        CallEnd.CallerGone => "caller-gone",
        _ => "answered",
    };
}

/// <summary>A call and what came of it.</summary>
/// <param name="Call">The call.</param>
/// <param name="End">What.</param>
/// <param name="LatencyNs">How long that took.</param>
internal readonly record struct EndedCall(WatchedCall Call, CallEnd End, ulong LatencyNs);

/// <summary>
/// Brings calls and their answers together. A call is over when it is answered, when the bus says that it will not be, when its caller goes, or when the time in
/// the messages passes its deadline: a synchronous call that failed is told to its caller alone, and nobody else hears of it.
/// </summary>
internal sealed class CallBook
{
    private const ulong SweepNs = 1_000_000_000;

    private readonly Dictionary<(ulong Caller, ulong Cookie), List<WatchedCall>> _open = [];
    private readonly List<EndedCall> _swept = [];
    private ulong _lastSweep;

    /// <summary>Told of each call that ends without an answer.</summary>
    public Action<EndedCall>? OnUnanswered { get; set; }

    /// <summary>Calls that still wait.</summary>
    public IEnumerable<WatchedCall> Open => _open.Values.SelectMany(static calls => calls);

    /// <summary>Takes a call down, or tells which one a message ends.</summary>
    /// <param name="message">The next message.</param>
    /// <param name="owner">Who owns the name the message was sent to; 0: not known.</param>
    /// <param name="call">The call that it is, or that it ends; null: neither.</param>
    /// <returns>What came of the call, if it ends.</returns>
    public EndedCall? Take(WatchedMessage message, ulong owner, out WatchedCall? call)
    {
        Sweep(message.MonotonicNs);
        call = null;
        switch (message)
        {
            case { Kind: MessageKind.Call }:
                call = new WatchedCall(
                    message.Sender, message.Header.Cookie, message.Receiver != 0 ? message.Receiver : owner, message.Name, message.MonotonicNs, message.Header.TimeoutNs, message.HasTimestamp);
                if (!_open.TryGetValue((call.Caller, call.Cookie), out List<WatchedCall>? calls))
                    _open[(call.Caller, call.Cookie)] = calls = [];
                calls.Add(call);
                return null;
            case { Kind: MessageKind.Reply or MessageKind.Error }:
                return End(message, CallEnd.Answered, out call);
            case { Notification.EndsCall: true }:
                EndedCall? ended = End(message, message.Notification.Type == ItemType.ReplyTimeout ? CallEnd.TimedOut : CallEnd.Died, out call);
                if (ended is { } unanswered)
                    OnUnanswered?.Invoke(unanswered);
                return ended;
            case { Notification: { Type: ItemType.IdRemove } gone }:
                Go(gone.NewId, message.MonotonicNs);
                return null;
            default:
                return null;
        }
    }

    private EndedCall? End(WatchedMessage message, CallEnd end, out WatchedCall? call)
    {
        call = null;
        (ulong, ulong) key = (message.Receiver, message.ReplyTo);
        if (!_open.TryGetValue(key, out List<WatchedCall>? calls))
            return null;
        // A caller may use a cookie again, for somebody else even: the oldest call to who answers, else the oldest whose receiver is not known or has passed it on with its name.
        int at = end == CallEnd.Answered ? calls.FindIndex(open => open.Receiver == message.Sender) : 0;
        if (at < 0)
            at = calls.FindIndex(static open => open.Receiver == 0 || open.Name is not null);
        if (at < 0)
            return null;
        call = calls[at];
        calls.RemoveAt(at);
        if (calls.Count == 0)
            _ = _open.Remove(key);
        return new EndedCall(call, end, message.MonotonicNs > call.SentNs ? message.MonotonicNs - call.SentNs : 0);
    }

    private void Go(ulong id, ulong now)
    {
        RemoveWhere(now, call =>
        {
            // The bus tells an asynchronous caller in a message of its own, and a synchronous one nobody else hears of.
            call.IsReceiverGone |= call.Receiver == id;
            return call.Caller == id ? CallEnd.CallerGone : CallEnd.Waiting;
        });
    }

    private void Sweep(ulong now)
    {
        if (now < _lastSweep + SweepNs)
            return;
        _lastSweep = now;
        RemoveWhere(now, call => call.DeadlineNs < now ? call.IsReceiverGone ? CallEnd.Died : CallEnd.TimedOut : CallEnd.Waiting);
    }

    private void RemoveWhere(ulong now, Func<WatchedCall, CallEnd> end)
    {
        _swept.Clear();
        foreach (((ulong, ulong) key, List<WatchedCall> calls) in _open)
        {
            _ = calls.RemoveAll(call =>
            {
                CallEnd came = end(call);
                if (came != CallEnd.Waiting)
                    _swept.Add(new EndedCall(call, came, now > call.SentNs ? now - call.SentNs : 0));
                return came != CallEnd.Waiting;
            });
            // A dictionary may be emptied while it is walked.
            if (calls.Count == 0)
                _ = _open.Remove(key);
        }
        foreach (EndedCall ended in _swept)
            OnUnanswered?.Invoke(ended);
    }
}
