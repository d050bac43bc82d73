namespace Kdbus.Engine.Requests;

/// <summary>What ends at some time unless it ends before.</summary>
internal interface IHasDeadline
{
    /// <summary>CLOCK_MONOTONIC time, nanoseconds.</summary>
    ulong Deadline { get; }

    /// <summary>Place in the <see cref="DeadlineHeap{T}"/>, or -1.</summary>
    int HeapIndex { get; set; }
}

/// <summary>Calls by deadline: a binary heap whose entries know their place, so that one that has ended leaves at once.</summary>
internal sealed class DeadlineHeap<T>
    where T : class, IHasDeadline
{
    private readonly List<T> _heap = [];

    /// <summary>The earliest deadline, or <see cref="ulong.MaxValue"/>.</summary>
    public ulong Earliest => _heap.Count == 0 ? ulong.MaxValue : _heap[0].Deadline;

    public void Add(T call)
    {
        _heap.Add(call);
        Rise(_heap.Count - 1, call);
    }

    public void Remove(T call)
    {
        var index = call.HeapIndex;
        if (index < 0) return;
        call.HeapIndex = -1;

        var last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (last == call) return;
        if (index > 0 && last.Deadline < _heap[(index - 1) / 2].Deadline) Rise(index, last);
        else Sink(index, last);
    }

    /// <summary>Takes out the call of the earliest deadline if that is not after <paramref name="now"/>.</summary>
    public T? TakeDue(ulong now)
    {
        if (Earliest > now || _heap.Count == 0) return null;
        var due = _heap[0];
        Remove(due);
        return due;
    }

    private void Rise(int index, T call)
    {
        while (index > 0)
        {
            var parent = (index - 1) / 2;
            if (_heap[parent].Deadline <= call.Deadline) break;
            Place(index, _heap[parent]);
            index = parent;
        }

        Place(index, call);
    }

    private void Sink(int index, T call)
    {
        while (true)
        {
            var child = (2 * index) + 1;
            if (child >= _heap.Count) break;
            if (child + 1 < _heap.Count && _heap[child + 1].Deadline < _heap[child].Deadline) child++;
            if (_heap[child].Deadline >= call.Deadline) break;
            Place(index, _heap[child]);
            index = child;
        }

        Place(index, call);
    }

    private void Place(int index, T call)
    {
        _heap[index] = call;
        call.HeapIndex = index;
    }
}
