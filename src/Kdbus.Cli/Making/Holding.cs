using System.CommandLine;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>
/// The life of a command that holds something, a bus, an endpoint, policy: it lives until Ctrl-C or SIGTERM, in the foreground or detached, with a pid file if asked, and ends when the
/// bus does.
/// </summary>
internal static class Holding
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);

    private static readonly Option<bool> s_detach = new("--detach", "-d") { Description = "go on in the background, in a session of its own; return when it can be used" };
    private static readonly Option<string?> s_pidFile = new("--pid-file")
    {
        Description = "write the process id there, with --detach or without; removed at the end", HelpName = "FILE",
    };

    private static readonly Option<bool> s_isDetached = new(Detached.Option) { Hidden = true };

    /// <summary>Makes a command hold something.</summary>
    /// <param name="command">The command.</param>
    /// <param name="words">How many words of the command line name it.</param>
    /// <param name="begin">Begins to hold, and returns what tells of it and how it ends.</param>
    public static void SetAction(Command command, int words, Func<Invocation, Task<Held>> begin)
    {
        command.Add(s_detach);
        command.Add(s_pidFile);
        command.Add(s_isDetached);
        Invocation.SetAction(command, async invocation =>
        {
            if (invocation.Get(s_detach) && !invocation.Get(s_isDetached))
                return await Detached.StartAsync(invocation, words).ConfigureAwait(false);
            using PidFile? pidFile = PidFile.Claim(invocation.Get(s_pidFile));
            Held held = await begin(invocation).ConfigureAwait(false);
            await using (held.ConfigureAwait(false))
            {
                if (held.Reload is { } reload)
                    invocation.OnHangUp(reload);
                Domicile place = Domicile.Of(held.Path);
                held.Tell();
                invocation.Output.Flush();
                while (place.IsThere())
                {
                    try
                    {
                        await Task.Delay(s_look, invocation.Ending).ConfigureAwait(false);
                    }
                    catch (OperationCanceledException)
                    {
                        return ExitCode.Success;
                    }
                }
            }
            throw new CommandException(ExitCode.NoBus, $"{held.Path} is gone: its bus has ended, or the domain was unmounted", "'kdbusctl domains' shows what is mounted");
        });
    }

    /// <summary>Where something is, to see whether it is there still.</summary>
    /// <param name="Path">Its file.</param>
    /// <param name="Device">The domain it is in.</param>
    /// <param name="Directory">The directory of its bus; each has a number of its own.</param>
    private sealed record Domicile(string Path, uint Device, ulong Directory)
    {
        public static Domicile Of(string path)
        {
            int result = FileStatus.Of(System.IO.Path.GetDirectoryName(path)!, out FileStatus status);
            return result == 0 ? new Domicile(path, status.DeviceMinor, status.Inode)
                : throw new CommandException(ExitCode.NoBus, $"{path} is not there: {SystemError.Describe(result)}");
        }

        /// <summary>What a server that is gone has left in the kernel's memory is still found: so the file is opened, which asks the server.</summary>
        public bool IsThere()
        {
            int file = FileDescriptor.Open(Path, OpenFlags.ReadOnly);
            if (file < 0)
                return file is -SystemError.EMFILE or -SystemError.EINTR;
            _ = FileDescriptor.Close(file);
            return FileStatus.Of(System.IO.Path.GetDirectoryName(Path)!, out FileStatus status) == 0 && status.DeviceMinor == Device && status.Inode == Directory;
        }
    }
}

/// <summary>Something that is held. Disposed, it ends.</summary>
/// <param name="Path">A file that is there as long as it can be used.</param>
/// <param name="Tell">Says the result, one line.</param>
/// <param name="Reload">What SIGHUP does; null: it ends the program.</param>
/// <param name="End">Ends it.</param>
internal sealed record Held(string Path, Action Tell, Action? Reload, Func<ValueTask> End) : IAsyncDisposable
{
    /// <inheritdoc/>
    public ValueTask DisposeAsync() => End();
}
