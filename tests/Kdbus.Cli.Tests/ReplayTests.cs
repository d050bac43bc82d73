using System.Text.Json.Nodes;
using Kdbus.Client;
using static Kdbus.Cli.Tests.HandMade;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl replay</c>.</summary>
public sealed class ReplayTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_service_that_answers_as_it_did_is_the_same_and_one_that_does_not_is_shown()
    {
        await using Scene scene = await Scene.StartAsync();
        string file = Path.Combine(scene.Files, "talk.pcapng");
        await using (AnsweringService old = await AnsweringService.StartAsync(scene, "org.example.Old", Answer("v1")))
            await TalkAsync(scene, file);
        await using AnsweringService same = await AnsweringService.StartAsync(scene, "org.example.Same", Answer("v1")), different = await AnsweringService.StartAsync(scene, "org.example.New", Answer("v2"));
        Outcome outcome = (await scene.RunAsync("replay", file, "--to", "org.example.Same")).Succeeded();
        Assert.Equal("3 requests and 1 message of org.example.Old sent to org.example.Same: 3 answers the same, 0 different\n", outcome.Output);
        Assert.Equal(outcome.Output.Replace("org.example.Same", $"connection {same.Id}", StringComparison.Ordinal), (await scene.RunAsync("replay", file, "--to", $"{same.Id}", "--timing")).Succeeded().Output);

        outcome = await scene.RunAsync("replay", file, "--to", "org.example.New");
        Assert.Equal(1, outcome.Code);
        Assert.Equal(4, outcome.Lines.Length);
        Assert.Matches(@"^ *# +COOKIE +REQUEST +CAPTURED +NOW", outcome.Lines[0]);
        Assert.Matches(@"^ *1 +\d+ +raw\.data version +raw\.data 2 B v1 +raw\.data 2 B v2$", outcome.Lines[1]);
        Assert.Matches(@"^ *3 +\d+ +raw\.data fail +error org\.example\.Error\.v1: text of v1 +error org\.example\.Error\.v2: text of v2$", outcome.Lines[2]);
        Assert.EndsWith("1 answer the same, 2 different", outcome.Lines[3], StringComparison.Ordinal);
        Assert.Equal(1, (await scene.RunAsync("replay", file, "--to", "org.example.New", "--ignore-payload")).Code);
        Assert.Equal(0, (await scene.RunAsync("replay", file, "--to", "org.example.New", "--ignore-payload", "--count", "2")).Code);
    }

    [Fact]
    public async Task JSON_is_one_object_with_the_differences_in_it()
    {
        await using Scene scene = await Scene.StartAsync();
        string file = Path.Combine(scene.Files, "talk.pcapng");
        await using (AnsweringService old = await AnsweringService.StartAsync(scene, "org.example.Old", Answer("v1")))
            await TalkAsync(scene, file);
        await using AnsweringService different = await AnsweringService.StartAsync(scene, "org.example.New", Answer("v2"));
        Outcome outcome = await scene.RunAsync("replay", file, "--to", "org.example.New", "--json");
        Assert.Equal((1, ""), (outcome.Code, outcome.Error));
        JsonNode json = JsonNode.Parse(outcome.Output)!;
        Assert.Equal((3, 1, 1, 2), (Number(json, "requests"), Number(json, "messages"), Number(json, "same"), Number(json, "different")));
        Assert.Equal("raw.data 2 B v1", json["differences"]![0]!["captured"]!.GetValue<string>());
    }

    [Fact]
    public async Task What_cannot_be_sent_again_is_counted_with_the_reason()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService echo = await AnsweringService.EchoAsync(scene);
        string file = Path.Combine(scene.Files, "made.pcapng");
        await File.WriteAllBytesAsync(file,
        [
            .. Section(), .. Interface(),
            .. Packet(Record(Message(7, 0, 1, flags: 1, last: 90 * Second, items: [Name("org.example.Echo"), Timestamp(Second), Payload("one")]))),
            .. Packet(Record(Message(7, 0, 2, items: [Name("org.example.Echo"), Item(0x10001, U32(1), U32(1)), Timestamp(Second)]))),
            .. Packet(Record(Message(7, 0, 3, items: [Name("org.example.Echo"), Item(0x10000, U64(9), U32(1), U32(0), "cut"u8.ToArray()), Timestamp(Second)]))),
            .. Packet(Record(Message(7, 0, 4, flags: 4, items: [Name("org.example.Echo"), Timestamp(Second)]))),
            .. Packet(Record(Message(7, 0, 5, type: 0x6275732e73746f70, items: [Name("org.example.Echo"), Timestamp(Second), Item(0x10000, U64(8), U32(1), U32(0), U64(1))]))),
            .. Packet(Record(Message(8, 9, 1, flags: 1, last: 90 * Second, items: [Timestamp(Second), Payload("for another")]))),
        ], Token);
        Outcome outcome = (await scene.RunAsync("replay", file, "--to", "org.example.Echo", "--of", "org.example.Echo")).Succeeded();
        Assert.Equal("1 request and 0 messages of org.example.Echo sent to org.example.Echo: 0 answers the same, 0 different, 1 not in the capture", outcome.Lines[0]);
        Assert.Equal("not sent again: 1 with descriptors, 1 not captured whole, 1 signals, 1 cancellations", outcome.Lines[1]);
        (await scene.RunAsync("replay", file, "--to", "org.example.Echo", "--of", "org.example.Nobody")).Failed(66, "has no message to org.example.Nobody");
    }

    [Fact]
    public async Task No_answer_then_and_none_now_are_the_same()
    {
        await using Scene scene = await Scene.StartAsync();
        await using AnsweringService mute = await AnsweringService.StartAsync(scene, "org.example.Mute", static _ => { }), echo = await AnsweringService.EchoAsync(scene);
        string file = Path.Combine(scene.Files, "late.pcapng");
        await File.WriteAllBytesAsync(file,
        [
            .. Section(), .. Interface(),
            .. Packet(Record(Message(7, 0, 1, flags: 1, last: 2 * Second, items: [Name("org.example.Mute"), Timestamp(Second), Payload("x")]))),
            .. Packet(Record(Message(0, 7, 0, flags: 4, last: 1, type: 0, items: [Item(0x8005), Timestamp(2 * Second)]))),
        ], Token);
        Assert.Contains("1 answer the same", (await scene.RunAsync("replay", file, "--to", "org.example.Mute", "--timeout", "100ms")).Succeeded().Output, StringComparison.Ordinal);
        Outcome outcome = await scene.RunAsync("replay", file, "--to", "org.example.Echo");
        Assert.Equal(1, outcome.Code);
        Assert.Matches(@"no answer in time +raw\.data 1 B x", outcome.Output);
    }

    [Fact]
    public async Task Nobody_there_and_wrong_arguments_are_told()
    {
        await using Scene scene = await Scene.StartAsync();
        string file = Path.Combine(scene.Files, "one.pcapng");
        await File.WriteAllBytesAsync(file, [.. Section(), .. Interface(), .. Packet(Record(Message(7, 5, 1, flags: 1, last: 9 * Second, items: [Payload("x")])))], Token);
        (await scene.RunAsync("replay", file, "--to", "org.example.Nobody")).Failed(66, "ESRCH", "org.example.Nobody");
        (await scene.RunAsync("replay", file)).Failed(64, "--to");
        (await scene.RunAsync("replay", file, "--to", "0")).Failed(64, "--to: '0'");
        (await scene.RunAsync("replay", "/etc/passwd", "--to", "7")).Failed(65, "at byte 0: this is no pcapng file");
    }

    private static Action<Message> Answer(string version) => message =>
    {
        if (!message.IsRequest)
            return;
        string text = System.Text.Encoding.ASCII.GetString(message.ToArray());
        if (text == "fail")
            message.ReplyError($"org.example.Error.{version}", $"text of {version}");
        else
            message.Reply(System.Text.Encoding.ASCII.GetBytes(text == "version" ? version : text));
    };

    private static async Task TalkAsync(Scene scene, string file)
    {
        await using BusConnection client = await scene.ConnectAsync();
        Running capture = await CaptureTests.StartAsync(scene, file, "--name", "org.example.Old", "--kind", "call,message", "--count", "7");
        (await client.CallAsync("org.example.Old", "version"u8, cancellation: Token)).Dispose();
        _ = client.Send("org.example.Old", "by the way"u8);
        _ = await Assert.ThrowsAsync<PeerFailedException>(async () => await client.CallAsync("org.example.Old", "fail"u8, cancellation: Token));
        (await client.CallAsync("org.example.Old", "same"u8, cancellation: Token)).Dispose();
        Assert.Equal(0, (await capture.EndAsync()).Code);
    }

    private static int Number(JsonNode node, string key) => node[key]!.GetValue<int>();
}
