using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Kdbus.Client.Tests.Hosting;

/// <summary>One line of a log.</summary>
internal sealed record LogEntry(LogLevel Level, int Number, string Text, Exception? Exception, IReadOnlyDictionary<string, object?> Values);

/// <summary>What this package has logged in a host, in order.</summary>
internal sealed class Logs : ILoggerProvider, ILogger
{
    private readonly Channel<LogEntry> _entries = Channel.CreateUnbounded<LogEntry>();

    /// <summary>Waits for a line, and takes those before it.</summary>
    public async Task<LogEntry> TakeAsync(int number)
    {
        await foreach (LogEntry entry in _entries.Reader.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            if (entry.Number == number)
                return entry;
        }
        throw new InvalidOperationException("The log has ended.");
    }

    /// <summary>The lines that nobody has taken.</summary>
    public IEnumerable<LogEntry> TakeRest()
    {
        while (_entries.Reader.TryRead(out LogEntry? entry))
            yield return entry;
    }

    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("Kdbus.", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Dictionary<string, object?> values = new(StringComparer.Ordinal);
        foreach ((string key, object? value) in state as IEnumerable<KeyValuePair<string, object?>> ?? [])
            values[key] = value;
        _ = _entries.Writer.TryWrite(new LogEntry(logLevel, eventId.Id, formatter(state, exception), exception, values));
    }

    public void Dispose()
    {
    }
}
