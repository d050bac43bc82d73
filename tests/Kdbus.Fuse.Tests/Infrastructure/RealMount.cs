using System.Collections.Concurrent;
using System.Diagnostics;
using Kdbus.Linux;

namespace Kdbus.Fuse.Tests.Infrastructure;

/// <summary>
/// The tiny file system mounted for real in a fresh directory, with client processes that end before it does. Whatever a test does or fails to do, nothing
/// is left: held calls are failed, clients killed, the mount taken away, the connection aborted if all else fails.
/// </summary>
public sealed class RealMount : IDisposable
{
    private static readonly Lock s_compile = new();
    private static string? s_client;

    private readonly int _fd;
    private readonly Thread _thread;
    private readonly List<Client> _clients = [];
    private readonly ConcurrentQueue<string> _trace = new();

    public RealMount(FuseSessionOptions? options = null)
    {
        Assert.SkipUnless(Credentials.IsRoot, "mounting needs root");
        Assert.SkipUnless(System.IO.File.Exists("/dev/fuse"), "there is no /dev/fuse");
        Path = Directory.CreateTempSubdirectory("kdbus-fuse-test-").FullName;
        _fd = FileDescriptor.Open("/dev/fuse", OpenFlags.ReadWrite | OpenFlags.CloseOnExec);
        Assert.True(_fd >= 0, $"/dev/fuse cannot be opened: errno {-_fd}");
        int result = Mounts.Mount(
            "tiny", Path, "fuse.tiny", MountFlags.NoSuid | MountFlags.NoDevices, $"fd={_fd},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions");
        Assert.True(result == 0, $"mount failed: errno {-result}");
        Device = new FuseDevice(_fd);
        options = (options ?? new FuseSessionOptions()) with { Trace = new FuseTextTrace(_trace.Enqueue), Bug = Bugs.Enqueue };
        Session = new FuseSession(Device, Files, options);
        Files.Session = Session;
        Assert.Null(Session.Initialize());
        _thread = new Thread(() => End = Session.Run()) { IsBackground = true };
        _thread.Start();
    }

    public string Path { get; }

    public string FilePath => System.IO.Path.Combine(Path, "file");

    public FuseDevice Device { get; }

    public FuseSession Session { get; }

    public TinyFileSystem Files { get; } = new();

    public ConcurrentQueue<FuseBugException> Bugs { get; } = new();

    public FuseSessionEnd? End { get; private set; }

    /// <summary>Every message so far, for the message of a failing assertion.</summary>
    public string Trace => string.Join("\n", _trace);

    public Client StartClient()
    {
        var client = new Client(CompileClient(), FilePath);
        _clients.Add(client);
        return client;
    }

    /// <summary>Runs a program to its end.</summary>
    public static string Output(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)), $"{program} does not end");
        return output + errors.Result;
    }

    public int Unmount(bool lazy = false) => Mounts.Unmount(Path, lazy);

    public FuseSessionEnd WaitForEnd()
    {
        Assert.True(_thread.Join(TimeSpan.FromSeconds(10)), "the session does not end:\n" + Trace);
        return End!.Value;
    }

    public void Dispose()
    {
        Files.Gate.Set();
        Files.OnSignal = OnSignal.Interrupt;
        foreach (Client client in _clients)
            client.Kill();
        Files.Complete();
        foreach (Client client in _clients)
            client.Dispose();
        if (Unmount() is not (0 or -SystemError.EINVAL))
            Unmount(lazy: true);
        if (!_thread.Join(TimeSpan.FromSeconds(10)))
            Session.Stop();
        _thread.Join(TimeSpan.FromSeconds(10));
        Session.Dispose();
        _ = FileDescriptor.Close(_fd);
        Directory.Delete(Path);
    }

    private static string CompileClient()
    {
        lock (s_compile)
        {
            if (s_client is not null)
                return s_client;
            string binary = System.IO.Path.Combine(AppContext.BaseDirectory, "fuse-test-client");
            string complaint = Output("cc", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", binary, System.IO.Path.Combine(AppContext.BaseDirectory, "client.c"));
            Assert.True(complaint.Length == 0, complaint);
            return s_client = binary;
        }
    }

    /// <summary>A process that does what it is told; see client.c.</summary>
    public sealed class Client : IDisposable
    {
        private readonly Process _process;
        private readonly BlockingCollection<string> _lines = [];

        public Client(string program, string file)
        {
            _process = Process.Start(new ProcessStartInfo(program, file) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
            Pid = _process.Id;
            _process.OutputDataReceived += (_, line) =>
            {
                if (line.Data is not null)
                    _lines.Add(line.Data);
            };
            _process.BeginOutputReadLine();
            Assert.Equal("open", Line());
        }

        public int Pid { get; }

        public void Say(string command) => _process.StandardInput.WriteLine(command);

        public string Line()
        {
            Assert.True(_lines.TryTake(out string? line, TimeSpan.FromSeconds(60)), "the client says nothing");
            return line;
        }

        public bool IsSilent => _lines.Count == 0;

        /// <summary>The letter of proc(5): S, D, T, R, Z of its main thread.</summary>
        public char State()
        {
            string stat = System.IO.File.ReadAllText($"/proc/{Pid}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }

        public void Signal(int number) => Assert.Equal(0, ChildProcess.Signal(Pid, number));

        public bool HasExited(TimeSpan within) => _process.WaitForExit(within);

        public void Kill()
        {
            if (!_process.HasExited)
                _ = ChildProcess.Signal(Pid, 9);
        }

        public void Dispose()
        {
            _process.WaitForExit(TimeSpan.FromSeconds(10));
            _process.Dispose();
            _lines.Dispose();
        }
    }
}
