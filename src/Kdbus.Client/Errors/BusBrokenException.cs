namespace Kdbus.Client;

/// <summary>The connection is no more: the bus or the endpoint was removed, or the domain unmounted. A new connection is needed.</summary>
public sealed class BusBrokenException : BusException
{
    internal BusBrokenException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
