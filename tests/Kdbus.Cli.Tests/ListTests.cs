using System.Text.Json.Nodes;
using Kdbus.Client;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl list</c>.</summary>
public sealed class ListTests
{
    [Fact]
    public async Task Names_come_first_and_each_connection_is_told_with_its_process_user_and_description()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection service = await scene.ConnectAsync(new BusConnectionOptions { Description = "the-clock" });
        await using OwnedName name = await service.AcquireNameAsync("org.example.Clock");
        await using BusConnection other = await scene.ConnectAsync();
        Outcome outcome = (await scene.RunAsync("list")).Succeeded();
        Assert.StartsWith("NAME ", outcome.Lines[0], StringComparison.Ordinal);
        Assert.Matches($@"^org\.example\.Clock +{service.Id} +ordinary +{Environment.ProcessId} +\S.* +root +the-clock$", outcome.Lines[1]);
        Assert.Matches($@"^- +{other.Id} +ordinary ", outcome.Lines[2]);
        Assert.Equal(3, outcome.Lines.Length);
    }

    [Fact]
    public async Task JSON_is_an_array_of_objects()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection service = await scene.ConnectAsync();
        await using OwnedName name = await service.AcquireNameAsync("org.example.Clock");
        Outcome outcome = (await scene.RunAsync("list", "--json")).Succeeded();
        JsonObject row = Assert.Single(JsonNode.Parse(outcome.Output)!.AsArray())!.AsObject();
        Assert.Equal(("org.example.Clock", service.Id, "ordinary", Environment.ProcessId), (row["name"]!.GetValue<string>(), row["id"]!.GetValue<ulong>(), row["kind"]!.GetValue<string>(), row["pid"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Who_waits_for_a_name_and_activators_are_shown_as_such()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection owner = await scene.ConnectAsync();
        await using OwnedName name = await owner.AcquireNameAsync("org.example.Clock");
        await using BusConnection waiting = await scene.ConnectAsync();
        await using OwnedName queued = await waiting.AcquireNameAsync("org.example.Clock", NameRequest.Queue);
        await using BusConnection activator = await scene.ConnectAsync(new BusConnectionOptions { Kind = ConnectionKind.Activator, Name = "org.example.Lazy" });
        string text = (await scene.RunAsync("list")).Succeeded().Output;
        Assert.Matches($@"(?m)^org\.example\.Clock +{waiting.Id} +queued ", text);
        Assert.Matches($@"(?m)^org\.example\.Lazy +{activator.Id} +activator ", text);
        Assert.Matches($@"^NAME[^\n]*\norg\.example\.Lazy +{activator.Id} +activator [^\n]*\n$", (await scene.RunAsync("list", "--activators")).Succeeded().Output);
        Assert.Matches($@"^NAME[^\n]*\norg\.example\.Clock +{waiting.Id} +queued [^\n]*\n$", (await scene.RunAsync("list", "--queued")).Succeeded().Output);
    }

    [Fact]
    public async Task On_a_narrow_terminal_columns_that_matter_less_are_left_out_and_nothing_is_cut()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection service = await scene.ConnectAsync(new BusConnectionOptions { Description = "a-description-that-does-not-fit-beside-the-rest" });
        await using OwnedName name = await service.AcquireNameAsync("org.example.a.rather.long.Name");
        using Terminal terminal = Terminal.Open([$"KDBUSCTL_BUS={scene.BusPath}"], 80, 24, "list");
        string screen = await terminal.EndsAsync(0);
        Assert.Contains("org.example.a.rather.long.Name", screen, StringComparison.Ordinal);
        Assert.DoesNotContain("DESCRIPTION", screen, StringComparison.Ordinal);
        Assert.All(screen.Split('\n'), static line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public async Task A_bus_that_is_not_there_and_a_domain_that_is_not_mounted_are_told_with_what_to_try()
    {
        await using Scene scene = await Scene.StartAsync();
        (await scene.RunAsync("list", "--bus", "no-such-bus")).Failed(66, "there is no bus 'no-such-bus'");
        (await scene.RunAsync("list", "--bus", "/tmp")).Failed(66, "there is no bus '/tmp'");
        (await scene.RunAsync("lisst")).Failed(64, "unknown command 'lisst'", "did you mean 'list'?");
        (await scene.RunAsync("list", "--colour")).Failed(64, "--colour", "see kdbusctl list --help");
    }
}
