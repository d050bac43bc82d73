namespace Kdbus.Client.Internal;

/// <summary>Somebody who takes certain messages before they come into the inbox, such as the typed services of a connection.</summary>
internal interface IMessageRoute
{
    /// <summary>Takes the message, and with it the duty to give it back; or leaves it. Called on the receiving thread.</summary>
    bool TryTake(Message message);

    /// <summary>The connection is at its end.</summary>
    void End(Exception reason);
}
