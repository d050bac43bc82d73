using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Kdbus.Client.Tests.Services;

/// <summary>What tracing and metrics see. The listeners hear the calls of other tests too, and look only at their own.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public async Task The_spans_of_both_sides_are_of_one_trace()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<ITraced>(new Traced());
        List<Activity> spans = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = static source => source.Name == "Kdbus.Client",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (spans)
                {
                    if (span.OperationName.StartsWith("org.example.Traced/", StringComparison.Ordinal))
                        spans.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        using Activity outer = new Activity("outer").Start();
        outer.TraceStateString = "vendor=1";
        ITraced client = scene.Client.GetClient<ITraced>();
        await client.WorkAsync();
        Assert.Same(outer, Activity.Current);
        await Assert.ThrowsAsync<PeerFailedException>(() => client.FailAsync());
        for (int i = 0; i < 100 && spans.Count < 4; i++)
            await Task.Delay(20, TestContext.Current.CancellationToken);

        Activity clientSpan = Assert.Single(spans, static span => span is { OperationName: "org.example.Traced/Work", Kind: ActivityKind.Client });
        Activity serverSpan = Assert.Single(spans, static span => span is { OperationName: "org.example.Traced/Work", Kind: ActivityKind.Server });
        Assert.Equal((outer.TraceId, outer.SpanId), (clientSpan.TraceId, clientSpan.ParentSpanId));
        Assert.Equal((outer.TraceId, clientSpan.SpanId), (serverSpan.TraceId, serverSpan.ParentSpanId));
        Assert.Equal("vendor=1", serverSpan.TraceStateString);
        Assert.Equal(("kdbus", "org.example.Traced", "Work"), (serverSpan.GetTagItem("rpc.system"), serverSpan.GetTagItem("rpc.service"), serverSpan.GetTagItem("rpc.method")));
        Assert.Equal(2, spans.Count(static span => span.OperationName.EndsWith("Fail", StringComparison.Ordinal) && span.Status == ActivityStatusCode.Error));
    }

    [Fact]
    public async Task Durations_are_measured_on_both_sides()
    {
        await using Scene scene = await Scene.OpenAsync(Way.InMemory);
        await using Serving serving = await scene.Service.ServeAsync<ITraced>(new Traced());
        List<string> measured = [];
        using MeterListener listener = new()
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Kdbus.Client")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
        {
            lock (measured)
            {
                if (value > 0 && tags.ToArray().Any(static tag => tag is { Key: "rpc.method", Value: "Measure" }))
                    measured.Add(instrument.Name);
            }
        });
        listener.Start();
        await scene.Client.GetClient<ITraced>().MeasureAsync();
        for (int i = 0; i < 100 && measured.Count < 2; i++)
            await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Equal(["rpc.client.duration", "rpc.server.duration"], measured.Order(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    private sealed class Traced : ITraced
    {
        public async Task WorkAsync() => await Task.Delay(1);

        public Task FailAsync() => throw new PeerFailedException("org.example.No", "No.");

        public ValueTask MeasureAsync() => default;
    }
}

[BusService("org.example.Traced")]
public interface ITraced
{
    Task WorkAsync();

    Task FailAsync();

    ValueTask MeasureAsync();
}
