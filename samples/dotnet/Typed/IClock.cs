using System.Text.Json.Serialization;
using Kdbus.Client;

namespace Samples.Typed;

/// <summary>What the service offers, known to both sides: a clock that tells the time, and ticks.</summary>
[BusService("org.example.Clock", Serializer = typeof(ClockJson))]
[BusErrors(typeof(TooFastException))]
public interface IClock
{
    /// <summary>The time.</summary>
    Task<DateTimeOffset> NowAsync(CancellationToken cancellation = default);

    /// <summary>A sum, by a call that blocks: the quickest way.</summary>
    long Add(long left, long right);

    /// <summary>Ticks without end, one each so many milliseconds. Who enumerates slowly is not overrun: the service waits.</summary>
    IAsyncEnumerable<Tick> TicksAsync(int milliseconds, CancellationToken cancellation = default);
}

/// <summary>One tick.</summary>
public sealed record Tick(int Number, DateTimeOffset At);

/// <summary>It cannot tick that fast.</summary>
[BusError("org.example.Clock.Error.TooFast")]
public sealed class TooFastException(string message) : PeerFailedException("org.example.Clock.Error.TooFast", message);

/// <summary>How the types of the interface are written; the compiler makes the code, so nothing is looked up when it runs.</summary>
[JsonSerializable(typeof(Tick))]
internal sealed partial class ClockJson : JsonSerializerContext;
