using System.Globalization;
using System.Text;
using Kdbus.Linux;

namespace Kdbus.Daemon.Cli;

/// <summary>
/// Serving in the background: a copy of this program in a session of its own, given a pipe to say on that it serves. This process ends only
/// when the mount can be used, or with the copy's own exit code when it cannot; the copy prints its messages itself, on the standard error
/// it shares until then.
/// </summary>
internal static class Background
{
    private const int ReadyDescriptor = 3;

    internal static int Start(MountRequest request) => Start(Environment.ProcessPath ?? "/proc/self/exe", Arguments(request));

    internal static int Start(string program, IReadOnlyList<string> arguments)
    {
        int nothing = FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite);
        if (nothing < 0)
            return StandardError.Print(new Failure(ExitCode.System, $"cannot open /dev/null: {SystemError.Describe(nothing)}"));
        int error = FileDescriptor.Pipe(out int readEnd, out int writeEnd);
        if (error < 0)
            return StandardError.Print(new Failure(ExitCode.System, $"cannot create a pipe: {SystemError.Describe(error)}"));

        // What our caller left open in us is not for a process that lives on.
        error = FileDescriptor.SetCloseOnExecFrom(StandardError.Descriptor + 1);
        if (error < 0)
            return StandardError.Print(new Failure(ExitCode.System, $"cannot close inherited descriptors: {SystemError.Describe(error)}"));
        int pid = ChildProcess.Spawn(
            program,
            arguments,
            null,
            [
                new PassedDescriptor(nothing, 0),
                new PassedDescriptor(nothing, 1),
                new PassedDescriptor(StandardError.Descriptor, StandardError.Descriptor),
                new PassedDescriptor(writeEnd, ReadyDescriptor),
            ],
            newSession: true);
        _ = FileDescriptor.Close(nothing);
        _ = FileDescriptor.Close(writeEnd);
        if (pid < 0)
        {
            _ = FileDescriptor.Close(readEnd);
            return StandardError.Print(new Failure(ExitCode.System, $"cannot start the background process: {SystemError.Describe(pid)}"));
        }

        Span<byte> profile = stackalloc byte[32];
        int count;
        do
        {
            count = FileDescriptor.Read(readEnd, profile);
        }
        while (count == -SystemError.EINTR);
        _ = FileDescriptor.Close(readEnd);
        if (count > 0)
        {
            if (request.Tells)
                Console.WriteLine($"Serving {request.Directory}, profile {Encoding.ASCII.GetString(profile[..count])}.");
            return ExitCode.Success;
        }

        int code = ChildProcess.Wait(pid);
        if (code is > 0 and < 128)
            return code;
        string end = code >= 128 ? $"was ended by signal {code - 128}" : "ended before it was serving";
        return StandardError.Print(new Failure(ExitCode.ServerDied, $"the background process {end}"));
    }

    internal static IReadOnlyList<string> Arguments(MountRequest request)
    {
        List<string> arguments = ["kdbusfs", "mount", request.Directory, "--foreground"];
        foreach (string list in request.OptionLists)
            arguments.AddRange(["-o", list]);
        if (request.IgnoreUnknownOptions)
            arguments.Add(CommandLine.IgnoreUnknownOptionsName);
        if (request.Debug)
            arguments.Add("--debug");
        if (request.LogFormat is not LogFormat.Text)
            arguments.AddRange(["--log-format", CommandLine.NameOf(request.LogFormat)]);
        if (request.LogFile is not null)
            arguments.AddRange(["--log-file", request.LogFile]);
        arguments.AddRange([CommandLine.ReadyDescriptorName, ReadyDescriptor.ToString(CultureInfo.InvariantCulture)]);
        return arguments;
    }
}
