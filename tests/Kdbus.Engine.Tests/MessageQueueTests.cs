using CsCheck;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Tests;

/// <summary>The queue beside a list: arrival order, and among the most urgent the oldest.</summary>
public sealed class MessageQueueTests
{
    private static readonly Gen<(int Step, long Number)[]> Schedules =
        Gen.Select(Gen.Int[0, 5], Gen.Frequency((8, Gen.Long[-3, 3]), (1, Gen.OneOf(Gen.Const(long.MinValue), Gen.Const(long.MaxValue))))).Array[0, 200];

    [Fact]
    public void It_keeps_the_order_of_arrival_and_finds_the_most_urgent() => Schedules.Sample(schedule =>
    {
        var queue = new MessageQueue();
        var list = new List<QueuedMessage>();
        foreach (var (step, number) in schedule)
        {
            if (step < 4)
            {
                var message = new QueuedMessage { Priority = number };
                queue.Append(message);
                list.Add(message);
            }
            else if (list.Count > 0)
            {
                var removed = step == 4 ? list[0] : list[(int)((ulong)number % (ulong)list.Count)];
                queue.Remove(removed);
                list.Remove(removed);
            }

            Assert.Equal(list.Count, queue.Count);
            Assert.Same(list.FirstOrDefault(), queue.First);
            if (step == 0) continue; // the order by urgency begins when it is first asked for
            Assert.Same(list.Where(message => message.Priority <= number).MinBy(message => message.Priority), queue.MostUrgent(number));
        }

        foreach (var message in list)
        {
            Assert.Same(message, queue.First);
            queue.Remove(message);
        }

        Assert.Null(queue.First);
        Assert.Null(queue.MostUrgent(long.MaxValue));
    });

    /// <summary>Looked through each time, this would take minutes.</summary>
    [Theory]
    [CombinatorialBooleans(1)]
    public void Half_a_million_messages_are_taken_by_urgency_in_a_moment(bool ascending)
    {
        const int count = 500_000;
        var queue = new MessageQueue();
        for (var i = 0; i < count; i++) queue.Append(new QueuedMessage { Priority = ascending ? i / 2 : -i / 2 });

        var last = long.MinValue;
        for (var i = 0; i < count; i++)
        {
            var next = queue.MostUrgent(long.MaxValue)!;
            Assert.True(next.Priority >= last);
            last = next.Priority;
            queue.Remove(next);
        }

        Assert.Equal(0, queue.Count);
    }
}
