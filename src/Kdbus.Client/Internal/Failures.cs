using Kdbus.Abi;
using Kdbus.Linux;

namespace Kdbus.Client.Internal;

/// <summary>What the bus says, as exceptions: which of the kinds it is, and what to do about it. The one place that knows both.</summary>
internal static class Failures
{
    /// <summary>A command failed.</summary>
    /// <param name="operation">What was asked, as it follows "cannot": "send to org.example.Clock".</param>
    /// <param name="result">-errno.</param>
    public static BusException Refused(string operation, int result)
    {
        var error = (Errno)(-result);
        return error switch
        {
            Errno.ETIMEDOUT => new PeerFailedException(PeerFailure.TimedOut, BusErrors.TimedOut, $"Cannot {operation}: no answer came until the deadline."),
            Errno.EPIPE => new PeerFailedException(PeerFailure.Died, BusErrors.Died, $"Cannot {operation}: the peer went away before it answered."),
            Errno.ECONNRESET or Errno.ESHUTDOWN or (Errno)SystemError.ENOTCONN or (Errno)SystemError.ECONNABORTED => Broken(operation, result),
            _ => new BusRefusedException(operation, error, $"Cannot {operation}: the bus said {error}. {Advice(operation, error)}"),
        };
    }

    /// <summary>The connection is at its end.</summary>
    public static BusBrokenException Broken(string operation, int result) =>
        new($"Cannot {operation}: the connection is at its end ({NameOf(-result)}); the bus or its endpoint was removed, or the domain unmounted.");

    // Two of the kernel's, for a file whose server has gone, are none of the bus.
    private static string NameOf(int error) => error switch
    {
        SystemError.ENOTCONN => nameof(SystemError.ENOTCONN),
        SystemError.ECONNABORTED => nameof(SystemError.ECONNABORTED),
        _ => ((Errno)error).ToString(),
    };

    /// <summary>The bus says that there will be no answer.</summary>
    public static PeerFailedException NoAnswer(PeerFailure failure, Destination destination) =>
        failure == PeerFailure.TimedOut
            ? new PeerFailedException(failure, BusErrors.TimedOut, $"{destination} did not answer until the deadline.")
            : new PeerFailedException(failure, BusErrors.Died, $"{destination} went away before it answered.");

    private static string Advice(string operation, Errno error) => error switch
    {
        Errno.EPERM when operation.StartsWith("acquire", StringComparison.Ordinal) => "The policy does not let you own this name: an entry with OWN for your user or group is needed.",
        Errno.EPERM when operation.StartsWith("reply", StringComparison.Ordinal) => "Nobody waits for this answer any more: it came too late, or was given already.",
        Errno.EPERM => "The policy does not allow it: an entry with TALK for your user or group is needed.",
        Errno.EACCES => "The permissions of the file do not let you in.",
        Errno.ENOENT => "There is no such file; is the domain mounted, and has the bus been made?",
        Errno.ESRCH => "Nobody owns this name; wait for it with WatchNameAsync, or install an activator.",
        Errno.ENXIO => "There is no connection of this id (any more).",
        Errno.EREMCHG => "The name belongs to another connection than the one given.",
        Errno.EADDRNOTAVAIL => "Nobody but an activator owns the name, and NoAutoStart says not to wake it.",
        Errno.EEXIST => "Somebody has it already.",
        Errno.EALREADY => "You have it already.",
        Errno.EADDRINUSE => "It belongs to somebody else.",
        Errno.ENOBUFS => "The receiver has too much unread from you; send less, or use SendAsync, which waits for room.",
        Errno.EXFULL => "The receiver's pool has no room for it.",
        Errno.EMLINK => "Too many requests of this connection wait for answers.",
        Errno.EMSGSIZE => "It is too large; use a MemfdPayload.",
        Errno.E2BIG => "There is too much of it.",
        Errno.ECOMM => "The receiver does not accept descriptors.",
        Errno.EMFILE => "Too many of them, here or in the receiver's queue.",
        Errno.EOPNOTSUPP => "It cannot be done with this kind of connection, or with such a descriptor.",
        Errno.ENOTTY => "This is no file of a kdbusfs domain, or it does not know the command.",
        Errno.EBADFD => "The file is no connection.",
        Errno.ECONNREFUSED => "The bus requires metadata that you do not allow to be sent: give more in BusConnectionOptions.SendMetadata.",
        _ => "",
    };

    /// <summary>Throws if a command failed.</summary>
    public static void Check(int result, string operation)
    {
        if (result < 0)
            throw Refused(operation, result);
    }
}
