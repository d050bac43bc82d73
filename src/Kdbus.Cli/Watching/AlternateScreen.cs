using System.Text;

namespace Kdbus.Cli.Watching;

/// <summary>
/// The other screen that terminals have for programs that draw all of it. However the program ends, what was there before comes back: it is left when this ends, and
/// at once when a signal comes.
/// </summary>
internal sealed class AlternateScreen : IDisposable
{
    private const string Enter = "\e[?1049h\e[?25l";
    private const string Leave = "\e[?25h\e[?1049l";

    private readonly Output _output;
    private readonly CancellationTokenRegistration _ending;
    private readonly Lock _lock = new();
    private bool _isLeft;

    /// <summary>Goes there.</summary>
    /// <param name="output">The terminal.</param>
    /// <param name="ending">Cancelled by signals.</param>
    public AlternateScreen(Output output, CancellationToken ending)
    {
        _output = output;
        Write(Enter);
        _ending = ending.UnsafeRegister(static screen => ((AlternateScreen)screen!).Dispose(), this);
    }

    /// <summary>Columns and rows, as they are now.</summary>
    public static (int Columns, int Rows) Size => (Math.Max(20, Console.WindowWidth), Math.Max(5, Console.WindowHeight));

    /// <summary>Shows lines from the top; the rest of the screen is blank. They must fit.</summary>
    /// <param name="lines">The lines, which may have escape sequences for colours.</param>
    /// <param name="rows">Rows of the screen.</param>
    public void Draw(IReadOnlyList<string> lines, int rows)
    {
        // Erased before it is written: behind a full line the cursor still stands on its last column.
        StringBuilder frame = new("\e[H");
        for (int i = 0; i < lines.Count; i++)
            _ = frame.Append(i == 0 ? "" : "\r\n").Append("\e[2K").Append(lines[i]).Append("\e[0m");
        Write(frame.Append(lines.Count < rows ? "\r\n\e[J" : "").ToString());
    }

    /// <summary>Leaves it.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isLeft)
                return;
            _isLeft = true;
            try
            {
                _output.Bytes(Encoding.UTF8.GetBytes(Leave));
                _output.Flush();
            }
            catch (Exception exception) when (exception is NobodyReadsException or CommandException)
            {
                // The terminal has gone, and its screen with it.
            }
        }
        _ = _ending.Unregister();
    }

    private void Write(string text)
    {
        lock (_lock)
        {
            if (_isLeft)
                return;
            _output.Bytes(Encoding.UTF8.GetBytes(text));
            _output.Flush();
        }
    }
}
