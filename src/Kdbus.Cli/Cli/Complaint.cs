using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>What went wrong, for people: what was tried, what the bus answered, what to try next; and the exit code. The one place that makes it of exceptions.</summary>
internal sealed record Complaint(int Code, string Message, string? Hint)
{
    /// <summary>Two lines at most.</summary>
    public override string ToString() => Hint is null ? $"kdbusctl: {Message}\n" : $"kdbusctl: {Message}\n  {Hint}\n";

    /// <summary>What to say of an exception; null if it is a fault of this program.</summary>
    public static Complaint? Of(Exception exception) => exception switch
    {
        CommandException failure => new Complaint(failure.Code, failure.Message, failure.Hint),
        BusRefusedException refused => new Complaint(
            CodeOf(refused.Error), $"cannot {refused.Operation}: the bus answered {refused.Error}{Meaning(refused.Operation, refused.Error)}", Advice(refused.Operation, refused.Error)),
        PeerFailedException { Failure: PeerFailure.TimedOut } late => new Complaint(
            ExitCode.TimedOut, Sentence(late.Message), "give it longer with --timeout; 'kdbusctl why-blocked' and 'kdbusctl top' tell whether it reads at all"),
        PeerFailedException { Failure: PeerFailure.Died } died => new Complaint(
            ExitCode.PeerFailed, Sentence(died.Message), "'kdbusctl list' shows who is there now"),
        PeerFailedException failed => new Complaint(ExitCode.PeerFailed, $"the answer is an error: {failed.ErrorName}: {Escaped.Text(failed.Message)}", null),
        BusBrokenException broken => new Complaint(ExitCode.NoBus, Sentence(broken.Message), "'kdbusctl domains' shows what is mounted"),
        UnauthorizedAccessException denied => new Complaint(ExitCode.NotPermitted, Sentence(denied.Message), null),
        FileNotFoundException or DirectoryNotFoundException => new Complaint(ExitCode.NotFound, Sentence(exception.Message), null),
        IOException io => new Complaint(ExitCode.Refused, Sentence(io.Message), null),
        _ => null,
    };

    /// <summary>A message of somebody else as part of ours: begun small, ended without a full stop, in one line.</summary>
    private static string Sentence(string message)
    {
        string text = Escaped.Text(string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.'));
        return text.StartsWith("Cannot ", StringComparison.Ordinal) ? $"c{text[1..]}" : text;
    }

    private static int CodeOf(Errno error) => error switch
    {
        Errno.EPERM or Errno.EACCES => ExitCode.NotPermitted,
        Errno.ENOENT or Errno.ESRCH or Errno.ENXIO => ExitCode.NotFound,
        _ => ExitCode.Refused,
    };

    private static string Meaning(string operation, Errno error) => error switch
    {
        Errno.EPERM => " (not permitted)",
        Errno.EACCES => " (the permissions of the file do not let you in)",
        Errno.ENOENT => " (there is no such file)",
        Errno.ESRCH when operation.StartsWith("connect", StringComparison.Ordinal) => "",
        Errno.ESRCH => " (nobody owns this name)",
        Errno.ENXIO => " (there is no such connection)",
        Errno.EEXIST => " (it is there already)",
        Errno.EALREADY => " (you have it already)",
        Errno.EADDRINUSE => " (it belongs to somebody else)",
        Errno.ENOBUFS => " (the receiver has too much unread from you)",
        Errno.EXFULL => " (the receiver's pool is full)",
        Errno.EMSGSIZE => " (too large)",
        Errno.EMFILE => " (too many)",
        Errno.E2BIG => " (too much of it)",
        Errno.ECOMM => " (the receiver accepts no descriptors)",
        Errno.ENOTTY => " (this is no file of a kdbusfs domain, or its server is older)",
        Errno.ECONNREFUSED => " (the bus requires metadata that was not granted)",
        Errno.EADDRNOTAVAIL => " (only an activator owns the name, and it may not be woken)",
        _ => "",
    };

    private static string? Advice(string operation, Errno error) => error switch
    {
        Errno.EPERM when operation.StartsWith("acquire", StringComparison.Ordinal) => "the policy has to let you OWN it: 'kdbusctl policy check' shows what it says",
        Errno.EPERM when operation.StartsWith("send", StringComparison.Ordinal) || operation.StartsWith("call", StringComparison.Ordinal) =>
            "the policy has to let you TALK to it: 'kdbusctl why-denied' shows what it says",
        Errno.EPERM or Errno.EACCES => "try as the owner of the bus, or as root",
        Errno.ENOENT => "'kdbusctl domains' shows what is mounted, 'kdbusctl tree' which buses there are",
        Errno.ESRCH => "'kdbusctl wait NAME' waits until somebody does; 'kdbusctl list' shows who is there",
        Errno.ENXIO => "'kdbusctl list' shows who is there",
        Errno.EADDRINUSE or Errno.EEXIST => "'kdbusctl list' shows whose it is",
        Errno.ENOBUFS or Errno.EXFULL => "'kdbusctl why-blocked ID' shows what lies there",
        Errno.EMSGSIZE => "--memfd sends it in a sealed memfd, without a limit",
        Errno.EMFILE => "'kdbusctl why-blocked ID' shows what lies there; limits are options of the mount",
        Errno.ECONNREFUSED => "grant it with --send-metadata all",
        _ => null,
    };
}
