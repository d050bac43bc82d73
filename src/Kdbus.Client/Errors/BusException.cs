namespace Kdbus.Client;

/// <summary>
/// Something went wrong on the bus. Which of three it was tells the class: <see cref="BusRefusedException"/>, the bus said no;
/// <see cref="PeerFailedException"/>, the other side failed; <see cref="BusBrokenException"/>, the connection is no more. Wrong use of this
/// library is an <see cref="ArgumentException"/>, <see cref="InvalidOperationException"/> or <see cref="ObjectDisposedException"/>.
/// </summary>
public abstract class BusException : Exception
{
    private protected BusException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
