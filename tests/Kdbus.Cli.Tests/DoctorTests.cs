using System.Text.Json.Nodes;
using Kdbus.Linux;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl doctor</c>: on machines that are made up, and on this one.</summary>
public sealed class DoctorTests
{
    [Fact]
    public void A_machine_with_everything_is_well()
    {
        Assert.All(Checks.All(new MadeUp()), static finding => Assert.True(finding.Health == Health.Ok, finding.ToString()));
        Assert.Equal(0, Tell(new MadeUp()).Code);
    }

    [Fact]
    public void An_ordinary_user_with_fusermount3_can_mount_and_is_told_what_he_does_not_get()
    {
        MadeUp machine = new() { Uid = 1000, Capabilities = [], OpenErrors = new(StringComparer.Ordinal) { ["/dev/fuse"] = -SystemError.EACCES, ["/dev/cpu_dma_latency"] = -SystemError.EACCES } };
        (int code, string text) = Tell(machine);
        Assert.Equal(0, code);
        Assert.Contains("with /usr/bin/fusermount3", text, StringComparison.Ordinal);
        Assert.Equal(
            [("/dev/fuse", Health.Limited), ("passthrough", Health.Limited), ("other users", Health.Limited), ("low latency", Health.Limited)],
            Checks.All(machine).Where(static finding => finding.Health != Health.Ok).Select(static finding => (finding.What, finding.Health)));
        Assert.Contains("other users: root can allow more: a line user_allow_other in /etc/fuse.conf", text, StringComparison.Ordinal);
        machine.Files["/etc/fuse.conf"] = "# comment\n user_allow_other \n";
        Assert.Equal(Health.Ok, Checks.Others(machine).Health);
        machine.Files["/etc/fuse.conf"] = "#user_allow_other\n";
        Assert.Equal(Health.Limited, Checks.Others(machine).Health);
    }

    [Theory]
    [InlineData("no kdbusfs", "kdbusfs", "install it beside kdbusctl")]
    [InlineData("broken kdbusfs", "kdbusfs", "see what it says itself")]
    [InlineData("old kernel", "kernel", "boot a newer kernel")]
    [InlineData("no device", "/dev/fuse", "modprobe fuse")]
    [InlineData("forbidden device", "/dev/fuse", "--device /dev/fuse")]
    [InlineData("no module", "/dev/fuse", "modprobe fuse")]
    [InlineData("no fusermount3", "mounting", "install the package fuse3")]
    [InlineData("fusermount3 not set-user-ID", "mounting", "chmod u+s /usr/bin/fusermount3")]
    [InlineData("fusermount3 of another user", "mounting", "chown root /usr/bin/fusermount3")]
    public void What_keeps_everybody_from_mounting_is_told_with_what_to_do_and_ends_with_1(string machine, string what, string advice)
    {
        MadeUp made = Broken(machine);
        (int code, string text) = Tell(made);
        Assert.Equal(1, code);
        Finding finding = Assert.Single(Checks.All(made), finding => finding.What == what);
        Assert.Equal((Health.Missing, true), (finding.Health, finding.IsNeeded));
        Assert.Contains($"\n{what}: ", text, StringComparison.Ordinal);
        Assert.Contains(advice, text, StringComparison.Ordinal);
        Assert.Contains("No domain can be mounted here.", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("6.8", "passthrough", nameof(Health.Limited))]
    [InlineData("6.8", "process identity", nameof(Health.Limited))]
    [InlineData("6.9", "process identity", nameof(Health.Ok))]
    [InlineData("6.9", "passthrough", nameof(Health.Ok))]
    [InlineData("6.12", "kdbusfs run", nameof(Health.Limited))]
    [InlineData("6.13", "kdbusfs run", nameof(Health.Ok))]
    [InlineData("5.18", "kdbusfs run", nameof(Health.Missing))]
    [InlineData("5.6", "kernel", nameof(Health.Ok))]
    [InlineData("5.5", "kernel", nameof(Health.Missing))]
    public void Each_thing_needs_the_kernel_that_brought_it(string kernel, string what, string health) =>
        Assert.Equal(health, Checks.All(new MadeUp { Kernel = Version.Parse(kernel) }).Single(finding => finding.What == what).Health.ToString());

    [Theory]
    [InlineData(null, false, nameof(Health.Ok))]
    [InlineData("0", false, nameof(Health.Ok))]
    [InlineData("1", false, nameof(Health.Limited))]
    [InlineData("1", true, nameof(Health.Ok))]
    [InlineData("2", true, nameof(Health.Ok))]
    [InlineData("3", true, nameof(Health.Missing))]
    public void Yama_matters_to_a_server_without_CAP_SYS_PTRACE_and_at_3_to_all(string? scope, bool isRoot, string health)
    {
        MadeUp machine = new() { Capabilities = isRoot ? [19, 21] : [] };
        if (scope is not null)
            machine.Files["/proc/sys/kernel/yama/ptrace_scope"] = $"{scope}\n";
        Assert.Equal(health, Checks.CallersMemory(machine).Health.ToString());
    }

    [Fact]
    public void User_namespaces_seccomp_open_files_and_metadata_are_looked_at()
    {
        Assert.Equal(Health.Limited, Checks.UserNamespaces(With("/proc/sys/user/max_user_namespaces", "0\n")).Health);
        Assert.Equal(Health.Limited, Checks.UserNamespaces(With("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", uid: 1000)).Health);
        Assert.Equal(Health.Ok, Checks.UserNamespaces(With("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n")).Health);
        Assert.Equal(Health.Limited, Checks.Passthrough(new MadeUp { IsInitialUserNamespace = false }).Health);
        Assert.Equal(Health.Missing, Checks.OldPrograms(With("/proc/sys/kernel/seccomp/actions_avail", "kill_process errno allow\n")).Health);
        MadeUp few = With("/proc/self/limits", "Limit  Soft Limit\nMax open files            256                  1024                 files\n", uid: 1000);
        Assert.Equal((Health.Limited, "a server may have 1024, and each client takes one or two"), (Checks.OpenFiles(few).Health, Checks.OpenFiles(few).Detail));
        Assert.Equal(Health.Limited, Checks.OpenFiles(With("/proc/self/limits", "")).Health);
        MadeUp silent = new();
        Assert.True(silent.Files.Remove("/proc/self/attr/current") & silent.Files.Remove("/proc/self/loginuid"));
        Assert.Equal("this kernel does not tell audit, seclabel", Checks.Metadata(silent).Detail);
    }

    [Fact]
    public void A_domain_whose_server_is_gone_or_hangs_or_is_for_somebody_else_is_told_as_such()
    {
        Assert.Equal(Health.Ok, Checks.Domain(new DomainState("/d", 0, 1, null)).Health);
        Assert.Equal("1 bus", Checks.Domain(new DomainState("/d", 0, 1, null)).Detail);
        Assert.Equal((Health.Missing, "kdbusctl unmount --lazy /d"), (Checks.Domain(new DomainState("/d", -107, 0, null)).Health, Checks.Domain(new DomainState("/d", -107, 0, null)).Advice));
        Assert.Equal("its server does not answer", Checks.Domain(new DomainState("/d", null, 0, null)).Detail);
        Assert.Equal(Health.Limited, Checks.Domain(new DomainState("/d", -SystemError.EACCES, 0, null)).Health);
    }

    [Fact]
    public async Task This_machine_is_told_to_root_and_to_an_ordinary_user_with_the_domain_that_is_mounted()
    {
        await using Scene scene = await Scene.StartAsync();
        Outcome root = (await scene.RunAsync("doctor")).Succeeded();
        Assert.Matches("(?m)^mounting +ok +directly", root.Output);
        Assert.Matches($"(?m)^domain {scene.Domain} +ok +1 bus", root.Output);
        Outcome user = await scene.RunAsync(new ProgramCall(["doctor", "--json"]) { Uid = 65534 });
        JsonNode told = JsonNode.Parse(user.Output)!;
        bool canMount = Fusermount.Find() is { } path && (File.GetUnixFileMode(path) & UnixFileMode.SetUser) != 0;
        Assert.Equal((canMount, canMount ? 0 : 1), (told["canMount"]!.GetValue<bool>(), user.Code));
        JsonNode passthrough = told["findings"]!.AsArray().Single(static finding => finding!["what"]!.GetValue<string>() == "passthrough")!;
        Assert.Equal("limited", passthrough["state"]!.GetValue<string>());
        Assert.NotNull(passthrough["advice"]);
    }

    [Fact]
    public async Task On_a_terminal_it_fits_and_has_colours()
    {
        await using Scene scene = await Scene.StartAsync();
        using Terminal terminal = Terminal.Open(["NO_COLOR="], 80, 60, "doctor", "--color", "always");
        string screen = await terminal.EndsAsync(0);
        Assert.Contains("A domain can be mounted here.", screen, StringComparison.Ordinal);
        Assert.All(screen.Split('\n'), static line => Assert.InRange(line.Length, 0, 80));
        Assert.Matches("\u001b\\[[0-9;]*32mok", terminal.ScreenWithColors());
    }

    [Fact]
    public async Task A_domain_whose_server_was_killed_is_found()
    {
        await using Scene scene = await Scene.StartAsync();
        // The server is the one that has the device open behind this mount: a child of this process.
        int server = ServerOf();
        Assert.Equal(0, ChildProcess.Signal(server, Signals.Kill));
        Outcome told = await scene.RunAsync("doctor");
        Assert.Matches($"(?m)^domain {scene.Domain} +missing +its server is gone", told.Output);
        Assert.Contains($"kdbusctl unmount --lazy {scene.Domain}", told.Output, StringComparison.Ordinal);

        int ServerOf()
        {
            foreach (string directory in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(directory), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int pid) && IsServer(pid))
                    return pid;
            }
            throw new InvalidOperationException("There is no server.");
        }

        bool IsServer(int pid)
        {
            try
            {
                return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0') is ["kdbusfs", "mount", var where, ..] && where == scene.Domain;
            }
            catch (IOException)
            {
                return false; // it has ended
            }
        }
    }

    private static MadeUp With(string file, string text, uint uid = 0)
    {
        MadeUp machine = new() { Uid = uid };
        machine.Files[file] = text;
        return machine;
    }

    private static MadeUp Broken(string how)
    {
        MadeUp user = new() { Uid = 1000, Capabilities = [] };
        MadeUp root = new();
        switch (how)
        {
            case "no kdbusfs":
                _ = root.Programs.Remove("kdbusfs");
                return root;
            case "broken kdbusfs":
                return root with { Version = null };
            case "old kernel":
                return root with { Kernel = new Version(5, 5) };
            case "no device":
                _ = root.Modes.Remove("/dev/fuse");
                return root;
            case "forbidden device":
                root.OpenErrors["/dev/fuse"] = -SystemError.EPERM;
                return root;
            case "no module":
                root.OpenErrors["/dev/fuse"] = -19; // ENODEV
                return root;
            case "no fusermount3":
                _ = user.Programs.Remove("fusermount3");
                return user;
            case "fusermount3 not set-user-ID":
                user.Modes["/usr/bin/fusermount3"] = (0x81ed, 0);
                return user;
            default:
                user.Modes["/usr/bin/fusermount3"] = (0x89ed, 1000);
                return user;
        }
    }

    private static (int Code, string Text) Tell(MadeUp machine)
    {
        using MemoryStream shown = new();
        using Output output = new(shown, isJson: false, width: null, hasColors: false);
        int code = DoctorCommand.Tell(output, Checks.All(machine));
        output.Flush();
        return (code, System.Text.Encoding.UTF8.GetString(shown.ToArray()));
    }

    /// <summary>A machine on which everything works for root, unless it is made otherwise.</summary>
    private sealed record MadeUp : IMachine
    {
        public Version Kernel { get; init; } = new(6, 18);

        public uint Uid { get; init; }

        public bool IsInitialUserNamespace { get; init; } = true;

        public int Cpus => 2;

        public HashSet<int> Capabilities { get; init; } = [19, 21];

        public string? Version { get; init; } = "kdbusfs 1.0";

        public Dictionary<string, int> OpenErrors { get; init; } = new(StringComparer.Ordinal);

        public Dictionary<string, string> Programs { get; } = new(StringComparer.Ordinal) { ["kdbusfs"] = "/usr/bin/kdbusfs", ["fusermount3"] = "/usr/bin/fusermount3" };

        public Dictionary<string, (uint Mode, uint Uid)> Modes { get; } = new(StringComparer.Ordinal) { ["/dev/fuse"] = (0x21b6, 0), ["/usr/bin/fusermount3"] = (0x89ed, 0) };

        public Dictionary<string, string> Files { get; } = new(StringComparer.Ordinal)
        {
            ["/proc/sys/user/max_user_namespaces"] = "63000\n",
            ["/proc/sys/kernel/seccomp/actions_avail"] = "kill_process kill_thread trap errno user_notif trace log allow\n",
            ["/proc/sys/fs/nr_open"] = "1048576\n",
            ["/proc/self/limits"] = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n",
            ["/proc/self/cgroup"] = "0::/user.slice\n",
            ["/proc/self/loginuid"] = "1000",
            ["/proc/self/attr/current"] = "unconfined\n",
        };

        public bool HasCapability(int capability) => Capabilities.Contains(capability);

        public int TryOpen(string path, int flags) => OpenErrors.GetValueOrDefault(path);

        public string? Read(string path) => Files.GetValueOrDefault(path);

        (uint Mode, uint Uid)? IMachine.Status(string path) => Modes.TryGetValue(path, out (uint Mode, uint Uid) status) ? status : null;

        public string? FindServer() => Programs.GetValueOrDefault("kdbusfs");

        public string? FindFusermount() => Programs.GetValueOrDefault("fusermount3");

        public string? Run(string program, string argument) => Version;

        public IReadOnlyList<DomainState> Domains() => [];
    }
}
