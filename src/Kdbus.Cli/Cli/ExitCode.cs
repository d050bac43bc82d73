namespace Kdbus.Cli;

/// <summary>Exit codes of kdbusctl; those of kdbusfs where they mean the same. The help and the manual page are made from the table.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>Done, and the answer is no.</summary>
    public const int No = 1;

    /// <summary>Wrong command line.</summary>
    public const int Usage = 64;

    /// <summary>What was given as input cannot be read.</summary>
    public const int BadInput = 65;

    /// <summary>What was named is not there.</summary>
    public const int NotFound = 66;

    /// <summary>There is no bus to talk to, or it ended in the middle.</summary>
    public const int NoBus = 69;

    /// <summary>A fault of kdbusctl itself.</summary>
    public const int Internal = 70;

    /// <summary>The bus, or the system, refused.</summary>
    public const int Refused = 71;

    /// <summary>The other side failed.</summary>
    public const int PeerFailed = 72;

    /// <summary>An output file cannot be written.</summary>
    public const int CannotWrite = 73;

    /// <summary>Time was up.</summary>
    public const int TimedOut = 75;

    /// <summary>Not permitted.</summary>
    public const int NotPermitted = 77;

    /// <summary>Whoever read the output went away, as with <c>| head</c>: 128 + SIGPIPE.</summary>
    public const int NobodyReads = 141;

    /// <summary>Each code with its meaning.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> Table { get; } =
    [
        (Success, "done"),
        (No, "done, and the answer is no: denied, blocked, something is missing (doctor), the replies differ (replay)"),
        (Usage, "wrong command line"),
        (BadInput, "a payload, a policy or a capture cannot be read"),
        (NotFound, "there is no such domain, bus, endpoint, connection, name or file"),
        (NoBus, "no domain is mounted, there is no bus, or it ended in the middle"),
        (Internal, "a fault of kdbusctl"),
        (Refused, "the bus or the system refused; the message has its errno"),
        (PeerFailed, "the other side answered with an error, or went away"),
        (CannotWrite, "an output file cannot be written"),
        (TimedOut, "time was up"),
        (NotPermitted, "not permitted"),
        (127, "mount, unmount, run: there is no kdbusfs; otherwise its own exit codes"),
        (130, "ended by Ctrl-C before it was done; 143: by SIGTERM"),
        (NobodyReads, "whoever read the output went away"),
    ];
}
