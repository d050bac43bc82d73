using Kdbus.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Kdbus.Daemon.Cli;

/// <summary>
/// Where log lines go. There is one sink, standard error; a log file takes that stream's place. A background process without a log file
/// logs nothing: its standard error is the terminal of somebody who has long gone on.
/// </summary>
internal static class LogOutput
{
    /// <summary>Prepares logging; must come before anything else uses the console, which keeps the stream it sees first.</summary>
    /// <param name="request">Format and file.</param>
    /// <param name="trace">Whether every request is logged.</param>
    /// <param name="failure">What is wrong if null is returned.</param>
    internal static ILoggerFactory? Open(MountRequest request, bool trace, out Failure? failure)
    {
        failure = null;
        if (request.LogFile is not null)
        {
            int fd = FileDescriptor.Open(request.LogFile, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append, 0x1a0 /* rw-r----- */);
            int error = fd < 0 ? fd : CurrentProcess.RedirectStandardStreams(-1, -1, fd);
            if (fd >= 0)
                _ = FileDescriptor.Close(fd);
            if (error < 0)
            {
                failure = new Failure(ExitCode.NoLogFile, $"cannot open the log file '{request.LogFile}': {SystemError.Describe(error)}");
                return null;
            }
        }
        bool silent = request.ReadyDescriptor >= 0 && request.LogFile is null;
        return LoggerFactory.Create(builder =>
        {
            if (silent)
                return;
            _ = builder.SetMinimumLevel(trace ? LogLevel.Debug : LogLevel.Information);
            _ = request.LogFormat switch
            {
                LogFormat.Json => builder.AddJsonConsole(static format => format.TimestampFormat = "O"),
                LogFormat.Systemd => builder.AddSystemdConsole(),
                _ => builder.AddSimpleConsole(static format =>
                {
                    format.SingleLine = true;
                    format.TimestampFormat = "yyyy-MM-dd HH:mm:ss.fff ";
                    format.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Enabled;
                }),
            };
            _ = builder.AddConsole(static console =>
            {
                console.LogToStandardErrorThreshold = LogLevel.Trace;
                // Clients can cause lines: if nobody takes them, they are lost rather than waited for.
                console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
            });
        });
    }
}
