// grpc-echo serve SOCKET: a gRPC service on a unix socket; prints "ready".
// grpc-echo call SOCKET SERVER-PID PLACE CALLS: makes calls of 8 bytes to it, one after the other, and prints a line as `calls` does: place,
// bytes, "grpc", median, 99th percentile, CPU time of both processes, in microseconds a call, calls.
//
// It is what a .NET program would use that has no bus: Grpc.AspNetCore.Server and Grpc.Net.Client as they come, HTTP/2 over a unix socket.

using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Grpc.Net.Client;
using Kdbus.Bench.GrpcEcho;
using Microsoft.AspNetCore.Server.Kestrel.Core;

switch (args)
{
    case ["serve", var socket]:
        await Serve(socket);
        return 0;
    case ["call", var socket, var server, var place, var calls]:
        await Measure(socket, int.Parse(server, CultureInfo.InvariantCulture), place, int.Parse(calls, CultureInfo.InvariantCulture));
        return 0;
    default:
        await Console.Error.WriteLineAsync("usage: grpc-echo serve SOCKET | grpc-echo call SOCKET SERVER-PID PLACE CALLS");
        return 2;
}

static async Task Serve(string socket)
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(socket, listen => listen.Protocols = HttpProtocols.Http2));
    builder.Services.AddGrpc();
    var application = builder.Build();
    application.MapGrpcService<EchoService>();
    await application.StartAsync();
    Console.WriteLine("ready");
    await application.WaitForShutdownAsync();
}

static async Task Measure(string socket, int serverId, string place, int calls)
{
    using var handler = new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
            return new NetworkStream(connection, ownsSocket: true);
        },
    };
    using var channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });
    var client = new Echo.EchoClient(channel);
    var question = new Payload { Value = 8 };

    // The compiler makes its best code of what has run often, in the background.
    for (int i = 0; i < calls * 2; i++) await client.CallAsync(question);

    using var self = Process.GetCurrentProcess();
    using var server = Process.GetProcessById(serverId);
    double[] microseconds = new double[calls];
    var cpu = CpuTime(self) + CpuTime(server);
    for (int i = 0; i < calls; i++)
    {
        long start = Stopwatch.GetTimestamp();
        await client.CallAsync(question);
        microseconds[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }
    cpu = CpuTime(self) + CpuTime(server) - cpu;

    Array.Sort(microseconds);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{place}\t8\tgrpc\t{microseconds[calls / 2]:F2}\t{microseconds[(int)(calls * 0.99)]:F2}\t{cpu.TotalMicroseconds / calls:F2}\t{calls}"));
}

static TimeSpan CpuTime(Process process)
{
    process.Refresh();
    return process.TotalProcessorTime;
}
