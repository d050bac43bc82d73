using System.Diagnostics;
using System.Threading.Channels;
using Kdbus.Testing;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Kdbus.Client.Tests.Hosting;

/// <summary>Calls as the SDK of OpenTelemetry sees them.</summary>
[Collection("process")]
public sealed class TracingTests
{
    [Fact]
    public async Task A_call_across_two_connections_is_one_trace()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using Collector collector = new();
        using TracerProvider provider = Sdk.CreateTracerProviderBuilder().AddSource("Kdbus.Client").AddProcessor(collector).Build();
        await using TestBus bus = await TestBus.StartAsync(new TestBusOptions { Transport = TestTransport.Mounted }, cancellation);
        await using BusConnection service = await bus.ConnectAsync(ct: cancellation);
        await using BusConnection caller = await bus.ConnectAsync(ct: cancellation);
        await using Serving serving = await service.ServeAsync<IClock>(new Clock());
        Assert.Equal(Clock.Time, await caller.GetClient<IClock>().NowAsync());

        Activity[] spans = [await collector.TakeAsync(cancellation), await collector.TakeAsync(cancellation)];
        Activity client = Assert.Single(spans, static span => span.Kind == ActivityKind.Client);
        Activity server = Assert.Single(spans, static span => span.Kind == ActivityKind.Server);
        Assert.All(spans, static span => Assert.Equal("org.example.HostedClock/Now", span.OperationName));
        Assert.Equal(default, client.ParentSpanId);
        Assert.Equal((client.TraceId, client.SpanId), (server.TraceId, server.ParentSpanId));
    }

    /// <summary>Keeps what has ended.</summary>
    private sealed class Collector : BaseProcessor<Activity>
    {
        private readonly Channel<Activity> _ended = Channel.CreateUnbounded<Activity>();

        public ValueTask<Activity> TakeAsync(CancellationToken cancellation) => _ended.Reader.ReadAsync(cancellation);

        public override void OnEnd(Activity data) => _ = _ended.Writer.TryWrite(data);
    }
}
