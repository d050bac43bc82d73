using CsCheck;
using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Tests;

/// <summary>The queue beside a list: arrival order, and among the most urgent the oldest.</summary>
public sealed class MessageQueueTests
{
    private static readonly Gen<(int Step, long Number)[]> Schedules =
        Gen.Select(Gen.Int[0, 4], Gen.Frequency((8, Gen.Long[-3, 3]), (1, Gen.OneOf(Gen.Const(long.MinValue), Gen.Const(long.MaxValue))))).Array[0, 200];

    [Fact]
    public void It_keeps_the_order_of_arrival_and_finds_the_most_urgent() => Schedules.Sample(schedule =>
    {
        var queue = new MessageQueue();
        var list = new List<QueuedMessage>();
        foreach (var (step, number) in schedule)
        {
            if (step < 3)
            {
                var message = new QueuedMessage { Priority = number };
                queue.Append(message);
                list.Add(message);
            }
            else if (list.Count > 0)
            {
                var removed = step == 3 ? list[0] : list[(int)((ulong)number % (ulong)list.Count)];
                queue.Remove(removed);
                list.Remove(removed);
            }

            Assert.Equal(list.Count, queue.Count);
            Assert.Same(list.FirstOrDefault(), queue.First);
            Assert.Same(list.Where(message => message.Priority <= number).MinBy(message => message.Priority), queue.MostUrgent(number));
        }

        foreach (var message in list)
        {
            Assert.Same(message, queue.First);
            queue.Remove(message);
        }

        Assert.Null(queue.First);
    });
}
