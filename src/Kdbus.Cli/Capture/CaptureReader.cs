using Kdbus.Cli.Watching;

namespace Kdbus.Cli.Capture;

/// <summary>The messages of a capture, one after the other.</summary>
internal sealed class CaptureReader : IDisposable
{
    private readonly Stream _stream;
    private readonly PcapngReader _file;
    private ulong _lost;

    private CaptureReader(Stream stream, string name)
    {
        _stream = stream;
        _file = new PcapngReader(stream, name);
    }

    /// <summary>At the end of the file: messages that were lost behind the last one.</summary>
    public ulong LostAtEnd => _file.Dropped is { } all && all > _lost ? all - _lost : 0;

    /// <summary>Opens one.</summary>
    /// <param name="path">The file; - is standard input.</param>
    public static CaptureReader Open(string path)
    {
        if (path == "-")
            return new CaptureReader(Console.OpenStandardInput(), "standard input");
        try
        {
            return new CaptureReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16), path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandException(ExitCode.NotFound, $"there is no file '{path}'", "'kdbusctl capture FILE' makes a capture");
        }
        catch (UnauthorizedAccessException)
        {
            throw new CommandException(ExitCode.NotPermitted, $"cannot read {path}: it is a directory, or its permissions do not let you", null);
        }
        catch (IOException exception)
        {
            throw new CommandException(ExitCode.NotFound, $"cannot read {path}: {exception.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Reads from a stream.</summary>
    public static CaptureReader Of(Stream stream) => new(stream, "the capture");

    /// <summary>The next message; null: there is none.</summary>
    /// <exception cref="CommandException">The file is damaged here.</exception>
    public WatchedMessage? Read()
    {
        if (_file.Read() is not { } packet)
            return null;
        WatchedMessage message = CaptureRecord.Read(packet.Data.Span, packet.Nanoseconds, out string? wrong) ?? throw _file.Damaged(packet.Offset, wrong!);
        _lost += message.Notes.Lost;
        return message;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}
