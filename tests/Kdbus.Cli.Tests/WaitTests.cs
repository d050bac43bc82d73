using System.Text.Json.Nodes;
using Kdbus.Client;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl wait</c>.</summary>
public sealed class WaitTests
{
    [Fact]
    public async Task It_ends_when_the_name_is_owned_and_says_by_whom()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection service = await scene.ConnectAsync();
        Running waiting = scene.Start("wait", "org.example.Clock");
        // It has its match before it looks: that is seen in the matches of the bus.
        await Eventually(async () => (await scene.RunAsync("info", "--json")).Output.Contains("\"matches\":", StringComparison.Ordinal));
        await using OwnedName name = await service.AcquireNameAsync("org.example.Clock");
        Assert.Equal($"org.example.Clock is owned by connection {service.Id}\n", (await waiting.EndAsync()).Succeeded().Output);
        JsonNode json = JsonNode.Parse((await scene.RunAsync("wait", "org.example.Clock", "--json")).Succeeded().Output)!;
        Assert.Equal(service.Id, json["owner"]!.GetValue<ulong>());
    }

    [Fact]
    public async Task An_activator_is_no_owner_unless_it_is_said()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection activator = await scene.ConnectAsync(new BusConnectionOptions { Kind = ConnectionKind.Activator, Name = "org.example.Lazy" });
        (await scene.RunAsync("wait", "org.example.Lazy", "--timeout", "200ms")).Failed(75, "nobody has come to own org.example.Lazy after 200 ms");
        (await scene.RunAsync("wait", "org.example.Lazy", "--activator")).Succeeded();
    }

    [Fact]
    public async Task With_gone_it_ends_when_the_name_or_the_connection_is_gone()
    {
        await using Scene scene = await Scene.StartAsync();
        BusConnection service = await scene.ConnectAsync();
        await using OwnedName name = await service.AcquireNameAsync("org.example.Clock");
        (await scene.RunAsync("wait", "--gone", "org.example.Clock", "-t", "200ms")).Failed(75, "org.example.Clock is still there");
        Running forName = scene.Start("wait", "--gone", "org.example.Clock"), forId = scene.Start("wait", "--gone", $"{service.Id}");
        await service.DisposeAsync();
        _ = (await forName.EndAsync()).Succeeded();
        _ = (await forId.EndAsync()).Succeeded();
        (await scene.RunAsync("wait", $"{service.Id}")).Failed(64, "An id never comes again");
    }

    [Fact]
    public async Task The_end_of_the_bus_is_told_and_Ctrl_C_is_130()
    {
        await using Scene scene = await Scene.StartAsync();
        OwnedBus bus = OwnedBus.Make(scene.Domain, "short");
        Running waiting = scene.Start("wait", "org.example.Clock", "--bus", bus.Path), interrupted = scene.Start("wait", "org.example.Clock");
        await Eventually(async () => (await scene.RunAsync("list", "--bus", bus.Path)).Output.Contains("kdbusctl", StringComparison.Ordinal));
        await Eventually(async () => (await scene.RunAsync("list")).Output.Contains("kdbusctl", StringComparison.Ordinal));
        bus.Dispose();
        (await waiting.EndAsync()).Failed(69);
        Assert.Equal(130, (await interrupted.InterruptAsync()).Code);
    }

    private static async Task Eventually(Func<Task<bool>> condition)
    {
        for (int i = 0; i < 600 && !await condition(); i++)
            await Task.Delay(50, TestContext.Current.CancellationToken);
    }
}
