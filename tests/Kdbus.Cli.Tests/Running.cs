using System.Diagnostics;
using System.Reflection;
using System.Text;
using Kdbus.Linux;

namespace Kdbus.Cli.Tests;

/// <summary>What a program did: exit code, standard output, standard error.</summary>
internal sealed record Outcome(int Code, string Output, string Error)
{
    /// <summary>Lines of standard output.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Fails unless the code was 0; shows all.</summary>
    public Outcome Succeeded()
    {
        Assert.True(Code == 0 && Error.Length == 0, $"exit code {Code}\nstandard output:\n{Output}\nstandard error:\n{Error}");
        return this;
    }

    /// <summary>Fails unless it was refused with this code and a message that has these texts, in place of anything else on standard error.</summary>
    public Outcome Failed(int code, params string[] texts)
    {
        Assert.StartsWith("kdbusctl: ", Error, StringComparison.Ordinal);
        return FailedAtTheEnd(code, texts);
    }

    /// <summary>The same, but it may have said something before.</summary>
    public Outcome FailedAtTheEnd(int code, params string[] texts)
    {
        Assert.True(Code == code, $"exit code {Code}, not {code}\nstandard output:\n{Output}\nstandard error:\n{Error}");
        foreach (string text in texts)
            Assert.Contains(text, Error, StringComparison.Ordinal);
        return this;
    }
}

/// <summary>How to start kdbusctl.</summary>
internal sealed record ProgramCall(IReadOnlyList<string> Arguments)
{
    /// <summary>Standard input; empty by default.</summary>
    public byte[] Input { get; init; } = [];

    /// <summary>NAME=VALUE, besides what this process has.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>Another user.</summary>
    public uint? Uid { get; init; }
}

/// <summary>A kdbusctl that runs. It is killed if it does not end, at the latest with this.</summary>
internal sealed class Running : IAsyncDisposable
{
    private static readonly TimeSpan s_forEver = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly StringBuilder _output = new(), _error = new();
    private readonly Task _reading;
    private bool _isDisposed;

    private Running(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _error));
    }

    /// <summary>The program under test: $KDBUSCTL_BIN, else what was built last.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("KDBUSCTL_BIN") is { Length: > 0 } named
        ? named
        : Path.Combine(
            typeof(Running).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static data => data.Key == "RepoRoot").Value!, "src/Kdbus.Cli/bin/Release/net10.0/kdbusctl");

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>What it has written to standard output so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>What it has written to standard error so far.</summary>
    public string Error
    {
        get
        {
            lock (_error)
                return _error.ToString();
        }
    }

    public static Running Start(ProgramCall call)
    {
        ProcessStartInfo start = new(call.Uid is null ? Program : "/usr/bin/setpriv")
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8,
        };
        if (call.Uid is { } uid)
        {
            foreach (string word in (string[])[$"--reuid={uid}", $"--regid={uid}", "--clear-groups", "--", Program])
                start.ArgumentList.Add(word);
        }
        foreach (string argument in call.Arguments)
            start.ArgumentList.Add(argument);
        foreach (string variable in call.Environment)
            start.Environment[variable[..variable.IndexOf('=', StringComparison.Ordinal)]] = variable[(variable.IndexOf('=', StringComparison.Ordinal) + 1)..];
        Process process = Process.Start(start)!;
        Running running = new(process);
        _ = Task.Run(() => WriteInput(process, call.Input));
        return running;
    }

    /// <summary>Waits until standard output has a text; all of it.</summary>
    public Task<string> SaysAsync(string text) => AwaitAsync(() => Output, text);

    /// <summary>Waits until standard error has a text.</summary>
    public Task<string> NotesAsync(string text) => AwaitAsync(() => Error, text);

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Assert.Equal(0, ChildProcess.Signal(_process.Id, signal));

    /// <summary>Waits for its end.</summary>
    public async Task<Outcome> EndAsync()
    {
        try
        {
            await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(s_forEver);
            await _reading.WaitAsync(s_forEver);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"It does not end.\nstandard output:\n{Output}\nstandard error:\n{Error}", exception);
        }
        return new Outcome(_process.ExitCode, Output, Error);
    }

    /// <summary>Ends it as Ctrl-C does, and waits.</summary>
    public Task<Outcome> InterruptAsync()
    {
        Signal(2);
        return EndAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    private async Task<string> AwaitAsync(Func<string> said, string text)
    {
        long began = Stopwatch.GetTimestamp();
        while (!said().Contains(text, StringComparison.Ordinal))
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < s_forEver && !(_process.HasExited && _reading.IsCompleted && !said().Contains(text, StringComparison.Ordinal)),
                $"\"{text}\" was never said.\nstandard output:\n{Output}\nstandard error:\n{Error}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
        return said();
    }

    private static void WriteInput(Process process, byte[] input)
    {
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It did not want it.
        }
    }

    private static async Task ReadAsync(StreamReader from, StringBuilder to)
    {
        char[] buffer = new char[4096];
        while (await from.ReadAsync(buffer) is > 0 and int count)
        {
            lock (to)
                _ = to.Append(buffer, 0, count);
        }
    }
}
