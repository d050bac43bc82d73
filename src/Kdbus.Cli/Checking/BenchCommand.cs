using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Kdbus.Cli.Status;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary><c>kdbusctl bench</c>: how fast the mounted domain is, beside a pair of unix sockets.</summary>
internal static class BenchCommand
{
    private const int Batch = 64;
    private const int MemfdSize = 1 << 20;

    private static readonly Sheet<Row> s_sheet = new Sheet<Row>()
        .Column("WHAT", "what", static row => Cell.Of(row.What))
        .Column("BETWEEN", "between", static row => Cell.Of(row.Between), rank: 2)
        .Column("MEDIAN", "median", static row => Cell.Duration(row.Bus.Median, "cyan"), isNumber: true)
        .Column("P99", "p99", static row => Cell.Duration(row.Bus.P99), rank: 1, isNumber: true)
        .Column("PER SECOND", "perSecond", static row => Cell.Of((long)row.Bus.PerSecond), rank: 1, isNumber: true)
        .Column("SOCKETS", "socketMedian", static row => Cell.Duration(row.Socket.Median), isNumber: true)
        .Column("RATIO", "ratio", static row => new Cell(row.Ratio.ToString("0.00", CultureInfo.InvariantCulture), JsonValue.Create(Math.Round(row.Ratio, 3))), isNumber: true);

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        Option<bool> quick = new("--quick", "-q") { Description = "a quarter of the time" };
        Option<string?> domain = new("--domain") { Description = "measure this domain, on a bus that is made for it; without it, and without --bus, the only one there is", HelpName = "DIR" };
        domain.CompletionSources.Add(static _ => Completions.Domains());
        Option<string?> answer = new(BenchPeer.Option) { Hidden = true };
        Command command = new(
            "bench",
            "Measure calls, messages and signals of a mounted domain, for some seconds: between two connections of one process, which flatters, and between two processes; beside each the same by a pair of unix sockets. Payloads are written anew each time and read. RATIO is how many times as long the bus takes.")
        {
            quick, domain, answer, CommonOptions.Bus, CommonOptions.Json, CommonOptions.Color,
        };
        Invocation.SetAction(command, async invocation =>
        {
            if (invocation.Get(answer) is { } endpoint)
                return await BenchPeer.AnswerAsync(invocation, endpoint).ConfigureAwait(false);
            using OwnedBus? made = invocation.Has(CommonOptions.Bus) ? null : Make(invocation, invocation.Get(domain));
            BusPlace place = made is null ? invocation.Bus : BusPlace.Find(made.Endpoint);
            await RunAsync(invocation, place, TimeSpan.FromMilliseconds(invocation.Get(quick) ? 75 : 300)).ConfigureAwait(false);
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>A bus of our own; null if we may not make one.</summary>
    private static OwnedBus? Make(Invocation invocation, string? domain)
    {
        // Who names a bus in the environment means its domain.
        bool isBusSaid = Environment.GetEnvironmentVariable(BusPlace.Variable) is { Length: > 0 };
        string path = domain is null && isBusSaid ? invocation.Bus.Domain : MountedDomain.Find(domain).Path;
        try
        {
            return OwnedBus.Make(path, string.Create(CultureInfo.InvariantCulture, $"kdbusctl-bench-{Environment.ProcessId}"));
        }
        catch (BusRefusedException) when (domain is null)
        {
            return null;
        }
    }

    private static async Task RunAsync(Invocation invocation, BusPlace place, TimeSpan time)
    {
        CancellationToken ending = invocation.Ending;
        BusConnection connection = await BusConnection.ConnectAsync(place.Endpoint, new BusConnectionOptions { Description = "kdbusctl-bench" }, ending).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            Facts with = With(place, connection);
            if (!invocation.Output.IsJson)
            {
                invocation.Output.Write(with);
                invocation.Output.Line();
            }
            List<Row> rows = [];
            foreach (bool isHere in (bool[])[true, false])
            {
                BenchPeer peer = isHere ? await BenchPeer.StartHereAsync(place.Endpoint).ConfigureAwait(false) : await BenchPeer.StartElsewhereAsync(place.Endpoint).ConfigureAwait(false);
                await using (peer.ConfigureAwait(false))
                {
                    using BenchBus bus = new(connection, peer.Id, ending);
                    string between = isHere ? "one process" : "two processes";
                    foreach (int size in (int[])[8, 4 << 10, 64 << 10])
                        rows.Add(Measure($"call {Sizes.Text(size)}{(size < 1024 ? " B" : "")}", between, link => Call(link, size, size, asMemfd: false, time, ending), bus, peer.Socket));
                    rows.Add(Measure("call 1 MiB, memfd", between, link => Call(link, MemfdSize, 8, asMemfd: true, time, ending), bus, peer.Socket));
                    rows.Add(Measure("message 8 B", between, link => Send(link, time, ending), bus, peer.Socket));
                }
            }
            BenchSignals signals = await BenchSignals.StartAsync(connection, place.Endpoint).ConfigureAwait(false);
            await using (signals.ConfigureAwait(false))
            {
                byte[] payload = new byte[8];
                rows.Add(new Row(
                    string.Create(CultureInfo.InvariantCulture, $"signal to {BenchSignals.Listeners}"), "one process",
                    Timing.Of(() => signals.Emit(payload, ending), time, ending), Timing.Of(() => signals.Write(payload, ending), time, ending)));
            }
            Show(invocation.Output, with, rows);
        }
    }

    private static void Show(Output output, Facts with, List<Row> rows)
    {
        if (!output.IsJson)
        {
            output.Write(s_sheet, rows);
            return;
        }
        JsonObject whole = with.ToJson();
        whole["rows"] = new JsonArray([.. rows.Select(static row =>
        {
            JsonObject json = s_sheet.ToJson(row);
            json["count"] = row.Bus.Count;
            return (JsonNode?)json;
        })]);
        output.Json(whole);
    }

    private static Facts With(BusPlace place, BusConnection connection)
    {
        ServerRow? server = StatusFiles.Server(new MountedDomain(place.Domain));
        return new Facts()
            .Add("Bus", "bus", Cell.Of(place.Directory))
            .Add("Kernel", "kernel", Cell.Of($"Linux {Environment.OSVersion.Version.ToString(3)}"))
            .Add("CPUs", "cpus", Cell.Of((long)Environment.ProcessorCount))
            .Add("Profile", "profile", Cell.Of(server?.Profile))
            .Add("Extensions", "extensions", new Cell(connection.HasExtensions ? "on" : "off", JsonValue.Create(connection.HasExtensions)))
            .Add("Low latency", "lowLatency", server is null ? Cell.None : new Cell(server.LowLatency ? "on" : "off", JsonValue.Create(server.LowLatency)))
            .Add("Server", "server", Cell.Of(server?.Version));
    }

    private static Row Measure(string what, string between, Func<IBenchLink, Timing> measure, IBenchLink bus, IBenchLink socket) => new(what, between, measure(bus), measure(socket));

    private static Timing Call(IBenchLink link, int size, int answer, bool asMemfd, TimeSpan time, CancellationToken ending)
    {
        byte[] payload = new byte[size];
        return Timing.Of(() => link.Call(payload, answer, asMemfd), time, ending);
    }

    // What was sent has arrived when the call behind it is answered. So the times are those of a message out of many.
    private static Timing Send(IBenchLink link, TimeSpan time, CancellationToken ending)
    {
        byte[] payload = new byte[8];
        return Timing.Of(
            () =>
            {
                for (int i = 1; i < Batch; i++)
                    link.Send(payload);
                link.Call(payload, 8, asMemfd: false);
            },
            time, ending, Batch);
    }

    private sealed record Row(string What, string Between, Timing Bus, Timing Socket)
    {
        public double Ratio => Bus.Median / Socket.Median;
    }
}
