using Spectre.Console;

namespace Kdbus.Cli;

/// <summary>Copies many bytes. On a terminal, what takes long shows how far it is, on standard error.</summary>
internal static class Transfer
{
    private const int Piece = 1 << 20;
    private const long LongFrom = 16 << 20;

    /// <summary>Fills memory from a stream.</summary>
    /// <exception cref="EndOfStreamException">It has less.</exception>
    public static unsafe void Read(Stream from, Span<byte> to, string? title)
    {
        fixed (byte* start = to)
        {
            nint address = (nint)start;
            Do(to.Length, title, (offset, count) => from.ReadExactly(new Span<byte>((byte*)address + offset, count)));
        }
    }

    /// <summary>Writes memory to a stream.</summary>
    public static void Write(ReadOnlyMemory<byte> from, Stream to, string? title) => Do(from.Length, title, (offset, count) => to.Write(from.Span.Slice((int)offset, count)));

    private static void Do(long length, string? title, Action<long, int> copy)
    {
        if (title is null || length < LongFrom || Console.IsErrorRedirected)
        {
            All(length, copy, static _ => { });
            return;
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        console.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(Escaped.Text(title)), maxValue: length);
                All(length, copy, count => task.Increment(count));
            });
    }

    private static void All(long length, Action<long, int> copy, Action<int> done)
    {
        for (long offset = 0; offset < length;)
        {
            int count = (int)Math.Min(Piece, length - offset);
            copy(offset, count);
            offset += count;
            done(count);
        }
    }
}
