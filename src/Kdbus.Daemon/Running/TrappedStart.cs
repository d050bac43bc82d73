using System.Globalization;
using System.Text;
using Kdbus.Daemon.Cli;
using Kdbus.Linux;

namespace Kdbus.Daemon.Running;

/// <summary>
/// The process that becomes PROGRAM: it sets the trap for itself, hands the listener to the process that started it, puts signals back, and
/// executes. It says itself what goes wrong.
/// </summary>
internal static class TrappedStart
{
    /// <summary>The hidden command by which it is started, and how many numbers follow before PROGRAM.</summary>
    internal const string Command = "run-trapped";
    private const int Numbers = 3;

    // With SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV.
    private static readonly Version s_oldestKernel = new(5, 19);

    // kdbusfs run-trapped
    private const int Words = 2;

    /// <summary>The arguments that have another process do this, each with its NUL.</summary>
    /// <param name="socket">Where it finds the socket that takes the listener.</param>
    /// <param name="signals">What PROGRAM is to find ignored and blocked.</param>
    /// <param name="program">PROGRAM and its arguments.</param>
    internal static byte[][] Arguments(int socket, in SignalMasks signals, ReadOnlySpan<byte[]> program)
    {
        string[] own =
        [
            "kdbusfs",
            Command,
            socket.ToString(CultureInfo.InvariantCulture),
            signals.Ignored.ToString(CultureInfo.InvariantCulture),
            signals.Blocked.ToString(CultureInfo.InvariantCulture),
        ];
        return [.. own.Select(static word => Encoding.ASCII.GetBytes(word + '\0')), .. program];
    }

    /// <summary>Does it. Returns only if PROGRAM cannot be executed: the exit code; what is wrong has been printed.</summary>
    internal static int Run(string[] arguments)
    {
        if (arguments.Length <= 1 + Numbers
            || !int.TryParse(arguments[1], CultureInfo.InvariantCulture, out int socket)
            || !ulong.TryParse(arguments[2], CultureInfo.InvariantCulture, out ulong ignored)
            || !ulong.TryParse(arguments[3], CultureInfo.InvariantCulture, out ulong blocked)
            || CurrentProcess.ReadArguments(out byte[][] bytes) < 0
            || bytes.Length <= Words + Numbers)
            return StandardError.Print(new Failure(ExitCode.Usage, $"'{Command}' is not for users", "see kdbusfs run --help"));

        int listener = Trap.Set();
        int sent = listener < 0 ? listener : DescriptorSocket.Send(socket, listener);
        if (sent < 0)
            return StandardError.Print(Refusal(sent));
        _ = FileDescriptor.Close(listener);
        _ = FileDescriptor.Close(socket);
        return Execute(bytes.AsSpan(Words + Numbers), ignored, blocked);
    }

    /// <summary>Becomes PROGRAM, as env(1) does it. Returns only if that is not possible: the exit code; what is wrong has been
    /// printed.</summary>
    internal static int Execute(ReadOnlySpan<byte[]> program, ulong ignored, ulong blocked)
    {
        Signals.SetForExec(ignored, blocked);
        int error = CurrentProcess.Execute(program);
        string name = Encoding.UTF8.GetString(program[0].AsSpan()[..^1]);
        int code = error == -SystemError.ENOENT ? ExitCode.NotFound : ExitCode.NotExecutable;
        return StandardError.Print(new Failure(code, $"cannot run '{name}': {SystemError.Describe(error)}"));
    }

    private static Failure Refusal(int error) => error switch
    {
        -SystemError.EBUSY => new Failure(
            ExitCode.NotPermitted,
            "another program supervises the system calls of this process already, and the kernel allows only one",
            "a container manager may do so: run the whole container by kdbusfs run instead, if that is possible"),
        -SystemError.EINVAL => new Failure(
            ExitCode.KernelRefuses, $"this kernel is {Environment.OSVersion.Version.ToString(2)}, kdbusfs run needs {s_oldestKernel} or newer"),
        -SystemError.ENOSYS => new Failure(ExitCode.KernelRefuses, "this kernel has no seccomp, without which kdbusfs run cannot work"),
        -SystemError.EPERM or -SystemError.EACCES => new Failure(
            ExitCode.NotPermitted, $"system calls cannot be supervised: {SystemError.Describe(error)}"),
        _ => new Failure(ExitCode.System, $"system calls cannot be supervised: {SystemError.Describe(error)}"),
    };
}
