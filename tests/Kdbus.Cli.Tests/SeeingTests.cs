using System.Text.Json.Nodes;
using Kdbus.Abi;
using Kdbus.Client;
using Kdbus.Testing;

namespace Kdbus.Cli.Tests;

/// <summary>What shows things as they are: <c>status</c>, <c>tree</c>, <c>info</c>, <c>domains</c>.</summary>
public sealed class SeeingTests
{
    private const uint Stranger = 65534;

    [Fact]
    public async Task Status_tells_metadata_queue_quota_matches_and_pending_replies()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection service = await scene.ConnectAsync(new BusConnectionOptions { Description = "slow", PoolSize = 1 << 20, InboxCapacity = 1 });
        await using OwnedName name = await service.AcquireNameAsync("org.example.Slow");
        await using Subscription<PeerChange> match = service.SubscribeToPeers();
        await using BusConnection caller = await scene.ConnectAsync();
        // Its receiving thread takes some; what is behind them stays in the queue.
        for (int i = 0; i < 20; i++)
            _ = caller.Send(service.Id, "unread"u8);
        ValueTask<Message> pending = caller.CallAsync("org.example.Slow", "question"u8, new MessageOptions { Timeout = TimeSpan.FromMinutes(5) }, TestContext.Current.CancellationToken);
        string text = (await scene.RunAsync("status", "org.example.Slow")).Succeeded().Output;
        Assert.Matches($@"(?m)^Connection: +{service.Id}$", text);
        Assert.Matches(@"(?m)^Names: +org\.example\.Slow$", text);
        Assert.Matches(@"(?m)^Description: +slow$", text);
        Assert.Matches($@"(?m)^ +Process: +{Environment.ProcessId}$", text);
        Assert.Matches(@"(?m)^ +Users: +root \(0\)$", text);
        Assert.Matches(@"(?m)^ +Pool: +1 MiB$", text);
        Assert.Contains("anybody comes", text, StringComparison.Ordinal);

        JsonObject json = JsonNode.Parse((await scene.RunAsync("status", $"{service.Id}", "--json")).Succeeded().Output)!.AsObject();
        Assert.Equal(service.Id, json["id"]!.GetValue<ulong>());
        Assert.Equal(Environment.ProcessId, json["process"]!["pid"]!.GetValue<int>());
        Assert.Equal([0UL, 0, 0, 0], json["credentials"]!["uids"]!.AsArray().Select(static uid => uid!.GetValue<ulong>()));
        JsonObject reply = Assert.Single(json["replies"]!.AsArray())!.AsObject();
        Assert.Equal((caller.Id, service.Id, "org.example.Slow"), (reply["requester"]!.GetValue<ulong>(), reply["answerer"]!.GetValue<ulong>(), reply["name"]!.GetValue<string>()));
        Assert.NotEmpty(json["queue"]!.AsArray());
        Assert.Equal(json["queue"]!.AsArray().Count, json["pool"]!["queued"]!.GetValue<int>());
        Assert.NotEmpty(json["quota"]!.AsArray());
        await service.DisposeAsync();
        _ = await Assert.ThrowsAsync<PeerFailedException>(async () => await pending);
    }

    [Fact]
    public async Task Who_may_not_read_the_status_of_a_bus_is_shown_what_the_bus_itself_tells_and_told_what_is_missing()
    {
        await using Scene scene = await Scene.StartAsync();
        using OwnedBus open = OwnedBus.Make(scene.Domain, "open", new BusOptions { Access = Access.World });
        await using BusConnection service = await BusConnection.ConnectAsync(open.Endpoint, new BusConnectionOptions { Description = "seen" }, TestContext.Current.CancellationToken);
        Outcome outcome = await scene.RunAsync(new ProgramCall(["status", $"{service.Id}", "--bus", open.Path]) { Uid = Stranger });
        Assert.Equal(0, outcome.Code);
        Assert.Matches(@"(?m)^Description: +seen$", outcome.Output);
        Assert.DoesNotContain("Queue", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("only the owner of the bus, and root, reads it", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_others_send_cannot_write_to_the_terminal()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection caller = await scene.ConnectAsync();
        await using Running serving = scene.Start("serve", "org.example.Echo");
        _ = await serving.NotesAsync("serving");
        caller.Send("org.example.Echo", "\e]0;owned\a"u8);
        caller.Send("org.example.Echo", "two\nlines \u202Ebackwards"u8);
        string shown = await serving.SaysAsync("backwards");
        Assert.DoesNotContain('\e', shown);
        Assert.Contains("1b5d303b6f776e656407", shown, StringComparison.Ordinal);
        Assert.Contains(@"two\x0alines \u202ebackwards", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_of_nobody_is_not_found()
    {
        await using Scene scene = await Scene.StartAsync();
        (await scene.RunAsync("status", "12345")).Failed(66, "there is no connection 12345 (ENXIO)", "kdbusctl list");
        (await scene.RunAsync("status", "org.example.Nobody")).Failed(66, "nobody owns the name org.example.Nobody (ESRCH)", "kdbusctl wait org.example.Nobody");
        (await scene.RunAsync("status", "nonsense")).Failed(64, "'nonsense' is neither the id of a connection nor a well-known name");
        (await scene.RunAsync("status")).Failed(64, "ID|NAME");
    }

    [Fact]
    public async Task The_tree_has_the_bus_its_endpoints_its_connections_and_their_names()
    {
        await using Scene scene = await Scene.StartAsync();
        using OwnedEndpoint door = OwnedEndpoint.Make(scene.BusPath, "door");
        await using BusConnection service = await scene.ConnectAsync(new BusConnectionOptions { Description = "clock" });
        await using OwnedName first = await service.AcquireNameAsync("org.example.Clock"), second = await service.AcquireNameAsync("org.example.Alarm");
        string[] lines = (await scene.RunAsync("tree")).Succeeded().Lines;
        Assert.Equal(scene.Domain, lines[0]);
        Assert.Equal($"└── {scene.BusName} (bus of root)", lines[1]);
        Assert.Equal("    ├── 0-door (endpoint)", lines[2]);
        Assert.Matches($@"^    └── {service.Id}  \S.* \[{Environment.ProcessId}\] of root, ""clock""$", lines[3]);
        Assert.Equal(["        ├── org.example.Alarm", "        └── org.example.Clock"], lines[4..]);
        JsonNode bus = JsonNode.Parse((await scene.RunAsync("tree", "--json")).Succeeded().Output)![0]!["buses"]![0]!;
        Assert.Equal((scene.BusName, "0-door", "org.example.Alarm"), (bus["bus"]!.GetValue<string>(), bus["below"]![0]!["endpoint"]!.GetValue<string>(), bus["below"]![1]!["names"]![0]!["name"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_bus_that_lets_nobody_in_is_in_the_tree_with_the_reason()
    {
        await using Scene scene = await Scene.StartAsync();
        Outcome outcome = (await scene.RunAsync(new ProgramCall(["tree"]) { Uid = Stranger })).Succeeded();
        Assert.Contains($"{scene.BusName} (bus of root): cannot ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("EACCES", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_tells_what_the_bus_is_like_and_who_serves_it()
    {
        await using Scene scene = await Scene.StartAsync(new TestBusOptions { RequiredMetadata = AttachFlags.Creds | AttachFlags.Pids });
        string text = (await scene.RunAsync("info")).Succeeded().Output;
        Assert.Matches($@"(?m)^Bus: +{scene.BusName}$", text);
        Assert.Matches(@"(?m)^Requires metadata: +creds, pids$", text);
        Assert.Matches(@"(?m)^ +Profile: +(passthrough|page-cache)$", text);
        JsonNode json = JsonNode.Parse((await scene.RunAsync("info", "--json")).Succeeded().Output)!;
        Assert.Equal(Environment.ProcessId, json["creatorProcess"]!["pid"]!.GetValue<int>());
        Assert.Equal("creds pids", string.Join(' ', json["required"]!.AsArray().Select(static kind => kind!.GetValue<string>())));
        Assert.True(json["server"]!["pid"]!.GetValue<int>() > 1);
    }

    [Fact]
    public async Task Domains_tells_profile_time_server_and_buses()
    {
        await using Scene scene = await Scene.StartAsync();
        string text = (await scene.RunAsync("domains")).Succeeded().Output;
        Assert.Matches($@"(?m)^{scene.Domain} +\S+ +root +(passthrough|page-cache) +\S.* +{scene.BusName}$", text);
        JsonObject row = JsonNode.Parse((await scene.RunAsync("domains", "--json")).Succeeded().Output)!.AsArray()
            .Single(row => string.Equals(row!["path"]!.GetValue<string>(), scene.Domain, StringComparison.Ordinal))!.AsObject();
        Assert.StartsWith("7.", row["fuse"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.True(row["age"]!.GetValue<long>() > 0);
        Assert.Equal(scene.BusName, Assert.Single(row["buses"]!.AsArray())!.GetValue<string>());
    }

    [Fact]
    public async Task A_bus_is_found_by_its_name_with_and_without_uid_by_its_paths_and_by_an_address()
    {
        await using Scene scene = await Scene.StartAsync(new TestBusOptions { Name = $"found-{Guid.NewGuid():N}" });
        foreach (string said in (string[])[scene.BusName, scene.BusName[2..], $"{scene.BusName}/bus", scene.BusPath, scene.Endpoint, scene.Domain, $"kernel:path={scene.Endpoint}"])
            Assert.Matches($@"(?m)^Bus: +{scene.BusName}$", (await scene.RunAsync("info", "--bus", said)).Succeeded().Output);
        (await scene.RunAsync("info", "--bus", $"{scene.BusName}/no-door")).Failed(66, "ENOENT");
    }
}
