using System.Reflection;
using Kdbus.Cli.Watching;
using Kdbus.Linux;

namespace Kdbus.Cli.Capture;

/// <summary>A capture that is being written. What it has is whole after each message.</summary>
internal sealed class CaptureFile : IDisposable
{
    private readonly string _name;
    private readonly Stream _stream;
    private readonly PcapngWriter _writer;

    private CaptureFile(string name, Stream stream)
    {
        (_name, _stream) = (name, stream);
        _writer = new PcapngWriter(stream);
    }

    /// <summary>Messages written.</summary>
    public ulong Count { get; private set; }

    /// <summary>Opens one.</summary>
    /// <param name="path">The file; - is standard output.</param>
    /// <param name="overwrites">Whether a file that is there may go.</param>
    public static CaptureFile Create(string path, bool overwrites)
    {
        if (path == "-")
            return new CaptureFile("standard output", Console.OpenStandardOutput());
        // Devices and pipes are written to as they are; there is nothing to overwrite.
        bool isSpecial = FileStatus.Of(path, out FileStatus status) == 0 && !status.IsRegular && !status.IsDirectory;
        FileStreamOptions options = new()
        {
            Mode = isSpecial ? FileMode.Open : overwrites ? FileMode.Create : FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        };
        // It has what was said to others.
        if (!isSpecial && !OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            return new CaptureFile(path, new FileStream(path, options));
        }
        catch (IOException) when (!isSpecial && !overwrites && File.Exists(path))
        {
            throw new CommandException(ExitCode.CannotWrite, $"'{path}' is there already", "--force overwrites it");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.CannotWrite, $"cannot write {path}: {exception.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Writes what stands before all messages.</summary>
    public void Begin(BusPlace bus, Guid id)
    {
        string? version = typeof(CaptureFile).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        Try(() => _writer.Begin($"kdbusctl {version}", bus.Bus, $"kdbus bus {bus.Bus} ({id:N}), {bus.Endpoint}"));
    }

    /// <summary>Writes a message.</summary>
    public void Write(WatchedMessage message)
    {
        Try(() => _writer.Packet(message.RealtimeNs, CaptureRecord.Write(message), CaptureRecord.FullSize(message)));
        if (!message.Notes.IsState)
            Count++;
    }

    /// <summary>Writes how many messages there were, and how many were lost.</summary>
    public void End(ulong lost) => Try(() => _writer.End((ulong)Clock.RealtimeNanoseconds, Count, lost));

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // Nothing is written by closing: it has been told already.
        }
    }

    private void Try(Action write)
    {
        const int NobodyReads = 32; // EPIPE
        try
        {
            write();
        }
        catch (IOException exception) when ((exception.HResult & 0xffff) == NobodyReads)
        {
            throw new NobodyReadsException();
        }
        catch (IOException exception)
        {
            throw new CommandException(ExitCode.CannotWrite, $"cannot write {_name}: {exception.Message.TrimEnd('.')}", Count == 0 ? null : $"{(Count == 1 ? "the message" : $"the {Count} messages")} before that is there");
        }
    }
}
