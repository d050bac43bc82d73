// client-echo serve ENDPOINT: a typed service and an untyped one on a bus; prints "ready".
// client-echo call ENDPOINT SERVER-PID PLACE CALLS [BROKER-PID]: makes calls of 8 bytes to them, one after the other, in bursts of each
// way in turns, and prints a line for each way as `calls` does: place, bytes, way, median, 99th percentile, CPU time of all these
// processes, in microseconds a call, calls.
//
// Ways: dotnet-typed awaits a call of an interface, dotnet-blocking waits for it inside of one system call, dotnet-untyped awaits an
// answer of bytes.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Kdbus.Bench.ClientEcho;
using Kdbus.Client;

const string Untyped = "org.kdbusfs.Bench.Untyped";
const int Burst = 250;

switch (args)
{
    case ["serve", var endpoint]:
        await Serve(endpoint);
        return 0;
    case ["call", var endpoint, var server, var place, var calls, .. { Length: <= 1 } broker]:
        Measure(endpoint, [Environment.ProcessId, .. new[] { server }.Concat(broker).Select(Number)], place, Number(calls));
        return 0;
    default:
        Console.Error.WriteLine("usage: client-echo serve ENDPOINT | client-echo call ENDPOINT SERVER-PID PLACE CALLS [BROKER-PID]");
        return 2;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

static async Task Serve(string endpoint)
{
    await using BusConnection typed = await BusConnection.ConnectAsync(endpoint);
    await using BusConnection untyped = await BusConnection.ConnectAsync(endpoint);
    await using Serving serving = await typed.ServeAsync<IEcho>(new EchoService());
    await using OwnedName name = await untyped.AcquireNameAsync(Untyped);
    Console.WriteLine("ready");
    await foreach (Message request in untyped.ReceiveAllAsync())
    {
        using (request)
            request.Reply(request.Payload.FirstSpan);
    }
}

// Each way has a connection of its own. What is awaited goes on at its receiving thread; the call that blocks blocks this thread.
static void Measure(string endpoint, int[] processes, string place, int calls)
{
    BusConnection[] connections = [Connect(endpoint), Connect(endpoint), Connect(endpoint)];
    IEcho typed = connections[0].GetClient<IEcho>(), blocking = connections[1].GetClient<IEcho>();
    Way[] ways = [new("dotnet-typed", calls), new("dotnet-blocking", calls), new("dotnet-untyped", calls)];

    // The first time everything is new, and nothing counts.
    BurstOfEach([new("", Burst), new("", Burst), new("", Burst)], Burst);
    for (int left = calls; left > 0; left -= Burst)
        BurstOfEach(ways, Math.Min(left, Burst));

    foreach (Way way in ways)
        Console.WriteLine(way.Line(place));
    foreach (BusConnection connection in connections)
        connection.DisposeAsync().AsTask().GetAwaiter().GetResult();

    void BurstOfEach(Way[] ways, int count)
    {
        BurstOfTyped(typed, ways[0], processes, count).GetAwaiter().GetResult();
        BurstOfBlocking(blocking, ways[1], processes, count);
        BurstOfUntyped(connections[2], ways[2], processes, count).GetAwaiter().GetResult();
    }
}

static BusConnection Connect(string endpoint) => BusConnection.ConnectAsync(endpoint).AsTask().GetAwaiter().GetResult();

// Some calls that do not count come before each burst: caches and the scheduler's opinion belong to the way measured before.
static async Task BurstOfTyped(IEcho echo, Way way, int[] processes, int count)
{
    double cpu = 0;
    for (int i = -Way.Uncounted(count); i < count; i++)
    {
        if (i == 0)
            cpu = CpuClock.Used(processes);
        long start = Stopwatch.GetTimestamp();
        long answer = await echo.EchoAsync(i);
        way.Add(i, start, answer);
    }
    way.AddCpu(CpuClock.Used(processes) - cpu);
}

static void BurstOfBlocking(IEcho echo, Way way, int[] processes, int count)
{
    double cpu = 0;
    for (int i = -Way.Uncounted(count); i < count; i++)
    {
        if (i == 0)
            cpu = CpuClock.Used(processes);
        long start = Stopwatch.GetTimestamp();
        long answer = echo.Echo(i);
        way.Add(i, start, answer);
    }
    way.AddCpu(CpuClock.Used(processes) - cpu);
}

static async Task BurstOfUntyped(BusConnection connection, Way way, int[] processes, int count)
{
    double cpu = 0;
    Destination service = Untyped;
    for (int i = -Way.Uncounted(count); i < count; i++)
    {
        if (i == 0)
            cpu = CpuClock.Used(processes);
        long start = Stopwatch.GetTimestamp();
        long answer = await Ask(connection, service, i);
        way.Add(i, start, answer);
    }
    way.AddCpu(CpuClock.Used(processes) - cpu);
}

[System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder<>))]
static async ValueTask<long> Ask(BusConnection connection, Destination service, long value)
{
    using Message answer = await connection.CallAsync(service, MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in value)));
    return MemoryMarshal.Read<long>(answer.Payload.FirstSpan);
}
