namespace Kdbus.Client;

/// <summary>The bus did its part, and the other side failed: it answered with an error, did not answer in time, or is gone.</summary>
public class PeerFailedException : BusException
{
    /// <summary>An error that a service answers with: thrown by its handler, it crosses the bus and is thrown again by the caller's call.</summary>
    /// <param name="errorName">What kind of error, in the form of a well-known name: <c>org.example.Clock.Error.TooEarly</c>.</param>
    /// <param name="message">For people.</param>
    public PeerFailedException(string errorName, string message)
        : this(PeerFailure.Error, errorName, message)
    {
    }

    internal PeerFailedException(PeerFailure failure, string errorName, string message)
        : base(message)
    {
        Failure = failure;
        ErrorName = errorName;
    }

    /// <summary>How it failed.</summary>
    public PeerFailure Failure { get; }

    /// <summary>What kind of error; <see cref="BusErrors"/> has those that do not come from a service's own code.</summary>
    public string ErrorName { get; }
}

/// <summary>How a peer failed.</summary>
public enum PeerFailure
{
    /// <summary>It answered, with an error.</summary>
    Error,

    /// <summary>It did not answer until the deadline.</summary>
    TimedOut,

    /// <summary>It, or its name, went away before it answered.</summary>
    Died,
}

/// <summary>Names of errors that the client library itself answers and throws.</summary>
public static class BusErrors
{
    /// <summary>No answer until the deadline.</summary>
    public const string TimedOut = "org.kdbusfs.Error.TimedOut";

    /// <summary>Who should have answered is gone.</summary>
    public const string Died = "org.kdbusfs.Error.Died";

    /// <summary>The call was cancelled by its caller, and the service has stopped working at it.</summary>
    public const string Canceled = "org.kdbusfs.Error.Canceled";

    /// <summary>The service's handler threw something that was not meant for the caller.</summary>
    public const string Unhandled = "org.kdbusfs.Error.Unhandled";

    /// <summary>The service does not have the interface.</summary>
    public const string UnknownInterface = "org.kdbusfs.Error.UnknownInterface";

    /// <summary>The interface, in the version of the service, does not have the member.</summary>
    public const string UnknownMember = "org.kdbusfs.Error.UnknownMember";

    /// <summary>The request, or the answer to it, is not what the other side can read.</summary>
    public const string Malformed = "org.kdbusfs.Error.Malformed";

    /// <summary>The stream is over, or never was.</summary>
    public const string UnknownStream = "org.kdbusfs.Error.UnknownStream";

    /// <summary>The client has as many streams open as the service allows.</summary>
    public const string TooManyStreams = "org.kdbusfs.Error.TooManyStreams";
}
