using System.Globalization;
using System.Text.Json.Nodes;
using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl top</c>.</summary>
public sealed class TopTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Once_in_a_pipe_it_counts_for_an_interval_and_shows_tables()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        await using BusConnection asleep = await scene.ConnectAsync(new BusConnectionOptions { Description = "asleep" });
        Outcome outcome = await WhileCallingAsync(client, scene.RunAsync("top", "--once", "--interval", "3s"), () => _ = client.Send(asleep.Id, "unread"u8));
        Assert.Equal((0, ""), (outcome.Code, outcome.Error));
        Assert.StartsWith("ID ", outcome.Lines[0].TrimStart(), StringComparison.Ordinal);
        Assert.Matches($@"(?m)^ *{echo.Id}  org\.example\.Echo +\S.* +{Environment.ProcessId} +[1-9]", outcome.Output);
        Assert.Matches($@"(?m)^ *{asleep.Id}  asleep ", outcome.Output);
        Assert.Matches($@"(?m)^ *{client.Id}  \S.*org\.example\.Echo +[1-9][\d.]*  [\d.]+ (µs|ms)  [\d.]+ (µs|ms|s) ", outcome.Output);
    }

    [Fact]
    public async Task JSON_has_an_object_for_each_interval_with_queues_and_pools()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        await using BusConnection asleep = await scene.ConnectAsync();
        for (int i = 0; i < 5; i++)
            _ = client.Send(asleep.Id, new byte[1000]);
        Outcome outcome = await WhileCallingAsync(client, scene.RunAsync("top", "--count", "2", "--interval", "2s", "--json", "--sort", "queue"));
        Assert.Equal(0, outcome.Code);
        Assert.Equal(2, outcome.Lines.Length);
        JsonNode last = JsonNode.Parse(outcome.Lines[1])!;
        JsonNode first = last["connections"]![0]!;
        Assert.Equal((asleep.Id, 5), (first["id"]!.GetValue<ulong>(), first["queued"]!.GetValue<int>()));
        Assert.InRange(first["poolUsed"]!.GetValue<long>(), 5000, 100_000);
        JsonNode pair = last["pairs"]!.AsArray().Single(pair => pair!["caller"]!.GetValue<ulong>() == client.Id)!;
        Assert.Equal("org.example.Echo", pair["service"]!.GetValue<string>());
        Assert.InRange(pair["p50"]!.GetValue<long>(), 1, pair["p99"]!.GetValue<long>());
        Assert.True(last["connections"]!.AsArray().All(static row => row!["process"]!.GetValue<string>() != "kdbusctl"));
    }

    [Fact]
    public async Task On_a_terminal_it_fits_into_80_by_24_follows_keys_and_the_size_and_leaves_the_screen_as_it_was()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        using Terminal terminal = Terminal.Open([$"KDBUSCTL_BUS={scene.BusPath}"], 80, 24, "top", "--interval", "200ms");
        await UntilAsync(client, () => terminal.Screen().Contains($"{client.Id} ", StringComparison.Ordinal) && terminal.Screen().Split('\n').Any(static line => line.EndsWith(" 0     0", StringComparison.Ordinal) && line.Contains("org.example.Echo", StringComparison.Ordinal)));
        string[] lines = terminal.Screen().Split('\n');
        Assert.Equal("1 0", terminal.Ask("#{alternate_on} #{cursor_flag}"));
        Assert.StartsWith($"{scene.BusName}  ", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^    ID NAME, PROCESS .*OUT/s    IN/s   OUT B/s    IN B/s QUEUE  POOL$", lines[1]);
        Assert.Contains(lines, static line => line.StartsWith("CALLER ", StringComparison.Ordinal));
        Assert.All(lines, static line => Assert.InRange(line.Length, 0, 80));
        terminal.Press("s");
        _ = await terminal.ShowsAsync("sort: bytes");
        terminal.Press("Left");
        _ = await terminal.ShowsAsync("sort: messages");
        terminal.Press("p");
        _ = await terminal.ShowsAsync("PAUSED");
        terminal.Press("p", "h");
        _ = await terminal.ShowsAsync("half of the answers");
        terminal.Press("h");
        terminal.Resize(60, 10);
        await CaptureTests.WaitAsync(() => terminal.Screen().Split('\n')[1].EndsWith("POOL", StringComparison.Ordinal) && terminal.Screen().Split('\n')[1].Length == 60);
        terminal.Press("q");
        _ = await terminal.EndsAsync(0);
        Restored(terminal);
        terminal.Press("e", "c", "h", "o");
        _ = await terminal.ShowsAsync("echo");
    }

    [Theory]
    [InlineData("Ctrl-C", 0)]
    [InlineData("SIGTERM", 0)]
    [InlineData("bus", 69)]
    public async Task However_it_ends_the_terminal_is_restored(string how, int code)
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection client = await scene.ConnectAsync();
        using Terminal terminal = Terminal.Open([$"KDBUSCTL_BUS={scene.BusPath}"], 80, 24, "top", "--interval", "200ms");
        _ = await terminal.ShowsAsync("QUEUE");
        if (how == "Ctrl-C")
            terminal.Press("C-c");
        else if (how == "SIGTERM")
            Assert.Equal(0, ChildProcess.Signal(ChildOf(int.Parse(terminal.Ask("#{pane_pid}"), CultureInfo.InvariantCulture)), 15));
        else
            scene.Bus.End();
        string screen = await terminal.EndsAsync(code);
        Restored(terminal);
        Assert.Equal(how == "bus", screen.Contains("kdbusctl: cannot", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_may_not_watch_is_told_who_may()
    {
        await using Scene scene = await Scene.StartAsync();
        using OwnedBus open = OwnedBus.Make(scene.Domain, "open", new BusOptions { Access = Access.World });
        (await scene.RunAsync(new ProgramCall(["top", "--once", "--bus", open.Path]) { Uid = 65534 })).Failed(77, "EPERM", "for the owner of the bus and for root");
        (await scene.RunAsync("top", "--sort", "age")).Failed(64, "'age'");
        (await scene.RunAsync("top", "--interval", "1ms")).Failed(64, "--interval");
    }

    private static void Restored(Terminal terminal) => Assert.Equal("0 1", terminal.Ask("#{alternate_on} #{cursor_flag}"));

    private static int ChildOf(int shell) =>
        int.Parse(File.ReadAllText($"/proc/{shell}/task/{shell}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);

    private static async Task<Outcome> WhileCallingAsync(BusConnection client, Task<Outcome> running, Action? more = null)
    {
        while (!running.IsCompleted)
        {
            (await client.CallAsync("org.example.Echo", "ping"u8, cancellation: Token)).Dispose();
            await Task.Delay(10, Token);
        }
        more?.Invoke();
        return await running;
    }

    private static async Task UntilAsync(BusConnection client, Func<bool> until)
    {
        await CaptureTests.WaitAsync(() =>
        {
            client.Call("org.example.Echo", "ping"u8).Dispose();
            return until();
        });
    }
}
