using System.Globalization;
using Kdbus.Linux;

namespace Kdbus.Daemon.Tests;

/// <summary>What a program did: its exit code and what it wrote to its standard output and standard error, in order.</summary>
internal sealed record Outcome(int Code, string Text);

/// <summary>
/// A temporary directory with an empty directory to mount on, and programs run from there. At the end nothing is mounted below it, no
/// kdbusfs that serves below it runs, and it is gone, whatever the test did.
/// </summary>
internal sealed class Workplace : IDisposable
{
    private int _runs;

    public Workplace()
    {
        Root = Directory.CreateTempSubdirectory("kdbusfs-daemon-test-").FullName;
        MountPoint = Path.Combine(Root, "mnt");
        _ = Directory.CreateDirectory(MountPoint);
        // An ordinary user must get here too.
        File.SetUnixFileMode(Root, (UnixFileMode)0x1ed);
    }

    /// <summary>The program under test, as built.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "kdbusfs");

    public string Root { get; }

    public string MountPoint { get; }

    public static void SkipUnlessRootWithFuse()
    {
        Assert.SkipUnless(Credentials.IsRoot && Credentials.HasCapability(Credentials.CapSysAdmin), "needs root");
        Assert.SkipUnless(File.Exists("/dev/fuse"), "there is no /dev/fuse");
    }

    /// <summary>Runs kdbusfs to its end.</summary>
    public Outcome Kdbusfs(params string[] arguments) => Run([Program, .. arguments]);

    /// <summary>Runs a shell script, which finds the program as $K, the mount point as $D and the temporary directory as $T.</summary>
    public Outcome Shell(string script) => Run(["/bin/sh", "-c", script]);

    /// <summary>As <see cref="Shell"/>, in a mount namespace of its own, which ends with the script unless somebody still lives in
    /// it.</summary>
    public Outcome ShellInOwnMounts(string script) => Run(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script]);

    /// <summary>Starts kdbusfs and goes on: its process id and the file it writes to.</summary>
    public (int Pid, string Output) Start(IReadOnlyList<string> environment, params string[] arguments)
    {
        string output = Path.Combine(Root, string.Create(CultureInfo.InvariantCulture, $"output-{_runs++}"));
        int file = FileDescriptor.Open(output, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append, 0x1b6);
        Assert.True(file >= 0);
        int pid = ChildProcess.Spawn(
            Program,
            ["kdbusfs", .. arguments],
            [.. ChildProcess.CurrentEnvironment(), .. environment],
            [new PassedDescriptor(file, 1), new PassedDescriptor(file, 2)]);
        _ = FileDescriptor.Close(file);
        Assert.True(pid > 0, SystemError.Describe(pid));
        return (pid, output);
    }

    /// <summary>Waits for what <see cref="Start"/> started: its exit code. If it does not end it is killed, and the code is 137.</summary>
    public static int EndOf(int pid)
    {
        int code = 0;
        if (SpinWait.SpinUntil(() => ChildProcess.HasEnded(pid, out code), TimeSpan.FromMinutes(1)))
            return code;
        _ = ChildProcess.Signal(pid, 9);
        return ChildProcess.Wait(pid);
    }

    /// <summary>What is mounted on the mount point, or null.</summary>
    public MountInfo? Mounted()
    {
        Assert.InRange(Mounts.Find(MountPoint, out MountInfo? mount), 0, 1);
        return mount;
    }

    /// <summary>The processes of kdbusfs that serve the mount point.</summary>
    public IReadOnlyList<int> Servers()
    {
        var found = new List<int>();
        byte[] buffer = [];
        foreach (string directory in Directory.GetDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            int length = ProcFile.Read(pid, "cmdline"u8, ref buffer);
            if (length > 0 && System.Text.Encoding.UTF8.GetString(buffer, 0, length).Split('\0') is [_, "mount", var mountPoint, ..]
                && mountPoint == MountPoint)
                found.Add(pid);
        }
        return found;
    }

    /// <summary>Waits until something is so; a minute is for ever.</summary>
    public static void Eventually(Func<bool> condition, string what)
        => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromMinutes(1)), $"never happened: {what}");

    public void Dispose()
    {
        while (Mounts.Find(MountPoint, out _) == 1 && Mounts.Unmount(MountPoint, lazy: true) == 0)
            continue;
        if (!SpinWait.SpinUntil(() => Servers().Count == 0, TimeSpan.FromSeconds(10)))
        {
            foreach (int pid in Servers())
                _ = ChildProcess.Signal(pid, 9);
        }
        Directory.Delete(Root, recursive: true);
    }

    // A hanging program is killed and seen as code 137. Output goes to a file: a server in the background may keep it open, and would keep
    // a reader of a pipe waiting.
    private Outcome Run(string[] command)
    {
        string output = Path.Combine(Root, string.Create(CultureInfo.InvariantCulture, $"output-{_runs++}"));
        int file = FileDescriptor.Open(output, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Append, 0x1b6);
        Assert.True(file >= 0);
        int pid = ChildProcess.Spawn(
            "/usr/bin/timeout",
            ["timeout", "--signal=KILL", "60", .. command],
            [.. ChildProcess.CurrentEnvironment(), $"K={Program}", $"D={MountPoint}", $"T={Root}"],
            [new PassedDescriptor(file, 1), new PassedDescriptor(file, 2)]);
        _ = FileDescriptor.Close(file);
        Assert.True(pid > 0, SystemError.Describe(pid));
        return new Outcome(ChildProcess.Wait(pid), File.ReadAllText(output));
    }
}
