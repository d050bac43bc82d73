using System.Diagnostics;
using System.Text;
using Kdbus.Linux;

namespace Kdbus.Testing.Mounted;

/// <summary>
/// A domain mounted on a directory of its own, and the daemon that serves it, a child of this process. Disposed, or when this process ends in whatever
/// way, the daemon ends, nothing is mounted, and the directory is gone.
/// </summary>
internal sealed class MountedDomain : IAsyncDisposable
{
    private const int Terminate = 15;
    private const int Kill = 9;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(10);

    private readonly string _directory;
    private readonly int _messages;
    private int _daemon;
    private Guard? _guard;

    private MountedDomain(string directory, int messages) => (_directory, _messages) = (directory, messages);

    /// <summary>Where it is mounted.</summary>
    public string Path => _directory;

    /// <summary>Mounts one, and waits until it is served.</summary>
    /// <param name="program">Path of kdbusfs.</param>
    /// <param name="options">Mount options, separated by commas; empty for none.</param>
    /// <param name="cancellation">Ends the waiting; nothing is left.</param>
    /// <exception cref="InvalidOperationException">The daemon does not want to; the message has its words.</exception>
    public static async ValueTask<MountedDomain> StartAsync(string program, string options, CancellationToken cancellation)
    {
        int messages = MemFd.Create("kdbusfs-messages");
        if (messages < 0)
            throw new InvalidOperationException($"No memory for the daemon's messages: {SystemError.Describe(-messages)}.");
        MountedDomain domain = new(Directory.CreateTempSubdirectory("kdbus-test-").FullName, messages);
        try
        {
            domain.Start(program, options);
            await domain.WaitAsync(cancellation).ConfigureAwait(false);
            return domain;
        }
        catch
        {
            await domain.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_daemon > 0)
        {
            await StopAsync().ConfigureAwait(false);
            _daemon = 0;
        }
        // A daemon that was killed leaves a dead mount behind.
        if (Mounts.Find(_directory, out _) > 0 && Mounts.Unmount(_directory, lazy: true) < 0)
            _ = Fusermount.Unmount(_directory, lazy: true);
        if (Directory.Exists(_directory))
            Directory.Delete(_directory);
        _ = FileDescriptor.Close(_messages);
    }

    private void Start(string program, string options)
    {
        string[] arguments = ["kdbusfs", "mount", _directory, "--foreground", .. options.Length > 0 ? (string[])["-o", options] : []];
        // A session of its own: who interrupts the tests at the terminal interrupts their process, and the guard does the rest.
        int pid = ChildProcess.Spawn(
            program, arguments, environment: null, [new PassedDescriptor(_messages, 1), new PassedDescriptor(_messages, 2)], newSession: true);
        if (pid < 0)
            throw new InvalidOperationException($"{program} cannot be started: {SystemError.Describe(-pid)}.");
        _daemon = pid;
        _guard = Guard.Start(pid, _directory);
    }

    private async Task WaitAsync(CancellationToken cancellation)
    {
        string control = System.IO.Path.Combine(_directory, "control");
        long started = Stopwatch.GetTimestamp();
        while (!File.Exists(control))
        {
            if (HasEnded(_daemon))
                throw new InvalidOperationException($"kdbusfs could not mount a domain: {Messages()}");
            if (Stopwatch.GetElapsedTime(started) > s_patience)
                throw new InvalidOperationException($"kdbusfs has not mounted a domain within {s_patience.TotalSeconds} s: {Messages()}");
            await Task.Delay(s_look, cancellation).ConfigureAwait(false);
        }
    }

    private async Task StopAsync()
    {
        _ = ChildProcess.Signal(_daemon, Terminate);
        long started = Stopwatch.GetTimestamp();
        while (!HasEnded(_daemon) && Stopwatch.GetElapsedTime(started) < s_grace)
            await Task.Delay(s_look).ConfigureAwait(false);
        _ = ChildProcess.Signal(_daemon, Kill);
        // Before the daemon is waited for: from then on its process id may be somebody else's.
        _guard?.Dispose();
        _ = ChildProcess.Wait(_daemon);
    }

    /// <summary>Whether it has ended, without taking note: its process id stays its own.</summary>
    private static bool HasEnded(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[stat.LastIndexOf(')') + 2] is 'Z' or 'X';
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private string Messages()
    {
        byte[] text = new byte[Math.Clamp(MemFd.Length(_messages), 0, 64 * 1024)];
        int length = FileDescriptor.Pread(_messages, text, 0);
        return Encoding.UTF8.GetString(text, 0, Math.Max(length, 0)).Trim();
    }
}
