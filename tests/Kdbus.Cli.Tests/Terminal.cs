using System.Diagnostics;
using System.Globalization;

namespace Kdbus.Cli.Tests;

/// <summary>A real terminal (tmux) in which kdbusctl runs; what its screen shows is what a person sees.</summary>
internal sealed class Terminal : IDisposable
{
    private readonly string _socket = Path.Combine(Directory.CreateTempSubdirectory("kdbusctl-tmux-").FullName, "socket");

    private Terminal()
    {
    }

    /// <summary>Opens one in which a program runs at once.</summary>
    /// <param name="environment">NAME=VALUE.</param>
    /// <param name="columns">How wide.</param>
    /// <param name="rows">How high.</param>
    /// <param name="arguments">Arguments of kdbusctl.</param>
    public static Terminal Open(IReadOnlyList<string> environment, int columns, int rows, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/tmux"), "needs tmux");
        Terminal terminal = new();
        // The screen is looked at after the program has ended, too: the shell waits.
        string command = $"env {string.Join(' ', environment.Append("NO_COLOR=").Select(Quote))} {Quote(Running.Program)} {string.Join(' ', arguments.Select(Quote))}; echo \"[exit code $?]\"; sleep 600";
        _ = terminal.Tmux("new-session", "-d", "-x", Text(columns), "-y", Text(rows), "-s", "test", command);
        return terminal;
    }

    /// <summary>Presses keys, in the words of tmux: <c>q</c>, <c>Enter</c>, <c>C-c</c>.</summary>
    public void Press(params string[] keys) => _ = Tmux(["send-keys", "-t", "test", .. keys]);

    /// <summary>What the screen shows, without blanks at the ends of lines.</summary>
    public string Screen() => Tmux("capture-pane", "-p", "-t", "test");

    /// <summary>The same with colours, as escape sequences.</summary>
    public string ScreenWithColors() => Tmux("capture-pane", "-e", "-p", "-t", "test");

    /// <summary>What tmux says of the terminal, in its words: <c>#{alternate_on}</c>.</summary>
    public string Ask(string format) => Tmux("display-message", "-p", "-t", "test", format).TrimEnd('\n');

    /// <summary>Makes it larger or smaller.</summary>
    public void Resize(int columns, int rows) => _ = Tmux("resize-window", "-t", "test", "-x", Text(columns), "-y", Text(rows));

    /// <summary>Waits until the screen shows a text; the screen.</summary>
    public async Task<string> ShowsAsync(string text)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            string screen = Screen();
            if (screen.Contains(text, StringComparison.Ordinal))
                return screen;
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(1), $"\"{text}\" was never shown:\n{screen}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until the program has ended with this code; the screen.</summary>
    public Task<string> EndsAsync(int code) => ShowsAsync($"[exit code {code}]");

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _ = Tmux("kill-server");
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(_socket)!, recursive: true);
        }
    }

    private string Tmux(params string[] arguments)
    {
        ProcessStartInfo start = new("/usr/bin/tmux") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-u", "-f", "/dev/null", "-S", _socket, .. arguments])
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd(), error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"tmux {arguments[0]}: {error}");
        return output;
    }

    private static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
