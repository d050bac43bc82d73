using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kdbus.Daemon.Cli;
using Kdbus.Linux;

namespace Kdbus.Daemon.Tests;

/// <summary>The program with real mounts, as root.</summary>
public sealed class MountingTests : IDisposable
{
    private const int Terminate = 15, Kill = 9;

    private readonly Workplace _here;

    public MountingTests()
    {
        Workplace.SkipUnlessRootWithFuse();
        _here = new Workplace();
    }

    private string Control => Path.Combine(_here.MountPoint, "control");

    public void Dispose() => _here.Dispose();

    private void Succeeds(params string[] arguments)
    {
        Outcome outcome = _here.Kdbusfs(arguments);
        string said = arguments[0] == "mount" ? $"Serving {_here.MountPoint}, profile passthrough.\n" : "";
        Assert.Equal((0, said), (outcome.Code, outcome.Text));
    }

    private void WaitForTheServersEnd() => Workplace.Eventually(() => _here.Servers().Count == 0, "the server's end");

    [Fact]
    public void When_mount_returns_the_domain_can_be_used_and_its_server_is_a_daemon()
    {
        Succeeds("mount", _here.MountPoint);
        Assert.True(File.Exists(Control));
        MountInfo mount = _here.Mounted()!;
        Assert.Equal(("fuse.kdbusfs", "kdbusfs"), (mount.FileSystemType, mount.Source));
        Assert.StartsWith("rw,nosuid,nodev,noexec", mount.Options, StringComparison.Ordinal);
        Assert.Contains("default_permissions,allow_other", mount.SuperOptions, StringComparison.Ordinal);

        int server = Assert.Single(_here.Servers());
        byte[] buffer = new byte[4096];
        int length = ProcFile.Read(server, "stat"u8, buffer);
        string[] fields = Encoding.UTF8.GetString(buffer, 0, length).Split(") ")[1].Split(' ');
        Assert.Equal(server, int.Parse(fields[3], System.Globalization.CultureInfo.InvariantCulture)); // its session
        foreach (string stream in (string[])["fd/0", "fd/1", "fd/2"])
            Assert.Equal("/dev/null", Link(server, stream));
        Assert.Equal("/", Link(server, "cwd"));

        Succeeds("unmount", _here.MountPoint);
        Assert.Null(_here.Mounted());
        WaitForTheServersEnd();
    }

    private static string Link(int pid, string name)
    {
        byte[] target = new byte[4096];
        int length = ProcFile.ReadLink(pid, Encoding.UTF8.GetBytes(name), target);
        return length < 0 ? SystemError.Describe(length) : Encoding.UTF8.GetString(target, 0, length);
    }

    [Fact]
    public void Descriptors_of_the_caller_are_not_kept_by_the_server()
    {
        Outcome outcome = _here.Shell("exec 9<$T; $K mount $D && for fd in /proc/$(pgrep -f \"mount $D\")/fd/*; do readlink $fd; done");
        Assert.Equal(0, outcome.Code);
        Assert.Contains("/dev/fuse", outcome.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(_here.Root + "\n", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_show_in_the_mount()
    {
        Succeeds("mount", _here.MountPoint, "-o", @"no_allow_other,fsname=a b\,c", "-o", "relatime");
        MountInfo mount = _here.Mounted()!;
        Assert.Equal("a b,c", mount.Source);
        Assert.DoesNotContain("allow_other", mount.SuperOptions, StringComparison.Ordinal);
    }

    [Fact]
    public void A_relative_path_and_a_symbolic_link_lead_to_the_same_mount()
    {
        Outcome outcome = _here.Shell("ln -s mnt $T/link && cd $T && $K mount link/ && $K unmount ./link && $K mount mnt");
        Assert.Equal((0, ""), (outcome.Code, outcome.Text));
        Assert.NotNull(_here.Mounted());
    }

    [Fact]
    public void A_second_mount_in_the_same_place_is_76()
    {
        Succeeds("mount", _here.MountPoint);
        Outcome outcome = _here.Kdbusfs("mount", _here.MountPoint);
        Assert.Equal(ExitCode.AlreadyMounted, outcome.Code);
        Assert.Equal(
            $"kdbusfs: '{_here.MountPoint}' is busy: a fuse.kdbusfs file system is mounted there already\n"
            + $"  to replace it, run 'kdbusfs unmount {_here.MountPoint}' first\n",
            outcome.Text);
    }

    [Fact]
    public void A_mount_whose_server_was_killed_is_still_recognised_and_unmounted()
    {
        Succeeds("mount", _here.MountPoint);
        Assert.Equal(0, ChildProcess.Signal(Assert.Single(_here.Servers()), Kill));
        WaitForTheServersEnd();
        Assert.False(File.Exists(Control));
        Assert.Equal(ExitCode.AlreadyMounted, _here.Kdbusfs("mount", _here.MountPoint).Code);
        Succeeds("unmount", _here.MountPoint);
        Assert.Null(_here.Mounted());
    }

    [Fact]
    public void Another_fuse_file_system_is_neither_covered_nor_unmounted()
    {
        int fd = FileDescriptor.Open("/dev/fuse", OpenFlags.ReadWrite);
        string data = $"fd={fd},rootmode=40000,user_id=0,group_id=0";
        Assert.Equal(0, Mounts.Mount("other", _here.MountPoint, "fuse.other", MountFlags.None, data));
        try
        {
            Outcome outcome = _here.Kdbusfs("mount", _here.MountPoint);
            Assert.Equal(
                (ExitCode.AlreadyMounted, $"kdbusfs: '{_here.MountPoint}' is busy: a fuse.other file system is mounted there already\n"),
                (outcome.Code, outcome.Text));
            outcome = _here.Kdbusfs("unmount", _here.MountPoint);
            Assert.Equal(
                (ExitCode.NotKdbusfs, $"kdbusfs: a fuse.other file system is mounted on '{_here.MountPoint}', not a kdbusfs\n"),
                (outcome.Code, outcome.Text));
        }
        finally
        {
            _ = FileDescriptor.Close(fd);
        }
    }

    [Fact]
    public void A_mount_in_use_is_75_and_names_who_uses_it()
    {
        Succeeds("mount", _here.MountPoint);
        using (File.OpenRead(Control))
        {
            Outcome outcome = _here.Kdbusfs("unmount", _here.MountPoint);
            Assert.Equal(ExitCode.InUse, outcome.Code);
            Assert.StartsWith(
                $"kdbusfs: '{_here.MountPoint}' is in use by process {Environment.ProcessId} (", outcome.Text, StringComparison.Ordinal);
            Assert.NotNull(_here.Mounted());
        }
        Succeeds("unmount", _here.MountPoint);
    }

    [Fact]
    public void A_working_directory_is_a_use_too()
    {
        Succeeds("mount", _here.MountPoint);
        Outcome outcome = _here.Shell("cd $D && $K unmount $D");
        Assert.Equal(ExitCode.InUse, outcome.Code);
        Assert.Contains("(sh)", outcome.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lazy_unmount_frees_the_name_and_open_files_go_on_working()
    {
        Succeeds("mount", _here.MountPoint);
        int control = FileDescriptor.Open(Control, OpenFlags.ReadWrite);
        Assert.True(control >= 0);
        Succeeds("unmount", _here.MountPoint, "--lazy");
        Assert.Null(_here.Mounted());
        Assert.Equal(0, FileStatus.Of(control, out _));
        Assert.Equal(-SystemError.ENOTTY, FileDescriptor.Ioctl(control, 0x1234, 0));
        Assert.Single(_here.Servers());
        _ = FileDescriptor.Close(control);
        WaitForTheServersEnd();
    }

    [Fact]
    public void A_signal_ends_a_server_in_the_foreground_with_success_and_without_a_mount()
    {
        string log = Path.Combine(_here.Root, "log");
        (int pid, _) = _here.Start([], "mount", _here.MountPoint, "--foreground", "--log-file", log, "--log-format", "json");
        Workplace.Eventually(() => _here.Mounted() is not null && File.Exists(Control), "the mount");
        Assert.Equal(0, ChildProcess.Signal(pid, Terminate));
        Assert.Equal(0, Workplace.EndOf(pid));
        Assert.Null(_here.Mounted());

        int[] events = [.. File.ReadLines(log).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("EventId").GetInt32())];
        Assert.Equal([1, 101, 2, 102], events);
    }

    [Fact]
    public void A_signal_ends_a_server_although_files_are_open()
    {
        (int pid, string output) = _here.Start([], "mount", _here.MountPoint, "--foreground", "--log-format", "systemd");
        Workplace.Eventually(() => _here.Mounted() is not null && File.Exists(Control), "the mount");
        using FileStream open = File.OpenRead(Control);
        Assert.Equal(0, ChildProcess.Signal(pid, Terminate));
        Assert.Equal(0, Workplace.EndOf(pid));
        Assert.Null(_here.Mounted());
        Assert.Contains("<4>kdbusfs[3] Ending although files are still open", File.ReadAllText(output), StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_mounted_over_the_mount_survives_the_servers_end()
    {
        (int pid, _) = _here.Start([], "mount", _here.MountPoint, "--foreground");
        Workplace.Eventually(() => _here.Mounted() is not null && File.Exists(Control), "the mount");
        Assert.Equal(0, Mounts.Mount("over", _here.MountPoint, "tmpfs", MountFlags.None, "size=4096"));
        Assert.Equal(0, ChildProcess.Signal(pid, Terminate));
        Assert.Equal(0, Workplace.EndOf(pid));
        Assert.Equal("tmpfs", _here.Mounted()!.FileSystemType);
    }

    [Fact]
    public void Systemd_is_told_of_readiness_and_of_stopping()
    {
        string path = Path.Combine(_here.Root, "notify");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
        socket.Bind(new UnixDomainSocketEndPoint(path));
        (int pid, _) = _here.Start([$"NOTIFY_SOCKET={path}"], "mount", _here.MountPoint, "--foreground");
        Assert.Equal("READY=1", Receive(socket));
        Assert.True(File.Exists(Control));
        Assert.Equal($"STATUS=Serving {_here.MountPoint}, profile passthrough", Receive(socket));
        Assert.Equal(0, ChildProcess.Signal(pid, Terminate));
        Assert.Equal("STOPPING=1", Receive(socket));
        Assert.Equal(0, Workplace.EndOf(pid));
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[1024];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }

    [Fact]
    public void A_log_file_takes_what_the_background_server_says()
    {
        string log = Path.Combine(_here.Root, "log");
        Succeeds("mount", _here.MountPoint, "--log-file", log, "-o", "debug");
        Assert.True(File.Exists(Control));
        Succeeds("unmount", _here.MountPoint);
        WaitForTheServersEnd();
        string text = File.ReadAllText(log);
        Assert.Contains($"kdbusfs[1] Mounted kdbusfs on {_here.MountPoint}", text, StringComparison.Ordinal);
        Assert.Contains("LOOKUP", text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_server_nobody_waits_for_goes_again()
    {
        // A pipe whose reader has gone, as when the starting process was killed: the server cannot say that it serves.
        Outcome outcome = _here.Shell(
            "mkfifo $T/p; exec 8<>$T/p; exec 7>$T/p; exec 8<&-; exec $K mount $D --foreground --ready-descriptor 7");
        Assert.Equal(0, outcome.Code);
        Assert.Null(_here.Mounted());
    }
}
