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
        connection.Alive = false;
        connection.Bus.Remove(connection);
        domain.Replies.RequesterGone(connection);
        Discard(connection);
        while (connection.Expected.First is { } tracker) domain.Replies.NoAnswer(tracker, now);
        domain.Effects.Wake(connection.Handle.Id);
    }

    private static void Discard(Connection connection)
    {
        while (connection.Queue.First is { } message) Queueing.Remove(connection, message);
    }
}
