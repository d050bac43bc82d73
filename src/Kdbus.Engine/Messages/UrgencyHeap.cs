namespace Kdbus.Engine.Messages;

/// <summary>
/// Messages by urgency, and equally urgent ones by age: a binary heap whose messages know their place, so that one that leaves the queue
/// in another order leaves here at once.
/// </summary>
internal sealed class UrgencyHeap
{
    private readonly List<Entry> _heap = [];
    private ulong _arrivals;

    /// <summary>The most urgent one, or null.</summary>
    public QueuedMessage? First => _heap.Count == 0 ? null : _heap[0].Message;

    /// <summary>How many there is room for.</summary>
    public int Capacity => _heap.Capacity;

    /// <summary>One that is younger than all others.</summary>
    public void Add(QueuedMessage message)
    {
        var entry = new Entry(message.Priority, ++_arrivals, message);
        _heap.Add(entry);
        Rise(_heap.Count - 1, entry);
    }

    public void Remove(QueuedMessage message)
    {
        var index = message.UrgencyIndex;
        var last = _heap[^1];
        _heap.RemoveAt(_heap.Count - 1);
        if (last.Message == message) return;
        if (index > 0 && last.IsBefore(_heap[(index - 1) / 2])) Rise(index, last);
        else Sink(index, last);
    }

    private void Rise(int index, in Entry entry)
    {
        while (index > 0)
        {
            var parent = (index - 1) / 2;
            if (!entry.IsBefore(_heap[parent])) break;
            Place(index, _heap[parent]);
            index = parent;
        }

        Place(index, entry);
    }

    private void Sink(int index, in Entry entry)
    {
        while (true)
        {
            var child = (2 * index) + 1;
            if (child >= _heap.Count) break;
            if (child + 1 < _heap.Count && _heap[child + 1].IsBefore(_heap[child])) child++;
            if (!_heap[child].IsBefore(entry)) break;
            Place(index, _heap[child]);
            index = child;
        }

        Place(index, entry);
    }

    private void Place(int index, in Entry entry)
    {
        _heap[index] = entry;
        entry.Message.UrgencyIndex = index;
    }

    /// <param name="Priority">The smaller the more urgent.</param>
    /// <param name="Arrival">The smaller the older.</param>
    /// <param name="Message">The message.</param>
    private readonly record struct Entry(long Priority, ulong Arrival, QueuedMessage Message)
    {
        public bool IsBefore(in Entry other) => Priority != other.Priority ? Priority < other.Priority : Arrival < other.Arrival;
    }
}
