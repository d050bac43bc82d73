using CsCheck;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Tests;

/// <summary>The heap beside a list that is searched from end to end.</summary>
public sealed class DeadlineHeapTests
{
    private static readonly Gen<(int Step, ulong Number)[]> Schedules = Gen.Select(Gen.Int[0, 3], Gen.ULong[0, 50]).Array[0, 300];

    [Fact]
    public void It_gives_the_earliest_and_forgets_what_is_removed() => Schedules.Sample(schedule =>
    {
        var heap = new DeadlineHeap<ReplyTracker>();
        var list = new List<ReplyTracker>();
        foreach (var (step, number) in schedule)
        {
            switch (step)
            {
                case 0 or 1:
                    var added = new ReplyTracker { Deadline = number };
                    heap.Add(added);
                    list.Add(added);
                    break;
                case 2 when list.Count > 0:
                    var removed = list[(int)number % list.Count];
                    heap.Remove(removed);
                    heap.Remove(removed); // twice is once
                    list.Remove(removed);
                    break;
                default:
                    Take(heap, list, number);
                    break;
            }

            Assert.Equal(list.Count == 0 ? ulong.MaxValue : list.Min(tracker => tracker.Deadline), heap.Earliest);
        }

        while (list.Count > 0) Take(heap, list, ulong.MaxValue);
        Assert.Null(heap.TakeDue(ulong.MaxValue));
    });

    private static void Take(DeadlineHeap<ReplyTracker> heap, List<ReplyTracker> list, ulong now)
    {
        var due = heap.TakeDue(now);
        if (list.Count == 0 || list.Min(tracker => tracker.Deadline) > now)
        {
            Assert.Null(due);
            return;
        }

        Assert.NotNull(due);
        Assert.Equal(list.Min(tracker => tracker.Deadline), due.Deadline);
        Assert.True(list.Remove(due));
        Assert.Equal(-1, due.HeapIndex);
    }
}
