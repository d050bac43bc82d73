namespace Kdbus.Daemon.Cli;

/// <summary>
/// The exit codes of kdbusfs, one for each kind of refusal, so that a script can tell them apart without reading messages. Where
/// sysexits(3) has a code for the case, it is used. The table is what <c>--help</c> prints.
/// </summary>
public static class ExitCode
{
    /// <summary>Mounted and serving, unmounted, or ended by an unmount or a signal.</summary>
    public const int Success = 0;

    /// <summary>The command line or a mount option is wrong.</summary>
    public const int Usage = 64;

    /// <summary>Nothing, or another file system, is mounted where a kdbusfs was to be unmounted.</summary>
    public const int NotKdbusfs = 65;

    /// <summary>The mount point does not exist or is no directory.</summary>
    public const int NoDirectory = 66;

    /// <summary>The kernel offers no FUSE.</summary>
    public const int NoFuse = 69;

    /// <summary>A fault of kdbusfs itself.</summary>
    public const int Internal = 70;

    /// <summary>A system call failed in a way that has no code of its own.</summary>
    public const int System = 71;

    /// <summary>fusermount3 is needed and not installed.</summary>
    public const int NoFusermount = 72;

    /// <summary>The log file cannot be opened.</summary>
    public const int NoLogFile = 73;

    /// <summary>The mount cannot be unmounted because it is in use.</summary>
    public const int InUse = 75;

    /// <summary>A FUSE file system is mounted there already.</summary>
    public const int AlreadyMounted = 76;

    /// <summary>The user may not do this.</summary>
    public const int NotPermitted = 77;

    /// <summary>The kernel is too old, or does not allow the profile asked for.</summary>
    public const int KernelRefuses = 78;

    /// <summary>The background process ended before it was serving.</summary>
    public const int ServerDied = 79;

    /// <summary>PROGRAM cannot be executed.</summary>
    public const int NotExecutable = 126;

    /// <summary>There is no PROGRAM.</summary>
    public const int NotFound = 127;

    /// <summary>Code and meaning of each, in numerical order.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> Table { get; } =
    [
        (Success, "mounted and serving; unmounted; ended by unmount, SIGTERM or SIGINT"),
        (Usage, "wrong command line or mount option"),
        (NotKdbusfs, "unmount: nothing, or another file system, is mounted there"),
        (NoDirectory, "the directory does not exist or is no directory"),
        (NoFuse, "the kernel offers no FUSE (/dev/fuse)"),
        (Internal, "internal error"),
        (System, "a system call failed unexpectedly; the message names it"),
        (NoFusermount, "fusermount3 is needed and not installed"),
        (NoLogFile, "the log file cannot be opened"),
        (InUse, "unmount: still in use; the message names the processes"),
        (AlreadyMounted, "a FUSE file system is mounted there already"),
        (NotPermitted, "not permitted"),
        (KernelRefuses, "the kernel is too old, or does not allow the profile asked for"),
        (ServerDied, "the background process ended before it was serving"),
        (NotExecutable, "run: PROGRAM cannot be executed"),
        (NotFound, "run: PROGRAM is not found; otherwise its own exit code, or 128 + the number of the signal that ended it"),
    ];
}
