namespace Kdbus.Cli.Watching;

/// <summary>A message that was asked for, with what is known about it.</summary>
/// <param name="Message">The message.</param>
/// <param name="Ended">The call that it ends, and what came of it.</param>
/// <param name="Peers">Who is who.</param>
internal sealed record Sighting(WatchedMessage Message, EndedCall? Ended, PeerBook Peers);

/// <summary>
/// Looks at messages one after the other, from a bus or a file: keeps who is who and which calls wait, and picks those that are asked for. What ends a call that
/// was picked is picked too.
/// </summary>
internal sealed class Sight
{
    private const int MostKept = 10_000;

    private readonly PeerBook _peers;
    private readonly TrafficFilter _filter;
    private readonly CallBook _calls = new();
    private readonly List<EndedCall> _unanswered = [];
    private ulong _now;

    /// <param name="peers">Who is who.</param>
    /// <param name="filter">What is asked for.</param>
    public Sight(PeerBook peers, TrafficFilter filter)
    {
        (_peers, _filter) = (peers, filter);
        _calls.OnUnanswered = Keep;
    }

    /// <summary>Calls that were picked and got no answer, the oldest first; those that still wait among them.</summary>
    public IReadOnlyList<EndedCall> Unanswered =>
        [.. _unanswered, .. _calls.Open.Where(static call => call.IsWanted).OrderBy(static call => call.SentNs).Select(call => new EndedCall(call, EndOf(call), _now > call.SentNs ? _now - call.SentNs : 0))];

    /// <summary>Looks at the next one; null: it is not asked for.</summary>
    public Sighting? Look(WatchedMessage message)
    {
        _now = Math.Max(_now, message.MonotonicNs);
        // A name that is given up is still its owner's while that is told.
        bool isWanted = _filter.Matches(message, _peers);
        _peers.Learn(message);
        if (message.Notes.IsState)
            return null;
        isWanted |= _filter.Matches(message, _peers);
        EndedCall? ended = _calls.Take(message, message.Name is { } name ? _peers.OwnerOf(name) : 0, out WatchedCall? call);
        if (message.Kind == MessageKind.Call && call is not null)
            call.IsWanted = isWanted;
        return isWanted || call?.IsWanted == true ? new Sighting(message, ended, _peers) : null;
    }

    private CallEnd EndOf(WatchedCall call) => call.DeadlineNs < _now ? CallEnd.TimedOut : call.IsReceiverGone ? CallEnd.Died : CallEnd.Waiting;

    private void Keep(EndedCall ended)
    {
        if (ended.Call.IsWanted && _unanswered.Count < MostKept)
            _unanswered.Add(ended);
    }
}
