using Kdbus.Engine.Messages;

namespace Kdbus.Engine;

/// <summary>
/// The end of a connection, by close, BYEBYE, or the end of its endpoint or bus: everything that others can see of it is
/// gone when this returns. Doing it twice does nothing.
/// </summary>
internal static class Disconnection
{
    public static void Run(Domain domain, Connection connection, Instant now)
    {
        if (!connection.Alive) return;
        var bus = connection.Bus;
        connection.Alive = false;
        connection.Matches.Clear();
        bus.Policy.Remove(connection);
        bus.Remove(connection);
        bus.Names.Leave(connection, now);
        while (connection.Queue.First is { } message) Queueing.Remove(domain, connection, message);
        domain.WaitingCalls.ConnectionGone(connection);
        domain.Replies.RequesterGone(connection);
        while (connection.Expected.First is { } tracker) domain.Replies.NoAnswer(tracker, now);
        Notifications.IdRemoved(domain, connection, now);
        domain.Effects.Wake(connection.Handle.Id);
    }
}
