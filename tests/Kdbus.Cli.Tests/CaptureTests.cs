using System.Diagnostics;
using System.Text.Json.Nodes;
using Kdbus.Client;
using static Kdbus.Cli.Tests.HandMade;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl capture</c>, and <c>kdbusctl monitor --from</c>.</summary>
public sealed class CaptureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_capture_shows_the_same_messages_as_a_monitor_that_watched()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        string file = Path.Combine(scene.Files, "one.pcapng");
        Running monitor = await MonitorTests.WatchAsync(scene, "--json"), capture = await StartAsync(scene, file);
        (await client.CallAsync("org.example.Echo", "ping"u8, cancellation: Token)).Dispose();
        using MemfdPayload memfd = MemfdPayload.Create(new byte[100_000]);
        using FileStream descriptor = File.OpenRead("/etc/passwd");
        _ = client.Send(echo.Id, "and"u8, new MessageOptions { Memfds = [memfd], Descriptors = [descriptor.SafeFileHandle] });
        client.Emit(client.Bloom.NewBits(), "last"u8);
        _ = await monitor.SaysAsync("\"last\"");
        await WaitAsync(() => File.ReadAllBytes(file).AsSpan().IndexOf("last"u8) > 0);
        Outcome live = await monitor.InterruptAsync(), captured = await capture.InterruptAsync();
        Assert.Equal(0, captured.Code);
        Assert.Contains("4 messages captured", captured.Error, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Outcome shown = (await scene.RunAsync("monitor", "--from", file, "--json")).Succeeded();
        Assert.Equal(live.Lines.Select(Comparable), shown.Lines.Select(Comparable), StringComparer.Ordinal);
        Assert.Equal(4, shown.Lines.Length);
        Assert.Equal(100_003, JsonNode.Parse(shown.Lines[2])!["size"]!.GetValue<int>());

        // A capture has no processes; names it has.
        static string Comparable(string line)
        {
            JsonObject json = JsonNode.Parse(line)!.AsObject();
            foreach (string side in (string[])["sender", "receiver"])
            {
                foreach (string unknown in (string[])["pid", "process", "user", "description"])
                    _ = (json[side] as JsonObject)?.Remove(unknown);
            }
            return json.ToJsonString();
        }
    }

    [Fact]
    public async Task Names_that_were_owned_before_are_known_from_the_capture()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        string file = Path.Combine(scene.Files, "names.pcapng");
        Running capture = await StartAsync(scene, file, "--count", "2");
        _ = client.Send(client.Id, "not this"u8);
        _ = client.Send(echo.Id, "but this"u8);
        Assert.Equal(0, (await capture.EndAsync()).Code);
        Outcome shown = (await scene.RunAsync("monitor", "--from", file, "--receiver", "org.example.Echo")).Succeeded();
        Assert.Matches($@"^[^\n]* → {echo.Id} org\.example\.Echo  message [^\n]*but this\n$", shown.Output);
    }

    [Fact]
    public async Task Killed_in_the_middle_it_leaves_a_file_that_can_be_read()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection client = await scene.ConnectAsync();
        string file = Path.Combine(scene.Files, "killed.pcapng");
        Running capture = await StartAsync(scene, file);
        for (int i = 0; i < 20; i++)
            client.Emit(client.Bloom.NewBits(), "signal"u8);
        await WaitAsync(() => File.ReadAllBytes(file).AsSpan().Count("signal"u8) == 20);
        capture.Signal(9);
        Assert.NotEqual(0, (await capture.EndAsync()).Code);
        Assert.Equal(20, (await scene.RunAsync("monitor", "--from", file)).Succeeded().Lines.Length);
    }

    [Fact]
    public async Task A_file_that_is_there_stays_unless_it_may_be_overwritten_and_a_full_disk_is_told()
    {
        await using Scene scene = await Scene.StartAsync();
        string file = Path.Combine(scene.Files, "there.pcapng");
        await File.WriteAllTextAsync(file, "precious", Token);
        Outcome refused = await scene.RunAsync("capture", file, "--timeout", "1s");
        refused.Failed(73, $"'{file}' is there already", "--force");
        Assert.Equal("precious", await File.ReadAllTextAsync(file, Token));
        Assert.Equal(0, (await scene.RunAsync("capture", file, "--force", "--timeout", "100ms")).Code);
        Assert.Equal("", (await scene.RunAsync("monitor", "--from", file)).Succeeded().Output);
        (await scene.RunAsync("capture", "/dev/full", "--timeout", "1s")).Failed(73, "cannot write /dev/full", "No space left on device");
        (await scene.RunAsync("capture", Path.Combine(scene.Files, "no", "such"), "--timeout", "1s")).Failed(73, "cannot write");
    }

    [Fact]
    public async Task Standard_output_and_input_make_a_pipe_and_long_payloads_are_cut_if_asked_for()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection client = await scene.ConnectAsync();
        ProcessStartInfo start = new("/bin/sh", ["-c", "\"$0\" capture - --count 1 --kind signal --max-payload 6 | \"$0\" monitor --from - --payload full", Running.Program])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment = { ["KDBUSCTL_BUS"] = scene.BusPath },
        };
        using Process shell = Process.Start(start)!;
        // Signals are sent until one was captured: when the capture is ready is told to nobody here.
        while (!shell.WaitForExit(50))
            client.Emit(client.Bloom.NewBits(), "long words"u8);
        string output = await shell.StandardOutput.ReadToEndAsync(Token);
        Assert.Equal(0, shell.ExitCode);
        Assert.Matches(@"^[^\n]*  10 B  long w\n$", output);
    }

    [Fact]
    public async Task When_the_bus_ends_the_file_has_what_was_received()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection client = await scene.ConnectAsync();
        string file = Path.Combine(scene.Files, "end.pcapng");
        Running capture = await StartAsync(scene, file);
        client.Emit(client.Bloom.NewBits(), "signal"u8);
        await WaitAsync(() => File.ReadAllBytes(file).AsSpan().IndexOf("signal"u8) > 0);
        scene.Bus.End();
        Outcome outcome = await capture.EndAsync();
        Assert.Equal(69, outcome.Code);
        Assert.Contains("1 message captured", outcome.Error, StringComparison.Ordinal);
        _ = Assert.Single((await scene.RunAsync("monitor", "--from", file)).Succeeded().Lines);
    }

    [Fact]
    public async Task Of_a_damaged_file_what_stands_before_the_damage_is_shown()
    {
        await using Scene scene = await Scene.StartAsync();
        string file = Path.Combine(scene.Files, "damaged.pcapng");
        byte[] whole = [.. Section(), .. Interface(), .. Packet(Record(Message(7, 5, items: [Payload("whole")])))];
        await File.WriteAllBytesAsync(file, [.. whole, .. Packet(Record(Message(7, 5, items: [Payload("half")])))[..50]], Token);
        Outcome outcome = await scene.RunAsync("monitor", "--from", file);
        outcome.Failed(65, $"at byte {whole.Length}: the file ends inside of a block");
        Assert.Matches(@"^[^\n]* 7 → 5  message 1  raw\.data  5 B  whole\n$", outcome.Output);
    }

    [Fact]
    public async Task Messages_lost_and_calls_without_an_answer_are_told_from_a_file_as_from_a_bus()
    {
        await using Scene scene = await Scene.StartAsync();
        string file = Path.Combine(scene.Files, "lost.pcapng");
        await File.WriteAllBytesAsync(file,
        [
            .. Section(), .. Interface(),
            .. Packet(Record(Message(7, 5, cookie: 4, flags: 1, last: 90 * Second, items: [Timestamp(Second)]), lost: 3)),
            .. Block(5, [.. U32(0), .. U32(0), .. U32(0), .. U16(5), .. U16(8), .. U64(10), .. U32(0)]),
        ], Token);
        Outcome outcome = (await scene.RunAsync("monitor", "--from", file)).Succeeded();
        Assert.Matches(@"^3 messages were lost here: [^\n]*\n[^\n]* call 4 [^\n]*\n7 messages were lost here[^\n]*\n1 call without an answer:\n  7 → 5  call 4  still waits  0 ns\n$", outcome.Output);
    }

    internal static async Task<Running> StartAsync(Scene scene, string file, params string[] arguments)
    {
        Running capture = scene.Start(["capture", file, .. arguments]);
        _ = await capture.NotesAsync("capturing ");
        return capture;
    }

    internal static async Task WaitAsync(Func<bool> until)
    {
        long began = Stopwatch.GetTimestamp();
        while (!until())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(1), "It never came.");
            await Task.Delay(20, Token);
        }
    }
}
