using Kdbus.Daemon.Running;
using Kdbus.Linux;

namespace Kdbus.Daemon.Cli;

/// <summary>
/// The command line <c>kdbusfs run [--] PROGRAM [ARGS...]</c>, which is read here because nothing behind PROGRAM is ours, and the arguments of
/// PROGRAM are bytes and not text.
/// </summary>
internal static class RunForm
{
    internal const string Command = "run";

    private static readonly string[] s_help = ["--help", "-h", "-?", "/h", "/?"];

    /// <summary>Whether a command line has this form, and does not ask for help.</summary>
    internal static bool Applies(IReadOnlyList<string> arguments)
        => arguments is [Command, var first, ..] && !s_help.Contains(first) || arguments is [TrappedStart.Command, ..];

    /// <returns>The exit code; what is wrong has been printed.</returns>
    internal static int Run(string[] arguments)
    {
        if (arguments[0] == TrappedStart.Command)
            return TrappedStart.Run(arguments);
        int words = arguments[1] == "--" ? 2 : 1;
        if (words == 1 && arguments[1].StartsWith('-'))
            return StandardError.Print(new Failure(ExitCode.Usage, $"unknown option '{arguments[1]}'", "see kdbusfs run --help"));
        int error = CurrentProcess.ReadArguments(out byte[][] bytes);
        if (error < 0)
            return StandardError.Print(new Failure(ExitCode.System, $"cannot read the command line: {SystemError.Describe(error)}"));
        // The name of kdbusfs comes first.
        Span<byte[]> program = bytes.AsSpan(Math.Min(1 + words, bytes.Length));
        return program.IsEmpty
            ? StandardError.Print(new Failure(ExitCode.Usage, "a program to run is needed", "usage: kdbusfs run [--] PROGRAM [ARGS...]"))
            : Supervisor.Run(program);
    }
}
