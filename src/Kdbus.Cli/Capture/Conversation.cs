using Kdbus.Cli.Watching;
using Kdbus.Client;

namespace Kdbus.Cli.Capture;

/// <summary>Why a message of a capture is not sent again.</summary>
internal enum NotSent
{
    /// <summary>It brought descriptors, of which a capture has no more than the kinds.</summary>
    Descriptors,

    /// <summary>It is a signal, which is for whoever listens.</summary>
    Signals,

    /// <summary>It says that a call is not wanted any more.</summary>
    Cancellations,

    /// <summary>It belongs to a stream, whose number the service makes anew.</summary>
    Streams,

    /// <summary>It is an answer.</summary>
    Replies,

    /// <summary>The capture does not have all of its payload.</summary>
    Cut,
}

/// <summary>Words for why.</summary>
internal static class NotSentWords
{
    /// <summary>In words.</summary>
    public static string Text(this NotSent why) => why switch
    {
        NotSent.Descriptors => "with descriptors",
        NotSent.Signals => "signals",
        NotSent.Cancellations => "cancellations",
        NotSent.Streams => "of streams",
        NotSent.Replies => "replies",
        _ => "not captured whole",
    };

    /// <summary>One word for programs.</summary>
    public static string Word(this NotSent why) => why switch
    {
        NotSent.Descriptors => "descriptors",
        NotSent.Signals => "signals",
        NotSent.Cancellations => "cancellations",
        NotSent.Streams => "streams",
        NotSent.Replies => "replies",
        _ => "cut",
    };
}

/// <summary>A message of a conversation.</summary>
/// <param name="Number">Which one, from 1.</param>
/// <param name="Message">The message.</param>
internal sealed record Turn(int Number, WatchedMessage Message)
{
    /// <summary>The answer it got; null: none, or it is no call.</summary>
    public WatchedMessage? Answer { get; set; }

    /// <summary>What came of it, if it is a call.</summary>
    public CallEnd End { get; set; } = CallEnd.Waiting;

    /// <summary>Why it cannot be sent again; null: it can.</summary>
    public NotSent? Why { get; init; }
}

/// <summary>What was sent to one name or connection in a capture, in order, with the answers.</summary>
/// <param name="With">The name or connection.</param>
/// <param name="Turns">What it was sent.</param>
internal sealed record Conversation(string With, IReadOnlyList<Turn> Turns)
{
    /// <summary>Finds it in a capture.</summary>
    /// <param name="read">The messages, in order; null at the end.</param>
    /// <param name="of">With whom; null: with whoever got the most requests.</param>
    public static Conversation Find(Func<WatchedMessage?> read, SideRule? of)
    {
        Dictionary<string, List<Turn>> all = new(StringComparer.Ordinal);
        PeerBook peers = new();
        CallBook calls = new();
        Dictionary<WatchedCall, Turn> open = [];
        calls.OnUnanswered = ended => SetEnd(open, ended);
        while (read() is { } message)
        {
            peers.Learn(message);
            if (message.Notes.IsState)
                continue;
            EndedCall? ended = calls.Take(message, message.Name is { } name ? peers.OwnerOf(name) : 0, out WatchedCall? call);
            if (ended is { End: CallEnd.Answered } && open.Remove(call!, out Turn? asked))
                (asked.Answer, asked.End) = (message, CallEnd.Answered);
            if (message.Kind == MessageKind.Notification || message.IsToEverybody || (of is not null && !of.IsReceiver(message, peers)))
                continue;
            List<Turn> turns = TurnsOf(all, of is null ? KeyOf(message, peers) : of.Name ?? $"{of.Id}");
            Turn turn = new(turns.Count + 1, message) { Why = WhyNot(message) };
            turns.Add(turn);
            if (message.Kind == MessageKind.Call && call is not null)
                open[call] = turn;
        }
        if (all.Count == 0)
            return new Conversation(of is null ? "" : of.Name ?? $"{of.Id}", []);
        (string with, List<Turn> found) = all.MaxBy(static pair => (pair.Value.Count(static turn => turn.Message.Kind == MessageKind.Call), pair.Value.Count));
        return new Conversation(with, found);
    }

    private static void SetEnd(Dictionary<WatchedCall, Turn> open, EndedCall ended)
    {
        if (open.Remove(ended.Call, out Turn? turn))
            turn.End = ended.End;
    }

    private static List<Turn> TurnsOf(Dictionary<string, List<Turn>> all, string key)
    {
        if (!all.TryGetValue(key, out List<Turn>? turns))
            all[key] = turns = [];
        return turns;
    }

    // What was sent to the id of a connection belongs to the name it owned.
    private static string KeyOf(WatchedMessage message, PeerBook peers) =>
        message.Name ?? (peers.NamesOf(message.Receiver) is { Count: > 0 } names ? names.Min(StringComparer.Ordinal)! : $"{message.Receiver}");

    private static NotSent? WhyNot(WatchedMessage message)
    {
        if (message.Kind is MessageKind.Reply or MessageKind.Error)
            return NotSent.Replies;
        if (message.Kind == MessageKind.Signal)
            return NotSent.Signals;
        if (message.Descriptors.Count > 0)
            return NotSent.Descriptors;
        if (message.IsCut)
            return NotSent.Cut;
        return message.Header.PayloadType switch
        {
            PayloadTypes.Cancel => NotSent.Cancellations,
            PayloadTypes.Call when PayloadReading.Of(message).Stream is not null => NotSent.Streams,
            _ => null,
        };
    }
}
