namespace Kdbus.Engine.Requests;

/// <summary>Trackers by deadline: a binary heap whose entries know their place, so that an answered one leaves at once.</summary>
internal sealed class DeadlineHeap
{
    private readonly List<ReplyTracker> _heap = [];

    /// <summary>The earliest deadline, or <see cref="ulong.MaxValue"/>.</summary>
    public ulong Earliest => _heap.Count == 0 ? ulong.MaxValue : _heap[0].Deadline;

    public void Add(ReplyTracker tracker)
    {
        _heap.Add(tracker);
        Rise(_heap.Count - 1, tracker);
    }

    public void Remove(ReplyTracker tracker)
    {
        var index = tracker.HeapIndex;
        if (index < 0) return;
        tracker.HeapIndex = -1;

        var last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (last == tracker) return;
        if (index > 0 && last.Deadline < _heap[(index - 1) / 2].Deadline) Rise(index, last);
        else Sink(index, last);
    }

    /// <summary>Takes out the tracker of the earliest deadline if that is not after <paramref name="now"/>.</summary>
    public ReplyTracker? TakeDue(ulong now)
    {
        if (Earliest > now || _heap.Count == 0) return null;
        var due = _heap[0];
        Remove(due);
        return due;
    }

    private void Rise(int index, ReplyTracker tracker)
    {
        while (index > 0)
        {
            var parent = (index - 1) / 2;
            if (_heap[parent].Deadline <= tracker.Deadline) break;
            Place(index, _heap[parent]);
            index = parent;
        }

        Place(index, tracker);
    }

    private void Sink(int index, ReplyTracker tracker)
    {
        while (true)
        {
            var child = (2 * index) + 1;
            if (child >= _heap.Count) break;
            if (child + 1 < _heap.Count && _heap[child + 1].Deadline < _heap[child].Deadline) child++;
            if (_heap[child].Deadline >= tracker.Deadline) break;
            Place(index, _heap[child]);
            index = child;
        }

        Place(index, tracker);
    }

    private void Place(int index, ReplyTracker tracker)
    {
        _heap[index] = tracker;
        tracker.HeapIndex = index;
    }
}
