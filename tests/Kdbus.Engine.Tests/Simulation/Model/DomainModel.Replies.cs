namespace Kdbus.Engine.Tests.Simulation.Model;

/// <summary>Requests: from the slot one takes to the one of many ways in which it ends.</summary>
internal sealed partial class DomainModel
{
    /// <summary>All trackers that run.</summary>
    private readonly List<TrackerModel> _running = [];

    public IEnumerable<ulong> WaitingCalls => _running.Where(tracker => tracker.Waiting != 0).Select(tracker => tracker.Waiting);

    /// <summary>The earliest deadline.</summary>
    public ulong NextDeadline => _running.Count == 0 ? ulong.MaxValue : _running.Min(tracker => tracker.Deadline);

    public void Interrupt(ulong request)
    {
        if (_running.Find(each => each.Waiting == request) is not { } tracker) return;
        tracker.Waiting = 0;
        Complete(tracker, request, Errno.EINTR, entry: null);
    }

    public void Cancel(ulong request)
    {
        if (_running.Find(each => each.Waiting == request) is { } tracker) Fail(tracker, Errno.ECANCELED);
    }

    private bool IsPast(ulong deadline) => deadline >= 1UL << 63 || deadline <= _now.Monotonic;

    private void EndOverdue()
    {
        while (_running.Where(each => each.Deadline <= _now.Monotonic).MinBy(each => each.Deadline) is { } due)
        {
            Fail(due, Errno.ETIMEDOUT);
            if (!due.Synchronous) TellRequester(due.Requester, ItemType.ReplyTimeout, due.Cookie);
        }
    }

    private void Start(TrackerModel tracker, ulong request)
    {
        _running.Add(tracker);
        tracker.Requester.Requests.Add(tracker);
        tracker.Answerer.Expected.Insert(0, tracker);
        tracker.Waiting = tracker.Synchronous ? request : 0;
    }

    /// <summary>Newest first: the request that a reply answers.</summary>
    private static TrackerModel? FindAnswered(ConnectionModel requester, ConnectionModel answerer, ulong cookie) =>
        requester.Requests.FindLast(each => each.Cookie == cookie && each.Answerer == answerer && answerer.Expected.Contains(each));

    private void Take(TrackerModel tracker)
    {
        tracker.Answerer.Expected.Remove(tracker);
        if (!tracker.Synchronous) End(tracker);
    }

    private void FinishCall(TrackerModel tracker, Errno result, EntryModel? answer)
    {
        tracker.Answerer.Expected.Remove(tracker);
        (tracker.Result, tracker.Answer) = (result, answer);
        if (tracker.Waiting == 0) return;
        var request = tracker.Waiting;
        PickUp(tracker);
        Complete(tracker, request, result, answer);
    }

    private void NoAnswer(TrackerModel tracker)
    {
        if (tracker.Synchronous)
        {
            FinishCall(tracker, Errno.EPIPE, answer: null);
            return;
        }

        End(tracker);
        TellRequester(tracker.Requester, ItemType.ReplyDead, tracker.Cookie);
    }

    private void Fail(TrackerModel tracker, Errno result)
    {
        var request = tracker.Waiting;
        End(tracker);
        if (request != 0) Complete(tracker, request, result, entry: null);
    }

    /// <summary>The answer goes to the caller, and with that the tracker ends.</summary>
    private void PickUp(TrackerModel tracker)
    {
        if (tracker.Answer is { } answer)
        {
            PickUp(tracker.Requester, answer, tracker.View, tracker.TakesDescriptors ? WayModel.Sent : WayModel.Missing);
            Settle(tracker.Requester, answer);
            tracker.Answer = null;
        }

        End(tracker);
    }

    private void End(TrackerModel tracker)
    {
        tracker.Ended = true;
        tracker.Waiting = 0;
        if (tracker.Answer is { } unwanted) Settle(tracker.Requester, unwanted);
        tracker.Answer = null;
        tracker.Answerer.Expected.Remove(tracker);
        tracker.Requester.Requests.Remove(tracker);
        _running.Remove(tracker);
        if (!tracker.Queued) tracker.Requester.Slots.Remove(tracker);
    }

    private static void Unqueued(TrackerModel tracker)
    {
        tracker.Queued = false;
        if (tracker.Ended) tracker.Requester.Slots.Remove(tracker);
    }

    private void Complete(TrackerModel tracker, ulong request, Errno result, EntryModel? entry)
    {
        Count($"call ended with {result}");
        if (result == Errno.OK && entry?.Handout is { } handout) Handouts.Add(request, handout);
        var slice = result == Errno.OK ? entry?.Slice : null;
        Completions.Add(new CompletionModel(request, tracker.Requester.Handle.Id, result, result == Errno.EINTR, slice?.Offset ?? 0, slice?.Size ?? 0)
        {
            Entry = result == Errno.OK ? entry : null,
            Caller = tracker.Requester,
        });
    }
}
