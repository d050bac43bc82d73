using System.Globalization;
using Kdbus.Linux;

namespace Kdbus.Cli;

/// <summary>A file with the id of this process in it, for as long as it holds something.</summary>
internal sealed class PidFile : IDisposable
{
    private readonly string _path;

    private PidFile(string path) => _path = path;

    /// <summary>Writes it. One that a dead process has left behind is replaced.</summary>
    /// <param name="path">Where; null: there is none.</param>
    /// <exception cref="CommandException">It is that of a living process, or cannot be written.</exception>
    public static PidFile? Claim(string? path)
    {
        if (path is null)
            return null;
        path = Path.GetFullPath(path); // what is current may be another directory by the time it is removed
        try
        {
            // Locked while it is looked at and written: of two that start at the same time one is refused.
            using FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            using StreamReader reader = new(file, leaveOpen: true);
            if (int.TryParse(reader.ReadToEnd().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && IsAlive(pid))
                throw new CommandException(ExitCode.Refused, $"the pid file {path} is that of process {pid}, which lives", "end it, or name another file");
            file.SetLength(0);
            file.Position = 0;
            file.Write(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
            return new PidFile(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.CannotWrite, $"cannot write the pid file {path}: {exception.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Removes it, unless it is somebody else's by now.</summary>
    public void Dispose()
    {
        try
        {
            if (File.ReadAllText(_path).Trim() == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
                File.Delete(_path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Somebody has taken it away, or its directory.
        }
    }

    // -EPERM: it lives, and is somebody else's.
    private static bool IsAlive(int pid) => pid > 0 && pid != Environment.ProcessId && ChildProcess.Signal(pid, 0) is 0 or -SystemError.EPERM;
}
