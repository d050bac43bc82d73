using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Names;

/// <summary>
/// What was sent to a name goes with the name, between its activator and those it stands in for: messages that nobody has
/// received yet, and the permission to answer requests.
/// </summary>
internal static class HandOver
{
    /// <summary>Moves messages and trackers of the name in their order; a message that finds no room is lost and counted.</summary>
    public static void Move(Domain domain, Connection from, Connection to, NameEntry name)
    {
        // Nobody receives anything any more on a bus that ends.
        if (!to.Bus.Alive) return;
        MoveTrackers(from, to, name);
        foreach (var delivery in name.InFlight)
        {
            if (delivery.Destination == from) delivery.Destination = to;
        }

        for (var message = from.Queue.First; message != null;)
        {
            var next = message.Next;
            if (message.Name == name) Move(domain, from, to, message);
            message = next;
        }
    }

    /// <summary>
    /// The payload of a message to a name has been copied, and meanwhile the name has gone to another connection: so does the
    /// message. False if that has no room for it.
    /// </summary>
    public static bool Redirect(Domain domain, Delivery delivery)
    {
        if (Queueing.Rehome(domain, delivery.Receiver, delivery.Destination, delivery.Message)) return true;
        Lose(domain, delivery.Destination, delivery.Message);
        return false;
    }

    private static void Move(Domain domain, Connection from, Connection to, QueuedMessage message)
    {
        from.Queue.Remove(message);
        if (Queueing.Rehome(domain, from, to, message)) Queueing.Append(domain, to, message);
        else Lose(domain, to, message);
    }

    /// <summary>The request's slot is free when its tracker ends; the tracker lives on.</summary>
    private static void Lose(Domain domain, Connection to, QueuedMessage message)
    {
        if (message.Request is { } tracker) domain.Replies.Unqueued(tracker);
        Queueing.Forget(domain, message);
        Queueing.Lose(domain, to);
    }

    /// <summary>A request that the new owner itself had sent to the name stays with the old one: nobody answers himself.</summary>
    private static void MoveTrackers(Connection from, Connection to, NameEntry name)
    {
        for (var tracker = from.Expected.First; tracker != null;)
        {
            var next = tracker.NextExpected;
            if (tracker.Name == name && tracker.Requester != to)
            {
                from.Expected.Remove(tracker);
                tracker.Answerer = to;
                to.Expected.Add(tracker);
            }

            tracker = next;
        }
    }
}
