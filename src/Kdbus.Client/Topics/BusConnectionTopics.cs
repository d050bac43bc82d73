using Kdbus.Client.Services.Wire;

namespace Kdbus.Client;

/// <summary>Signals of topics.</summary>
public static class BusConnectionTopics
{
    /// <summary>Sends a signal to everybody who has subscribed to its topic, or to one above it.</summary>
    /// <param name="connection">Who sends it.</param>
    /// <param name="topic">What it is about.</param>
    /// <param name="value">What it says.</param>
    /// <param name="to">One connection or name, if it has subscribed; the default is everybody.</param>
    /// <exception cref="BusRefusedException">As for <see cref="BusConnection.Emit"/>.</exception>
    public static void Emit<T>(this BusConnection connection, Topic<T> topic, T value, Destination to = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(topic);
        PayloadWriter writer = PayloadWriter.Rent();
        SignalHeader.Write(writer, topic.Serializer.Id, topic.Utf8Name);
        topic.Serializer.Write(writer, value);
        connection.Emit(topic.FilterFor(connection.Bloom), writer.Written, to, new MessageOptions { PayloadType = PayloadTypes.Signal });
        writer.Return();
    }

    /// <summary>Receives the signals of a topic and of those below it. Values that cannot be read are left out, and counted in <see cref="Topic{T}.Unreadable"/>.</summary>
    /// <param name="connection">Who receives them.</param>
    /// <param name="topic">What they are about.</param>
    /// <param name="capacity">How many may wait to be taken.</param>
    public static Subscription<Signal<T>> Subscribe<T>(this BusConnection connection, Topic<T> topic, int capacity = 4096)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(topic);
        return connection.Subscribe(MatchRule.Signals(connection.Bloom.NewBits().Add(topic.Name)), capacity, topic.Read);
    }
}
