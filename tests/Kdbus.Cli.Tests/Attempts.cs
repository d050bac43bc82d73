using System.Diagnostics;
using System.Globalization;
using Kdbus.Abi;

namespace Kdbus.Cli.Tests;

/// <summary>A program of another user that is on the bus and tries what it is told.</summary>
internal sealed class Attempts : IAsyncDisposable
{
    private readonly Process _process;

    private Attempts(Process process, ulong id) => (_process, Id) = (process, id);

    /// <summary>Its connection.</summary>
    public ulong Id { get; }

    /// <summary>Connects as a user.</summary>
    /// <param name="endpoint">Through which endpoint.</param>
    /// <param name="uid">Effective and real user.</param>
    /// <param name="gid">Group.</param>
    /// <param name="groups">Supplementary groups.</param>
    public static async Task<Attempts> StartAsync(string endpoint, uint uid, uint gid, params uint[] groups)
    {
        ProcessStartInfo start = new("/usr/bin/setpriv") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        string others = groups.Length == 0 ? "--clear-groups" : $"--groups={string.Join(',', groups)}";
        // Not from where it was built, which another user need not be able to reach.
        string program = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(endpoint))!, "..", $"kdbusctl-attempt-{Environment.ProcessId}-{Guid.NewGuid():N}");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "attempt"), program);
        try
        {
            foreach (string word in (string[])[$"--reuid={uid}", $"--regid={gid}", others, "--", program, endpoint])
                start.ArgumentList.Add(word);
            Process process = Process.Start(start)!;
            try
            {
                string? id = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromMinutes(1));
                Assert.NotNull(id);
                return new Attempts(process, ulong.Parse(id, CultureInfo.InvariantCulture));
            }
            catch
            {
                await new Attempts(process, 0).DisposeAsync();
                throw;
            }
        }
        finally
        {
            File.Delete(program);
        }
    }

    /// <summary>Tries to <c>own</c>, <c>talk</c> to or <c>see</c> a name.</summary>
    public async Task<Errno> TryAsync(string what, string name)
    {
        await _process.StandardInput.WriteLineAsync($"{what} {name}");
        await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        string? result = await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromMinutes(1));
        return (Errno)int.Parse(result!, CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }
}
