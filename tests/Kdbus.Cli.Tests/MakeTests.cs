using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl bus make</c> and <c>kdbusctl endpoint make</c>.</summary>
public sealed class MakeTests
{
    [Fact]
    public async Task A_bus_lives_until_Ctrl_C_and_is_as_it_was_asked_for()
    {
        await using Scene scene = await Scene.StartAsync();
        Running maker = scene.Start("bus", "make", "made", "--domain", scene.Domain, "--world", "--require", "creds,pids", "--bloom-size", "128", "--bloom-hashes", "3");
        string endpoint = (await maker.SaysAsync("0-made/bus\n")).TrimEnd('\n');
        Assert.Equal(Path.Combine(scene.Domain, "0-made/bus"), endpoint);
        Assert.Equal("-rw-rw-rw-", Letters(endpoint));
        await using (BusConnection connection = await BusConnection.ConnectAsync(endpoint, cancellation: TestContext.Current.CancellationToken))
            Assert.Equal(new BloomParameters(128, 3), connection.Bloom);
        BusRefusedException refused = await Assert.ThrowsAsync<BusRefusedException>(
            async () => await BusConnection.ConnectAsync(endpoint, new BusConnectionOptions { SendMetadata = Abi.AttachFlags.Creds }, TestContext.Current.CancellationToken));
        Assert.Equal(Abi.Errno.ECONNREFUSED, refused.Error);
        Assert.Equal(0, (await maker.InterruptAsync()).Code);
        Assert.False(Directory.Exists(Path.Combine(scene.Domain, "0-made")));
    }

    [Fact]
    public async Task Only_its_owner_or_also_his_group_may_enter_a_bus_and_JSON_tells_who_holds_it()
    {
        await using Scene scene = await Scene.StartAsync();
        Running own = scene.Start("bus", "make", "own", "--domain", scene.Domain);
        Running group = scene.Start("bus", "make", "group", "--domain", scene.Domain, "--group", "--json");
        Assert.Equal("-rw-------", Letters((await own.SaysAsync("\n")).TrimEnd('\n')));
        JsonNode made = JsonNode.Parse(await group.SaysAsync("\n"))!;
        Assert.Equal("-rw-rw----", Letters(made["endpoint"]!.GetValue<string>()));
        Assert.Equal(("0-group", group.Pid), (made["bus"]!.GetValue<string>(), made["pid"]!.GetValue<int>()));
        (await scene.RunAsync("bus", "make", "both", "--domain", scene.Domain, "--group", "--world")).Failed(64, "--world and --group");
    }

    [Fact]
    public async Task A_detached_bus_can_be_used_when_the_command_returns_and_lives_until_its_process_ends()
    {
        await using Scene scene = await Scene.StartAsync();
        string pidFile = Path.Combine(scene.Files, "pid");
        Outcome made = (await scene.RunAsync("bus", "make", "made", "--domain", scene.Domain, "--detach", "--pid-file", pidFile)).Succeeded();
        await using Holder holder = new(pidFile);
        await using (BusConnection connection = await BusConnection.ConnectAsync(made.Lines[0], cancellation: TestContext.Current.CancellationToken))
            Assert.NotEqual(0UL, connection.Id);
        // A session of its own: no terminal ends it.
        string stat = await File.ReadAllTextAsync($"/proc/{holder.Pid}/stat", TestContext.Current.CancellationToken);
        Assert.Equal(holder.Pid.ToString(CultureInfo.InvariantCulture), stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3]);
        (await scene.RunAsync("bus", "make", "other", "--domain", scene.Domain, "--detach", "--pid-file", pidFile)).Failed(71, $"is that of process {holder.Pid}, which lives");
        Assert.False(Directory.Exists(Path.Combine(scene.Domain, "0-other")));
        await holder.EndAsync();
        Assert.False(File.Exists(pidFile));
        Assert.False(Directory.Exists(Path.Combine(scene.Domain, "0-made")));
    }

    [Fact]
    public async Task What_a_detached_one_cannot_do_is_the_message_and_the_exit_code_of_the_command()
    {
        await using Scene scene = await Scene.StartAsync();
        string pidFile = Path.Combine(scene.Files, "pid");
        (await scene.RunAsync("bus", "make", "test", "--domain", scene.Domain, "--detach", "--pid-file", pidFile)).Failed(71, "cannot make the bus", "EEXIST");
        Assert.False(File.Exists(pidFile));
        (await scene.RunAsync("bus", "make", "a b", "--domain", scene.Domain, "--detach")).Failed(64, "'a b' is no name for a bus");
        (await scene.RunAsync("bus", "make", "made", "--domain", scene.Domain, "--bloom-size", "7")).Failed(64, "a bloom filter of 7 bytes");
        (await scene.RunAsync("bus", "make", "made", "--domain", "/tmp", "--detach")).Failed(66, "no kdbusfs domain is mounted on '/tmp'");
        (await scene.RunAsync("bus", "make", "made", "--domain", scene.Domain, "--pid-file", "/no/such/directory/pid")).Failed(73, "cannot write the pid file");
        Assert.False(Directory.Exists(Path.Combine(scene.Domain, "0-made")));
    }

    [Fact]
    public async Task A_pid_file_that_a_dead_process_left_behind_is_replaced()
    {
        await using Scene scene = await Scene.StartAsync();
        using Process dead = Process.Start("/bin/true");
        await dead.WaitForExitAsync(TestContext.Current.CancellationToken);
        string pidFile = Path.Combine(scene.Files, "pid");
        await File.WriteAllTextAsync(pidFile, $"{dead.Id}\n", TestContext.Current.CancellationToken);
        Running maker = scene.Start("bus", "make", "made", "--domain", scene.Domain, "--pid-file", pidFile);
        _ = await maker.SaysAsync("0-made/bus");
        Assert.Equal($"{maker.Pid}\n", await File.ReadAllTextAsync(pidFile, TestContext.Current.CancellationToken));
        _ = await maker.InterruptAsync();
        Assert.False(File.Exists(pidFile));
    }

    [Fact]
    public async Task Who_holds_something_ends_with_the_bus_and_when_the_domain_is_unmounted()
    {
        await using Scene scene = await Scene.StartAsync();
        Running maker = scene.Start("bus", "make", "made", "--domain", scene.Domain);
        string endpoint = (await maker.SaysAsync("0-made/bus\n")).TrimEnd('\n');
        Running door = scene.Start("endpoint", "make", "door", "--bus", Path.GetDirectoryName(endpoint)!);
        Running policy = scene.Start("policy", "set", "org.example.A world talk", "--bus", endpoint);
        Running other = scene.Start("endpoint", "make", "other");
        _ = await door.SaysAsync("0-door");
        _ = await policy.SaysAsync("holding");
        _ = await other.SaysAsync("0-other");
        _ = await maker.InterruptAsync();
        (await door.EndAsync()).Failed(69, "0-door is gone");
        (await policy.EndAsync()).Failed(69, "0-made/bus is gone");
        Assert.Equal(0, Mounts.Unmount(scene.Domain, lazy: true));
        (await other.EndAsync()).Failed(69, "0-other is gone");
    }

    [Fact]
    public async Task An_endpoint_lets_through_what_its_policy_says()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection service = await scene.ConnectAsync();
        await using OwnedName allowed = await service.AcquireNameAsync("org.example.Allowed");
        await using OwnedName hidden = await service.AcquireNameAsync("org.example.Hidden");
        Running maker = scene.Start("endpoint", "make", "door", "--world", "--json", "--allow", "org.example.Allowed", "world", "see");
        JsonNode made = JsonNode.Parse(await maker.SaysAsync("\n"))!;
        Assert.Equal(["org.example.Allowed world=see"], made["policy"]!.AsArray().Select(static rule => rule!.GetValue<string>()), StringComparer.Ordinal);
        await using (BusConnection through = await BusConnection.ConnectAsync(made["endpoint"]!.GetValue<string>(), cancellation: TestContext.Current.CancellationToken))
            Assert.Equal(["org.example.Allowed"], through.List(Abi.ListFlags.Names).SelectMany(static peer => peer.Names), StringComparer.Ordinal);
        Assert.Equal(0, (await maker.InterruptAsync()).Code);
        Assert.Equal(["bus"], Directory.GetFiles(scene.BusPath).Select(Path.GetFileName), StringComparer.Ordinal);
        (await scene.RunAsync("endpoint", "make", "door", "--allow", "org.example.A world eat")).Failed(64, "'eat' is nothing that can be allowed");
        (await scene.RunAsync("endpoint", "make", "door", "--policy", "/no/such/file")).Failed(66, "there is no policy file");
        (await scene.RunAsync("endpoint", "make", "door", "--policy", "/dev/null", "--allow", "org.example.A world see")).Failed(64, "not from both");
        Assert.Equal(["bus"], Directory.GetFiles(scene.BusPath).Select(Path.GetFileName), StringComparer.Ordinal);
    }

    private static string Letters(string path)
    {
        UnixFileMode mode = File.GetUnixFileMode(path);
        return $"-{string.Concat(Enumerable.Range(0, 9).Select(i => ((int)mode & (1 << (8 - i))) == 0 ? '-' : "rwx"[i % 3]))}";
    }

    /// <summary>A detached process, by its pid file. It is ended with this, at the latest.</summary>
    private sealed class Holder : IAsyncDisposable
    {
        private readonly int _handle;

        public Holder(string pidFile)
        {
            Pid = int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture);
            _handle = PidFd.Open(Pid);
            Assert.True(_handle >= 0, SystemError.Describe(_handle));
        }

        public int Pid { get; }

        public async Task EndAsync()
        {
            _ = PidFd.Signal(_handle, Signals.Terminate);
            // Readable when it has ended.
            Assert.Equal(1, await Task.Run(() => FileDescriptor.Poll([new PollEntry(_handle, PollEvents.In)], 60_000), CancellationToken.None));
        }

        public async ValueTask DisposeAsync()
        {
            _ = PidFd.Signal(_handle, Signals.Kill);
            await EndAsync();
            _ = FileDescriptor.Close(_handle);
        }
    }
}
