using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli.Tests;

/// <summary><c>send</c>, <c>call</c>, <c>emit</c> and <c>serve</c>.</summary>
public sealed class TalkingTests
{
    [Fact]
    public async Task A_payload_comes_from_an_argument_a_file_standard_input_hexadecimal_or_JSON()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection receiver = await scene.ConnectAsync();
        string id = $"{receiver.Id}", file = Path.Combine(scene.Files, "payload");
        await File.WriteAllTextAsync(file, "from a file\n", TestContext.Current.CancellationToken);
        foreach ((ProgramCall call, byte[] expected) in ((ProgramCall, byte[])[])
            [
                (new(["send", id, "an argument"]), "an argument"u8.ToArray()),
                (new(["send", id, "--file", file]), "from a file\n"u8.ToArray()),
                (new(["send", id, "-"]) { Input = [0, 255, 10] }, [0, 255, 10]),
                (new(["send", id, "--file", "-"]) { Input = [1] }, [1]),
                (new(["send", id, "--as", "hex", "00ff 1a:2B"]), [0, 255, 0x1a, 0x2b]),
                (new(["send", id, "--as", "json", "{ \"a\" : [ 1 ] }"]), "{\"a\":[1]}"u8.ToArray()),
                (new(["send", id]), []),
            ])
        {
            (await scene.RunAsync(call)).Succeeded();
            using Message message = await receiver.ReceiveAsync(TestContext.Current.CancellationToken);
            Assert.Equal(expected, message.ToArray());
            Assert.Equal((PayloadTypes.Bytes, false, 0), (message.PayloadType, message.IsRequest, message.Priority));
        }
    }

    [Fact]
    public async Task Payload_type_priority_and_descriptors_go_along()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection receiver = await scene.ConnectAsync();
        string file = Path.Combine(scene.Files, "shared");
        await File.WriteAllTextAsync(file, "content", TestContext.Current.CancellationToken);
        (await scene.RunAsync(new ProgramCall(["send", $"{receiver.Id}", "x", "--type", "my.types", "--priority", "-7", "--fd", file, "--fd", "0"]))).Succeeded();
        using Message message = await receiver.ReceiveAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0x6d792e7479706573UL, -7L, 2), (message.PayloadType, message.Priority, message.Descriptors.Count));
        using FileStream stream = new(message.TakeDescriptor(0), FileAccess.Read);
        using StreamReader reader = new(stream);
        Assert.Equal("content", await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(3 << 20, new string[0], 1)]
    [InlineData(512 << 10, new string[0], 1)]
    [InlineData((512 << 10) - 1, new string[0], 0)]
    [InlineData(5, new[] { "--memfd" }, 1)]
    public async Task What_is_large_or_said_to_goes_in_a_sealed_memfd(int size, string[] options, int memfds)
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection receiver = await scene.ConnectAsync();
        byte[] content = new byte[size];
        new Random(size).NextBytes(content);
        string file = Path.Combine(scene.Files, "large");
        await File.WriteAllBytesAsync(file, content, TestContext.Current.CancellationToken);
        (await scene.RunAsync(["send", $"{receiver.Id}", "--file", file, .. options])).Succeeded();
        (await scene.RunAsync(new ProgramCall(["send", $"{receiver.Id}", "-", .. options]) { Input = content })).Succeeded();
        for (int i = 0; i < 2; i++)
        {
            using Message message = await receiver.ReceiveAsync(TestContext.Current.CancellationToken);
            Assert.Equal(memfds, message.Memfds.Count);
            Assert.Equal(content, message.ToArray());
        }
    }

    [Fact]
    public async Task A_large_file_shows_its_progress_on_a_terminal()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection receiver = await scene.ConnectAsync();
        string file = Path.Combine(scene.Files, "large-file");
        await using (FileStream stream = File.Create(file))
            stream.SetLength(1500L << 20);
        using Terminal terminal = Terminal.Open([$"KDBUSCTL_BUS={scene.BusPath}"], 80, 24, "send", $"{receiver.Id}", "--file", file);
        string screen = await terminal.ShowsAsync("large-file");
        Assert.Contains('%', screen);
        _ = await terminal.EndsAsync(0);
        using Message message = await receiver.ReceiveAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1500L << 20, message.Payload.Length);
    }

    [Fact]
    public async Task A_call_shows_the_answer_as_it_is_in_a_pipe_as_JSON_or_in_a_file()
    {
        await using Scene scene = await Scene.StartAsync();
        await using Running serving = scene.Start("serve", "org.example.Upper", "--command", "tr a-z A-Z");
        _ = await serving.NotesAsync("serving org.example.Upper as connection ");
        Assert.Equal("HELLO", (await scene.RunAsync("call", "org.example.Upper", "hello")).Succeeded().Output);
        JsonNode json = JsonNode.Parse((await scene.RunAsync("call", "org.example.Upper", "hello", "--json")).Succeeded().Output)!;
        Assert.Equal(("HELLO", 5, "raw.data"), (json["text"]!.GetValue<string>(), json["size"]!.GetValue<int>(), json["type"]!.GetValue<string>()));
        Assert.True(json["latency"]!.GetValue<long>() > 0);
        Assert.Equal("AP8=", JsonNode.Parse((await scene.RunAsync("call", "org.example.Upper", "--as", "hex", "00ff", "--json")).Succeeded().Output)!["base64"]!.GetValue<string>());
        string file = Path.Combine(scene.Files, "answer");
        (await scene.RunAsync("call", "org.example.Upper", "kept", "--output", file)).Succeeded();
        Assert.Equal("KEPT", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        (await scene.RunAsync("call", "org.example.Upper", "x", "--output", "/no/such/dir")).Failed(73, "cannot write '/no/such/dir'");
        using Terminal terminal = Terminal.Open([$"KDBUSCTL_BUS={scene.BusPath}"], 80, 24, "call", "org.example.Upper", "--as", "hex", "00ff4142");
        Assert.Matches(@"(?m)^00000000  00 ff 41 42 {10,}\|\.\.AB\|$", await terminal.EndsAsync(0));
        Assert.Contains("  call 1  raw.data  5 bytes  hello", serving.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Descriptors_of_an_answer_are_named_and_their_content_can_be_kept()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection service = await scene.ConnectAsync();
        string shared = Path.Combine(scene.Files, "shared"), directory = Path.Combine(scene.Files, "kept");
        await File.WriteAllTextAsync(shared, "content", TestContext.Current.CancellationToken);
        Running calling = scene.Start("call", $"{service.Id}", "give", "--save-fds", directory);
        using (Message request = await service.ReceiveAsync(TestContext.Current.CancellationToken))
        using (FileStream file = File.OpenRead(shared))
            request.Reply("here"u8, new MessageOptions { Descriptors = [file.SafeFileHandle] });
        Outcome outcome = await calling.EndAsync();
        Assert.Equal((0, "here"), (outcome.Code, outcome.Output));
        Assert.Contains($"descriptor 0: {shared}", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("content", await File.ReadAllTextAsync(Path.Combine(directory, "0"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Each_way_a_call_can_fail_has_its_code_and_says_what_to_try()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection silent = await scene.ConnectAsync();
        (await scene.RunAsync("call", "org.example.Nobody", "x")).Failed(66, "cannot call org.example.Nobody: the bus answered ESRCH (nobody owns this name)", "kdbusctl wait");
        (await scene.RunAsync("call", "9999", "x")).Failed(66, "ENXIO");
        (await scene.RunAsync("call", $"{silent.Id}", "x", "--timeout", "200ms")).Failed(75, "did not answer until the deadline", "--timeout");
        Running died = scene.Start("call", $"{silent.Id}", "x");
        using (Message first = await silent.ReceiveAsync(TestContext.Current.CancellationToken))
        using (Message second = await silent.ReceiveAsync(TestContext.Current.CancellationToken))
            await silent.DisposeAsync();
        (await died.EndAsync()).Failed(72, "went away before it answered");
        await using Running failing = scene.Start("serve", "org.example.Failing", "--command", "echo sorry >&2; exit 3");
        _ = await failing.NotesAsync("serving");
        (await scene.RunAsync("call", "org.example.Failing", "x")).Failed(72, "the answer is an error: org.kdbusfs.Error.CommandFailed: the command ended with 3: sorry");
        (await scene.RunAsync("call", "org.example.Failing", "x", "y")).Failed(64, "'y'");
        (await scene.RunAsync("call", "org.example.Failing", "x", "--timeout", "soon")).Failed(64, "'soon' is no time");
        (await scene.RunAsync("call", "org.example.Failing", "x", "--timeout", "0")).Failed(64, "--timeout must be more than 0");
        (await scene.RunAsync("call", "org.example.Failing", "x", "--file", "y")).Failed(64, "The payload is given twice");
        (await scene.RunAsync("send", "org.example.Failing", "--as", "hex", "0g")).Failed(65, "'g' is no digit");
        (await scene.RunAsync("send", "org.example.Failing", "--as", "hex", "000")).Failed(65, "half a byte");
        (await scene.RunAsync("send", "org.example.Failing", "--as", "json", "{")).Failed(65, "the payload is no JSON");
        (await scene.RunAsync("send", "org.example.Failing", "--type", "short")).Failed(64, "'short' is no payload type");
        (await scene.RunAsync("send", "org.example.Failing", "--fd", "99")).Failed(65, "descriptor 99: it is not open here (EBADF)");
        (await scene.RunAsync("send", "org.example.Failing", "--fd", "/no/such/file")).Failed(66, "cannot open '/no/such/file' to send it");
        (await scene.RunAsync("send", "org.example.Failing", "--file", "/no/such/file")).Failed(66, "ENOENT");
        (await scene.RunAsync("send", "org.example.Failing", "--send-metadata", "cred")).Failed(64, "'cred' is no kind of metadata");
    }

    [Fact]
    public async Task A_bus_that_requires_metadata_refuses_who_does_not_grant_it_and_the_hint_is_right()
    {
        await using Scene scene = await Scene.StartAsync(new Testing.TestBusOptions { RequiredMetadata = AttachFlags.Creds });
        await using BusConnection receiver = await scene.ConnectAsync();
        (await scene.RunAsync("send", $"{receiver.Id}", "x", "--send-metadata", "none")).Failed(71, "ECONNREFUSED", "--send-metadata all");
        (await scene.RunAsync("send", $"{receiver.Id}", "x", "--send-metadata", "all")).Succeeded();
    }

    [Fact]
    public async Task A_member_of_a_typed_service_is_called_with_JSON()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection bus = await scene.ConnectAsync();
        await using Serving serving = await bus.ServeAsync<IShop>(new Shop());
        Assert.Equal("6\n", (await scene.RunAsync("call", "org.example.Shop", "--member", "Price", "--arg", "\"coffee\"", "--arg", "1")).Succeeded().Output);
        Assert.Equal("6\n", (await scene.RunAsync("call", $"{bus.Id}", "--member", "org.example.Shop/Price", "--arg", "\"coffee\"", "--arg", "1", "--json")).Succeeded().Output);
        Assert.Equal("", (await scene.RunAsync("call", "org.example.Shop", "--member", "Close")).Succeeded().Output);
        (await scene.RunAsync("call", "org.example.Shop", "--member", "Rent")).Failed(72, "org.kdbusfs.Error.UnknownMember");
        (await scene.RunAsync("call", "org.example.Shop", "--member", "Price", "--arg", "coffee")).Failed(65, "the argument coffee is no JSON", "--arg '\"coffee\"'");
        (await scene.RunAsync("call", $"{bus.Id}", "--member", "Price")).Failed(64, "which interface is Price of?");
        (await scene.RunAsync("call", "org.example.Shop", "x", "--member", "Price")).Failed(64, "a payload cannot go with --member");
    }

    [Fact]
    public async Task A_signal_reaches_who_listens_to_its_topic_typed_or_not()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection bus = await scene.ConnectAsync();
        await using Subscription<Message> raw = bus.Subscribe(MatchRule.Signals(bus.Bloom.NewBits().Add("weather")));
        Topic<int> topic = new("weather");
        await using Subscription<Signal<int>> typed = bus.Subscribe(topic);
        (await scene.RunAsync("emit", "weather.rain", "it rains")).Succeeded();
        (await scene.RunAsync("emit", "weather.rain", "--typed", "17")).Succeeded();
        (await scene.RunAsync("emit", "weather.rain", "--typed", "18", "--to", $"{bus.Id}")).Succeeded();
        await using IAsyncEnumerator<Message> messages = raw.ReadAllAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await messages.MoveNextAsync());
        Assert.Equal("it rains"u8.ToArray(), messages.Current.ToArray());
        Assert.True(messages.Current.IsSignal);
        await using IAsyncEnumerator<Signal<int>> values = typed.ReadAllAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await values.MoveNextAsync());
        Assert.Equal((17, "weather.rain"), (values.Current.Value, values.Current.Topic));
        Assert.True(await values.MoveNextAsync());
        Assert.Equal(18, values.Current.Value);
        (await scene.RunAsync("emit", "weather..rain", "x")).Failed(64, "'weather..rain' is no topic");
        (await scene.RunAsync("emit", "weather", "--typed", "rain")).Failed(65, "the payload is no JSON", "'\"rain\"'");
    }

    [Fact]
    public async Task Serve_echoes_answers_a_text_and_ends_after_so_many_or_with_the_bus()
    {
        await using Scene scene = await Scene.StartAsync();
        Running echo = scene.Start("serve", "org.example.Echo", "--count", "2", "--json");
        _ = await echo.NotesAsync("serving");
        Assert.Equal("back", (await scene.RunAsync("call", "org.example.Echo", "back")).Succeeded().Output);
        (await scene.RunAsync("send", "org.example.Echo", "one way")).Succeeded();
        Outcome ended = await echo.EndAsync();
        Assert.Equal((0, 2), (ended.Code, ended.Lines.Length));
        Assert.Equal(("call", "back"), (JsonNode.Parse(ended.Lines[0])!["kind"]!.GetValue<string>(), JsonNode.Parse(ended.Lines[0])!["text"]!.GetValue<string>()));
        Assert.Equal("message", JsonNode.Parse(ended.Lines[1])!["kind"]!.GetValue<string>());

        Running fixedText = scene.Start("serve", "org.example.Fixed", "--reply", "always", "--quiet");
        _ = await fixedText.NotesAsync("serving");
        Assert.Equal("always", (await scene.RunAsync("call", "org.example.Fixed", "x")).Succeeded().Output);
        (await scene.RunAsync("serve", "org.example.Fixed")).Failed(71, "cannot acquire the name org.example.Fixed: the bus answered EEXIST", "kdbusctl list");
        Running replacing = scene.Start("serve", "org.example.Fixed", "--replace", "--reply", "other");
        _ = await fixedText.NotesAsync("lost the name org.example.Fixed");
        Assert.Equal("other", (await scene.RunAsync("call", "org.example.Fixed", "x")).Succeeded().Output);
        Assert.Equal((0, ""), ((await fixedText.InterruptAsync()) is var stopped ? stopped.Code : -1, stopped.Output));
        await scene.Bus.DisposeAsync();
        (await replacing.EndAsync()).FailedAtTheEnd(69, "the connection is at its end");
    }

    [Fact]
    public async Task Serve_names_what_is_wrong()
    {
        await using Scene scene = await Scene.StartAsync();
        (await scene.RunAsync("serve", "nodots")).Failed(64, "'nodots' is no well-known name");
        (await scene.RunAsync("serve", "org.example.X", "--reply", "a", "--command", "b")).Failed(64, "either a text (--reply) or what a command writes");
        (await scene.RunAsync("serve", "org.example.X", "--count", "0")).Failed(64, "--count: '0' is no number from 1 on");
        (await scene.RunAsync("serve")).Failed(64, "NAME");
    }

    private sealed class Shop : IShop
    {
        public Task<int> PriceAsync(string what, int extra, CancellationToken cancellation = default) => Task.FromResult(what == "coffee" ? 5 + extra : 0);

        public Task CloseAsync(CancellationToken cancellation = default) => Task.CompletedTask;
    }
}

/// <summary>A service to call.</summary>
[BusService("org.example.Shop")]
public interface IShop
{
    /// <summary>What something costs.</summary>
    Task<int> PriceAsync(string what, int extra, CancellationToken cancellation = default);

    /// <summary>Has no result.</summary>
    Task CloseAsync(CancellationToken cancellation = default);
}
