using System.Diagnostics;
using System.Text;

namespace Kdbus.Conformance.Worlds.Mounted;

/// <summary>
/// A real mount by the real daemon, used by real processes. The daemon is a child in the foreground; it is asked to end with SIGTERM, and what
/// it should have taken away is taken away for it if it has not, with a warning in the test's result.
/// </summary>
internal sealed class MountWorld : IWorld
{
    private static readonly TimeSpan s_leaveTime = TimeSpan.FromSeconds(10);

    private readonly PuppetFamily _puppets;
    private readonly StringBuilder _said = new();
    private readonly Process _daemon;
    private readonly MountGuard _guard;
    private bool _killed;

    private MountWorld(WorldKind kind, string[] options)
    {
        Kind = kind;
        _puppets = new PuppetFamily(kind == WorldKind.MountByExchange);
        Root = Directory.CreateTempSubdirectory("kdbusfs-test-").FullName;
        ProcessStartInfo start = new(DaemonBinary.Path, ["mount", Root, "--foreground", .. options])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        _daemon = Process.Start(start) ?? throw new InvalidOperationException($"{DaemonBinary.Path} did not start.");
        _daemon.OutputDataReceived += Keep;
        _daemon.ErrorDataReceived += Keep;
        _guard = new MountGuard(_daemon.Id, Root);
        _daemon.BeginOutputReadLine();
        _daemon.BeginErrorReadLine();
    }

    /// <summary>Why there can be no mount on this machine; null if there can.</summary>
    public static string? Obstacle { get; } =
        !Environment.IsPrivilegedProcess ? "A mount needs root." :
        !File.Exists("/dev/fuse") ? "A mount needs /dev/fuse." : null;

    /// <inheritdoc/>
    public WorldKind Kind { get; }

    /// <inheritdoc/>
    public string Root { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Warnings => [.. Said.Split('\n').Where(static line => line.Contains(" warn: ", StringComparison.Ordinal))];

    /// <summary>The daemon's process id.</summary>
    public int DaemonId => _daemon.Id;

    /// <summary>Mounts a fresh domain with these options of <c>kdbusfs mount</c> and waits until it is served.</summary>
    public static MountWorld Open(WorldKind kind, string[] options)
    {
        MountWorld world = new(kind, options);
        try
        {
            world.AwaitReadiness();
        }
        catch
        {
            world.Dispose();
            throw;
        }
        return world;
    }

    /// <inheritdoc/>
    public IProcess Spawn() => _puppets.Start();

    /// <inheritdoc/>
    public IControlGroup? MakeControlGroup() => ControlGroup.TryMake();

    /// <summary>Asks the daemon to end as its service manager would, and waits for it. Null if it does not end in time.</summary>
    public int? Terminate()
    {
        if (!_daemon.HasExited)
            Run("/bin/kill", "-TERM", $"{_daemon.Id}");
        return _daemon.WaitForExit(s_leaveTime) ? _daemon.ExitCode : null;
    }

    /// <summary>SIGKILL to the daemon, which is gone when this returns. Its mount is taken away with the world.</summary>
    public void Kill()
    {
        _killed = true;
        _daemon.Kill();
        _daemon.WaitForExit();
    }

    /// <summary>Is something mounted on <see cref="Root"/>?</summary>
    public bool IsMounted() =>
        File.ReadLines("/proc/self/mountinfo").Any(line => string.Equals(line.Split(' ')[4], Root, StringComparison.Ordinal));

    /// <inheritdoc/>
    public void Dispose()
    {
        _puppets.Dispose();
        bool endedByItself = _daemon.HasExited;
        int? status = Terminate();
        if (status is null)
        {
            _daemon.Kill();
            _daemon.WaitForExit(s_leaveTime);
        }
        if (!_killed && (status != 0 || endedByItself))
            Warn($"The daemon {(endedByItself ? "ended by itself" : "was told to end")}: {status?.ToString() ?? "it had to be killed"}. It said: {Said}");
        if (IsMounted())
        {
            if (!_killed)
                Warn("The daemon left its mount behind.");
            Run("/bin/umount", "-l", Root);
        }
        _daemon.Dispose();
        Directory.Delete(Root);
        _guard.Release();
    }

    private string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    private void AwaitReadiness()
    {
        string control = Path.Combine(Root, "control");
        Stopwatch waited = Stopwatch.StartNew();
        while (!(IsMounted() && Pending.Await(Task.Run(() => File.Exists(control)), "stat of the control file")))
        {
            if (_daemon.HasExited)
                throw new InvalidOperationException($"The daemon ended with {_daemon.ExitCode} before it was ready. It said: {Said}");
            if (waited.Elapsed > Pending.Patience)
                throw new TimeoutException($"The daemon is not ready after {Pending.Patience.TotalSeconds} s. It said: {Said}");
            Thread.Sleep(2);
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_said)
            _said.AppendLine(line.Data);
    }

    private static void Warn(string text)
    {
        TestContext.Current.AddWarning(text);
        TestContext.Current.SendDiagnosticMessage(text);
    }

    private static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
    }
}
