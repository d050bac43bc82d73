using System.Text.Json.Nodes;
using Kdbus.Client;

namespace Kdbus.Cli.Tests;

/// <summary><c>kdbusctl bench</c>. What it measures is not looked at: that it measures is.</summary>
public sealed class BenchTests
{
    private static readonly string[] s_what = ["call 8 B", "call 4 KiB", "call 64 KiB", "call 1 MiB, memfd", "message 8 B"];

    [Fact]
    public async Task Every_exchange_is_measured_on_a_bus_of_its_own_that_is_gone_afterwards()
    {
        await using Scene scene = await Scene.StartAsync();
        JsonObject told = JsonNode.Parse((await scene.RunAsync("bench", "--quick", "--json")).Succeeded().Output)!.AsObject();
        Assert.StartsWith($"{scene.Domain}/0-kdbusctl-bench-", told["bus"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.True(told["extensions"]!.GetValue<bool>());
        Assert.Equal(Environment.ProcessorCount, told["cpus"]!.GetValue<int>());
        JsonArray rows = told["rows"]!.AsArray();
        Assert.Equal(
            [.. s_what.Select(static what => (what, "one process")), .. s_what.Select(static what => (what, "two processes")), ("signal to 8", "one process")],
            rows.Select(static row => (row!["what"]!.GetValue<string>(), row["between"]!.GetValue<string>())));
        Assert.All(rows, static row =>
        {
            long median = row!["median"]!.GetValue<long>(), socket = row["socketMedian"]!.GetValue<long>();
            Assert.InRange(median, 1, row["p99"]!.GetValue<long>());
            Assert.True(row["count"]!.GetValue<int>() >= 20 && row["perSecond"]!.GetValue<long>() > 0);
            Assert.Equal((double)median / socket, row["ratio"]!.GetValue<double>(), tolerance: 0.001);
        });
        Assert.Equal([scene.BusPath], Directory.GetDirectories(scene.Domain), StringComparer.Ordinal);
    }

    [Fact]
    public async Task A_bus_that_is_named_is_used_and_nobody_stays_on_it()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection here = await scene.ConnectAsync();
        Outcome told = (await scene.RunAsync("bench", "--quick", "--bus", scene.BusPath)).Succeeded();
        Assert.Matches($@"(?m)^Bus: +{scene.BusPath}$", told.Output);
        Assert.Matches("(?m)^WHAT +BETWEEN +MEDIAN +P99 +PER SECOND +SOCKETS +RATIO$", told.Output);
        Assert.Single(here.List());
        (await scene.RunAsync("bench", "--domain", "/tmp")).Failed(66, "no kdbusfs domain is mounted on '/tmp'");
    }

    [Fact]
    public async Task Ctrl_C_ends_it_with_its_second_process()
    {
        await using Scene scene = await Scene.StartAsync();
        await using BusConnection here = await scene.ConnectAsync();
        Running bench = scene.Start("bench", "--bus", scene.BusPath);
        _ = await bench.SaysAsync("Kernel:");
        Outcome ended = await bench.InterruptAsync();
        Assert.Equal(130, ended.Code);
        Assert.Single(here.List());
    }
}
