using System.Text;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>
/// What is to go on after the command has returned: a copy of this program in a session of its own. The command returns when the copy has said its result, one line, which is the
/// command's result too; if it ends without one, its messages and its exit code are the command's.
/// </summary>
internal static class Detached
{
    /// <summary>Tells the copy that it is one.</summary>
    public const string Option = "--is-detached";

    /// <summary>Starts the copy and waits for its result.</summary>
    /// <param name="invocation">The command.</param>
    /// <param name="words">How many words of the command line name the command: <c>bus make</c> is two.</param>
    public static async Task<int> StartAsync(Invocation invocation, int words)
    {
        List<string> arguments = ["kdbusctl", .. Environment.GetCommandLineArgs()[1..]];
        arguments.Insert(1 + words, Option);
        (int pid, int output, int errors) = Spawn(arguments);
        try
        {
            byte[] result;
            using (CancellationTokenRegistration ending = invocation.Ending.Register(() => ChildProcess.Signal(pid, Signals.Terminate)))
                result = await Task.Run(() => ReadUntil(output, (byte)'\n'), CancellationToken.None).ConfigureAwait(false);
            invocation.Ending.ThrowIfCancellationRequested();
            if (result is [.., (byte)'\n'])
            {
                invocation.Output.Bytes(result);
                return ExitCode.Success;
            }
            await Console.Error.WriteAsync(Encoding.UTF8.GetString(ReadUntil(errors, end: null))).ConfigureAwait(false);
            int code = ChildProcess.Wait(pid);
            return code is > 0 and < 128 ? code : throw new CommandException(ExitCode.Internal, $"the background process ended before it had done anything ({code})");
        }
        finally
        {
            _ = FileDescriptor.Close(output);
            _ = FileDescriptor.Close(errors);
        }
    }

    private static (int Pid, int Output, int Errors) Spawn(List<string> arguments)
    {
        int nothing = Opened(FileDescriptor.Open("/dev/null", OpenFlags.ReadWrite), "open /dev/null");
        _ = Opened(FileDescriptor.Pipe(out int output, out int outputThere), "create a pipe");
        _ = Opened(FileDescriptor.Pipe(out int errors, out int errorsThere), "create a pipe");
        // What our caller left open in us is not for a process that lives on.
        _ = Opened(FileDescriptor.SetCloseOnExecFrom(3), "close inherited descriptors");
        int pid = ChildProcess.Spawn(
            Environment.ProcessPath ?? "/proc/self/exe", arguments, environment: null,
            [new PassedDescriptor(nothing, 0), new PassedDescriptor(outputThere, 1), new PassedDescriptor(errorsThere, 2)], newSession: true);
        foreach (int theirs in (int[])[nothing, outputThere, errorsThere])
            _ = FileDescriptor.Close(theirs);
        return (Opened(pid, "start the background process"), output, errors);
    }

    private static int Opened(int result, string what) =>
        result >= 0 ? result : throw new CommandException(ExitCode.Refused, $"cannot {what}: {SystemError.Describe(result)}");

    /// <summary>Reads until what was read ends with a byte, or there is no more.</summary>
    private static byte[] ReadUntil(int fd, byte? end)
    {
        List<byte> text = [];
        Span<byte> next = stackalloc byte[4096];
        while (text.Count == 0 || text[^1] != end)
        {
            int count = FileDescriptor.Read(fd, next);
            if (count == -SystemError.EINTR)
                continue;
            if (count <= 0)
                break;
            text.AddRange(next[..count]);
        }
        return [.. text];
    }
}
