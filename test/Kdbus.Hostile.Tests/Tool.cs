using System.Diagnostics;

namespace Kdbus.Hostile.Tests;

/// <summary>
/// A program built from test/hostile that is told what to do on its standard input, one line at a time, and answers each with one line. It ends
/// when its input ends; one that does not is killed.
/// </summary>
internal sealed class Tool : IDisposable
{
    private static readonly TimeSpan s_leaveTime = TimeSpan.FromSeconds(5);

    private readonly string _name;
    private readonly Process _process;

    public Tool(string name, params string[] arguments)
    {
        _name = name;
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, name), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{name} did not start.");
    }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>It has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>The next line it writes.</summary>
    public string Read()
    {
        Task<string?> line = _process.StandardOutput.ReadLineAsync();
        if (!line.Wait(Pending.Patience))
            throw new TimeoutException($"{_name} has said nothing for {Pending.Patience.TotalSeconds} s.");
        return line.Result ?? throw new EndOfStreamException($"{_name} has ended.");
    }

    /// <summary>Tells it a line and gives its answer.</summary>
    public string Ask(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
        return Read();
    }

    /// <summary>The line that a program writes which asks for nothing and ends by itself, with 0.</summary>
    public string ReadAtTheEnd()
    {
        if (!_process.WaitForExit(TimeSpan.FromMinutes(2)))
            throw new TimeoutException($"{_name} has not ended.");
        Assert.Equal(0, _process.ExitCode);
        return Read();
    }

    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already.
        }
        if (!_process.WaitForExit(s_leaveTime))
        {
            _process.Kill();
            _process.WaitForExit(s_leaveTime);
        }
        _process.Dispose();
    }
}
