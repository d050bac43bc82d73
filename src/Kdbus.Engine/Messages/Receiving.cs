using Kdbus.Abi;
using Kdbus.Engine.Files;
using Kdbus.Engine.Processes;

namespace Kdbus.Engine.Messages;

/// <summary>What an EXCHANGE wants to receive, and how.</summary>
/// <param name="View">From where its caller looks at what it is told.</param>
/// <param name="Way">How it gets at descriptors.</param>
/// <param name="UsesPriority">The most urgent message, instead of the oldest.</param>
/// <param name="Priority">The least urgent priority then.</param>
/// <param name="Messages">The most messages at a time.</param>
internal readonly record struct Wish(ReaderView View, DescriptorWay Way, bool UsesPriority, long Priority, uint Messages);

/// <summary>
/// Brings messages to who receives them by EXCHANGE. What fits goes into the answer and leaves the pool at once. A message that is larger than the
/// room, or brings descriptors, stays in the pool as with RECV, and is then the only one.
/// </summary>
internal static class Receiving
{
    /// <summary>The next message that is wanted, if there is one.</summary>
    public static QueuedMessage? Choose(Connection connection, in Wish wish) =>
        wish.UsesPriority ? connection.Queue.MostUrgent(wish.Priority) : connection.Queue.First;

    /// <summary>Takes as much as is wanted and fits out of the queue, and tells what was lost since the last time.</summary>
    public static Reception Take(
        Domain domain, Connection connection, in Wish wish, Span<byte> room, Instant now, out Handout? handout, out PoolRange published)
    {
        handout = null;
        published = default;
        connection.LastRead = now.Monotonic;
        var answer = new AnswerRoom(room);
        while (answer.Messages < wish.Messages && Choose(connection, wish) is { } message)
        {
            var isAlone = StaysInPool(message, wish.Way, answer);
            if (answer.Messages > 0 && (isAlone || !answer.HasRoomFor(message.Size))) break;
            Hand(domain, connection, message, wish.View, wish.Way, ref answer, out handout, out published);
            Queueing.Remove(domain, connection, message);
            if (isAlone) break;
        }

        var dropped = connection.Dropped;
        connection.Dropped = 0;
        return new Reception(answer.Messages, answer.Bytes, dropped);
    }

    /// <summary>Hands one message over, into an answer that has nothing in it yet or room enough. Whoever calls takes it out of its queue and settles it.</summary>
    public static void Hand(
        Domain domain,
        Connection receiver,
        QueuedMessage message,
        in ReaderView view,
        DescriptorWay way,
        ref AnswerRoom answer,
        out Handout? handout,
        out PoolRange published)
    {
        if (StaysInPool(message, way, answer))
        {
            var info = Queueing.Publish(domain, receiver, message, view, way, out handout);
            published = new PoolRange(info);
            answer.Add(info);
            return;
        }

        handout = null;
        published = default;
        Queueing.WriteMetadata(domain, receiver, message, view);
        var misses = way != DescriptorWay.Declined && message.Metadata.Kinds.HasFlag(AttachFlags.Pidfd);
        var room = answer.Add((int)message.Size, misses ? RecvReturnFlags.IncompleteFds : RecvReturnFlags.None);
        // It is its own pool that the receiver may have changed meanwhile: what it gets is what it has made of it.
        receiver.Pool.Memory.Room(message.Slice.Offset, room.Length).CopyTo(room);
    }

    private static bool StaysInPool(QueuedMessage message, DescriptorWay way, scoped in AnswerRoom answer) =>
        !answer.CanHold(message.Size) || (message.Files != null && way != DescriptorWay.Declined);
}
