using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kdbus.Client;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl monitor</c>.</summary>
public sealed class MonitorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private const string Time = @"\d\d:\d\d:\d\d\.\d{6}";
    private const string Took = @"[\d.]+ (ns|µs|ms|s)";

    [Fact]
    public async Task Each_message_is_a_line_that_says_who_to_whom_what_and_how_long_an_answer_took()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService service = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        Running monitor = await WatchAsync(scene);
        using (Message answer = await client.CallAsync("org.example.Echo", "ping"u8, cancellation: Token))
            Assert.Equal("ping"u8.ToArray(), answer.ToArray());
        _ = client.Send(service.Id, new byte[] { 0, 1, 2 }, new MessageOptions { PayloadType = 0x12 });
        client.Emit(client.Bloom.NewBits().Add("weather"), "an inch"u8);
        await client.DisposeAsync();
        _ = await monitor.SaysAsync("went");
        Outcome outcome = await monitor.InterruptAsync();
        Assert.Equal(0, outcome.Code);
        Assert.Matches($@"(?m)^{Time}  {client.Id} \S.* → org\.example\.Echo  call 1  raw\.data  4 B  ping$", outcome.Output);
        Assert.Matches($@"(?m)^{Time}  {service.Id} org\.example\.Echo → {client.Id} \S.*  reply to 1  {Took}  raw\.data  4 B  ping$", outcome.Output);
        Assert.Matches($@"(?m)^{Time}  {client.Id} \S.* → {service.Id} org\.example\.Echo  message \d+  0x12  3 B  000102$", outcome.Output);
        Assert.Matches($@"(?m)^{Time}  {client.Id} \S.* → everybody  signal \d+  raw\.data  7 B  an inch$", outcome.Output);
        Assert.Matches($@"(?m)^{Time}  the bus  connection {client.Id} went \(ordinary\)$", outcome.Output);
        Assert.Equal(5, outcome.Lines.Length);
    }

    [Fact]
    public async Task Names_that_change_hands_and_calls_without_an_answer_are_told_in_words()
    {
        await using Scene scene = await Scene.StartAsync();
        Running monitor = await WatchAsync(scene);
        await using BusConnection mute = await scene.ConnectAsync(new BusConnectionOptions { Description = "mute" });
        await using OwnedName name = await mute.AcquireNameAsync("org.example.Mute");
        await using BusConnection client = await scene.ConnectAsync();
        _ = await Assert.ThrowsAsync<PeerFailedException>(async () => await client.CallAsync("org.example.Mute", "1"u8, new MessageOptions { Timeout = TimeSpan.FromMilliseconds(50) }, cancellation: Token));
        ValueTask<Message> dead = client.CallAsync("org.example.Mute", "2"u8, cancellation: Token);
        client.Flush();
        await using BusConnection other = await scene.ConnectAsync();
        ValueTask<Message> waits = client.CallAsync(other.Id, "3"u8, cancellation: Token);
        client.Flush();
        await name.DisposeAsync();
        await mute.DisposeAsync();
        _ = await Assert.ThrowsAsync<PeerFailedException>(async () => await dead);
        _ = await monitor.SaysAsync("is gone");
        Outcome outcome = await monitor.InterruptAsync();
        Assert.Equal(0, outcome.Code);
        Assert.Contains($"the bus  connection {mute.Id} came (ordinary)", outcome.Output, StringComparison.Ordinal);
        Assert.Contains($"the bus  name org.example.Mute acquired by {mute.Id}", outcome.Output, StringComparison.Ordinal);
        Assert.Matches($@"the bus → {client.Id} .*  no reply to call 1 in time  {Took}", outcome.Output);
        Assert.Matches($@"the bus → {client.Id} .*  no reply to call 2: who was asked is gone  {Took}", outcome.Output);
        Assert.Contains($"name org.example.Mute lost by {mute.Id}", outcome.Output, StringComparison.Ordinal);
        Assert.Matches(
            $@"3 calls without an answer:\n  {client.Id} .* → org\.example\.Mute  call 1  no answer in time  {Took}\n  {client.Id} .* → org\.example\.Mute  call 2  who was asked went away  {Took}\n  {client.Id} .* → {other.Id} .*  call 3  still waits  {Took}\n$",
            outcome.Output);
        await client.DisposeAsync();
        _ = await Assert.ThrowsAnyAsync<Exception>(async () => await waits);
    }

    [Fact]
    public async Task Calls_of_typed_services_are_shown_with_interface_member_and_arguments_and_errors_with_their_names()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService shop = await AnsweringService.StartAsync(scene, "org.example.Shop", static message =>
        {
            if (message.ToArray().AsSpan().IndexOf("gold"u8) > 0)
                message.ReplyError("org.example.Error.SoldOut", "no gold today");
            else
                message.Reply([1, 0x81, 1, 0, (byte)'5'], new MessageOptions { PayloadType = PayloadTypes.Call });
        });
        Running monitor = await WatchAsync(scene, "--name", "org.example.Shop");
        await using BusConnection client = await scene.ConnectAsync();
        using Message answer = await client.CallAsync("org.example.Shop", Price("\"tea\""), new MessageOptions { PayloadType = PayloadTypes.Call }, cancellation: Token);
        _ = await Assert.ThrowsAsync<PeerFailedException>(async () => await client.CallAsync("org.example.Shop", Price("\"gold\""), new MessageOptions { PayloadType = PayloadTypes.Call }, cancellation: Token));
        _ = await monitor.SaysAsync("SoldOut");
        string output = (await monitor.InterruptAsync()).Output;
        Assert.Matches(@"call 1  bus\.call  \d+ B  org\.example\.Shop\.Price  ""tea""\n", output);
        Assert.Matches($@"reply to 1  {Took}  bus\.call  5 B  5\n", output);
        Assert.Matches($@"error to 2  {Took}  bus\.fail  \d+ B  org\.example\.Error\.SoldOut: no gold today\n", output);
        Assert.DoesNotContain("connection", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JSON_has_everything_one_object_a_line()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService service = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        Running monitor = await WatchAsync(scene, "--json", "--count", "3");
        using Message answer = await client.CallAsync("org.example.Echo", "ping"u8, cancellation: Token);
        using MemfdPayload memfd = MemfdPayload.Create([0xff, 0xfe]);
        using FileStream file = File.OpenRead("/dev/null");
        _ = client.Send(service.Id, [], new MessageOptions { Memfds = [memfd], Descriptors = [file.SafeFileHandle], Priority = -3 });
        Outcome outcome = await monitor.EndAsync();
        Assert.Equal(0, outcome.Code);
        JsonNode[] lines = [.. outcome.Lines.Select(static line => JsonNode.Parse(line)!)];
        Assert.Equal(3, lines.Length);
        Assert.Equal(("message", "call", "ping", "org.example.Echo", "raw.data"), (Text(lines[0], "event"), Text(lines[0], "kind"), Text(lines[0], "payload"), Text(lines[0], "name"), Text(lines[0], "type")));
        Assert.Equal(client.Id, lines[0]["sender"]!["id"]!.GetValue<ulong>());
        Assert.Equal(Environment.ProcessId, lines[0]["sender"]!["pid"]!.GetValue<int>());
        Assert.Equal("sending", Text(lines[0], "timeOf"));
        Assert.Equal(("reply", 1UL), (Text(lines[1], "kind"), lines[1]["replyTo"]!.GetValue<ulong>()));
        Assert.Equal(Number(lines[1], "monotonic") - Number(lines[0], "monotonic"), Number(lines[1], "latency"));
        Assert.Equal("org.example.Echo", lines[1]["sender"]!["names"]!.AsArray().Single()!.GetValue<string>());
        Assert.Equal((null, "//4=", 1UL, 2UL), (Text(lines[2], "payload"), Text(lines[2], "payloadBase64"), Number(lines[2], "memfds"), Number(lines[2], "size")));
        Assert.Equal("character-device", lines[2]["descriptors"]!.AsArray().Single()!.GetValue<string>());
        Assert.Equal(-3, lines[2]["priority"]!.GetValue<long>());
    }

    [Fact]
    public async Task Filters_pick_kinds_and_sides_and_replies_come_along_with_calls()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene), other = await AnsweringService.EchoAsync(scene, "org.example.Other");
        await using BusConnection client = await scene.ConnectAsync();
        Running calls = await WatchAsync(scene, "--kind", "call", "--receiver", "org.example.Echo"), signals = await WatchAsync(scene, "--kind", "signal,message"), type = await WatchAsync(scene, "--type", "0x99");
        (await client.CallAsync(other.Id, "no"u8, cancellation: Token)).Dispose();
        (await client.CallAsync(echo.Id, "yes"u8, cancellation: Token)).Dispose();
        _ = client.Send(echo.Id, "plain"u8, new MessageOptions { PayloadType = 0x99 });
        client.Emit(client.Bloom.NewBits(), "loud"u8);
        _ = await signals.SaysAsync("loud");
        _ = await calls.SaysAsync("reply");
        _ = await type.SaysAsync("plain");
        Outcome outcome = await calls.InterruptAsync();
        Assert.Equal(2, outcome.Lines.Length);
        Assert.Matches(@" call 2 .*yes\n.* reply to 2 .*yes\n$", outcome.Output);
        Assert.Matches(@"^[^\n]*plain\n[^\n]*loud\n$", (await signals.InterruptAsync()).Output);
        Assert.Matches(@"^[^\n]*0x99[^\n]*plain\n$", (await type.InterruptAsync()).Output);
    }

    [Theory]
    [InlineData("none", @"B\n")]
    // What has control characters is no text, so it is hexadecimal where it stands in the line.
    [InlineData("preview", @"  1b5b33316d726564e280ae20(41){17}4?…\n")]
    [InlineData("full", @"  1b5b33316d726564e280ae20(41){200}\n")]
    [InlineData("hex", @"B\n    00000000  1b 5b 33 31 6d 72 65 64  e2 80 ae 20 41 41 41 41  \|\.\[31mred\.\.\. AAAA\|\n    00000010  41 ")]
    public async Task Payloads_are_shown_as_asked_for_and_cannot_write_to_the_terminal(string shown, string pattern)
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        Running monitor = await WatchAsync(scene, "--payload", shown, "--count", "1");
        _ = client.Send(echo.Id, Encoding.UTF8.GetBytes($"\e[31mred\u202e {new string('A', 200)}"));
        Outcome outcome = await monitor.EndAsync();
        Assert.Equal(0, outcome.Code);
        Assert.Matches(pattern, outcome.Output);
        Assert.DoesNotContain('\e', outcome.Output);
        Assert.DoesNotContain('\u202e', outcome.Output);
    }

    [Fact]
    public async Task Time_that_is_up_is_no_failure()
    {
        await using Scene scene = await Scene.StartAsync();
        Outcome outcome = await scene.RunAsync("monitor", "--timeout", "200ms");
        Assert.Equal((0, ""), (outcome.Code, outcome.Output));
    }

    [Fact]
    public async Task When_the_bus_ends_what_was_received_has_been_shown_and_it_is_said()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection client = await scene.ConnectAsync();
        Running monitor = await WatchAsync(scene);
        client.Emit(client.Bloom.NewBits(), "last words"u8);
        scene.Bus.End();
        Outcome outcome = await monitor.EndAsync();
        Assert.Equal(69, outcome.Code);
        Assert.Contains("kdbusctl: cannot receive: the connection is at its end", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_that_the_monitor_lost_are_counted()
    {
        const int Sent = 2000;
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection client = await scene.ConnectAsync();
        Running monitor = await WatchAsync(scene, "--kind", "signal");
        monitor.Signal(19); // SIGSTOP
        for (int i = 0; i < Sent; i++)
            client.Emit(client.Bloom.NewBits(), "burst"u8);
        monitor.Signal(18); // SIGCONT
        // This one may be lost too, as long as the queue is full.
        int over = 0;
        await CaptureTests.WaitAsync(() =>
        {
            client.Emit(client.Bloom.NewBits(), "over"u8);
            over++;
            return monitor.Output.Contains("over", StringComparison.Ordinal);
        });
        client.Emit(client.Bloom.NewBits(), "the very last"u8);
        _ = await monitor.SaysAsync("the very last");
        Outcome outcome = await monitor.InterruptAsync();
        int shown = outcome.Lines.Count(static line => line.Contains("signal", StringComparison.Ordinal));
        int lost = outcome.Lines.Where(static line => line.Contains("lost here", StringComparison.Ordinal)).Sum(static line => int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture));
        Assert.InRange(lost, 1, Sent);
        Assert.Equal(Sent + over + 1, shown + lost);
    }

    [Fact]
    public async Task A_burst_is_shown_whole_or_what_is_missing_is_said()
    {
        const int Sent = 3000;
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene);
        await using BusConnection client = await scene.ConnectAsync();
        // With a filter for calls the reply to a lost one would not be shown.
        Running monitor = await WatchAsync(scene, "--type", "raw.data");
        for (int i = 0; i < Sent; i++)
            client.Call("org.example.Echo", BitConverter.GetBytes(i), cancellation: CancellationToken.None).Dispose();
        // The last ones may be lost too: so one follows, until it is seen.
        await using BusConnection sink = await scene.ConnectAsync();
        int ends = 0;
        for (; !monitor.Output.Contains("the-end", StringComparison.Ordinal) && ends < 600; ends++)
        {
            _ = client.Send(sink.Id, "the-end"u8);
            await Task.Delay(100, Token);
        }
        Outcome outcome = await monitor.InterruptAsync();
        int lost = outcome.Lines.Where(static line => line.Contains("lost here", StringComparison.Ordinal)).Sum(static line => int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture));
        Assert.Equal(2 * Sent + ends, outcome.Lines.Count(static line => line.Contains("raw.data", StringComparison.Ordinal)) + lost);
    }

    [Fact]
    public async Task On_a_terminal_a_line_fits_into_80_columns_and_has_colours()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene, "org.example.a.rather.long.Name");
        await using BusConnection client = await scene.ConnectAsync();
        using Terminal terminal = Terminal.Open([$"KDBUSCTL_BUS={scene.BusPath}"], 80, 24, "monitor", "--count", "2", "--color", "always");
        _ = await terminal.ShowsAsync("watching");
        (await client.CallAsync("org.example.a.rather.long.Name", Encoding.UTF8.GetBytes($"héllo 世界 {new string('x', 100)}"), cancellation: Token)).Dispose();
        string screen = await terminal.EndsAsync(0);
        string[] lines = [.. screen.Split('\n').Where(static line => line.Length > 0)];
        Assert.Matches($@"^{Time}  {client.Id} ", lines[1]);
        Assert.Matches(@"call 1  .*héllo 世", lines[1]);
        Assert.EndsWith("…", lines[1], StringComparison.Ordinal);
        Assert.Matches($@"^{Time}  {echo.Id} .*reply to 1  {Took}", lines[2]);
        Assert.StartsWith("[exit code", lines[3], StringComparison.Ordinal);
        Assert.Contains("\e[", terminal.ScreenWithColors(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_not_watch_is_told_who_may()
    {
        await using Scene scene = await Scene.StartAsync();
        using OwnedBus open = OwnedBus.Make(scene.Domain, "open", new BusOptions { Access = Access.World });
        Outcome outcome = await scene.RunAsync(new ProgramCall(["monitor", "--bus", open.Path]) { Uid = 65534 });
        outcome.Failed(77, "EPERM", "for the owner of the bus and for root");
        (await scene.RunAsync("monitor", "--kind", "calls")).Failed(64, "'calls' is no kind of message");
        (await scene.RunAsync("monitor", "--sender", "no name")).Failed(64, "--sender", "'no name'");
        (await scene.RunAsync("monitor", "--count", "0")).Failed(64, "--count");
        (await scene.RunAsync("monitor", "--payload", "some")).Failed(64, "'some'");
        (await scene.RunAsync("monitor", "--type", "raw")).Failed(64, "'raw' is no payload type");
        (await scene.RunAsync("monitor", "--from", "/no/such/file")).Failed(66, "there is no file '/no/such/file'");
    }

    internal static async Task<Running> WatchAsync(Scene scene, params string[] arguments)
    {
        Running monitor = scene.Start(["monitor", .. arguments]);
        _ = await monitor.NotesAsync("watching ");
        return monitor;
    }

    // The example of docs/dotnet-protocol.md: Price of org.example.Shop.
    private static byte[] Price(string argument) =>
        [1, 1, 1, 0, 16, 5, 1, 0, .. "org.example.Shop"u8, .. "Price"u8, (byte)argument.Length, 0, 0, 0, .. Encoding.ASCII.GetBytes(argument)];

    private static string? Text(JsonNode node, string key) => node[key]?.GetValue<string>();

    private static ulong Number(JsonNode node, string key) => node[key]!.GetValue<ulong>();
}
