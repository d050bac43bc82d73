using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;

namespace Kdbus.Client.Tests.Services;

/// <summary>A service with one member of each kind.</summary>
[BusService("org.example.Clock", Serializer = typeof(ClockJson))]
[BusErrors(typeof(TooEarlyException))]
public interface IClock
{
    Task<DateTimeOffset> NowAsync(CancellationToken cancellation);

    ValueTask<long> DoubleAsync(long value);

    Task SetAsync(DateTimeOffset time);

    ValueTask ResetAsync();

    long Add(long a, long b);

    void Touch();

    string? Name(string? name, Zone zone = Zone.Utc, int[]? offsets = null);

    IAsyncEnumerable<Tick> TicksAsync(int every, CancellationToken cancellation);

    Task WaitAsync(CancellationToken cancellation);

    [BusErrors(typeof(TooLateException))]
    Task<int> FailAsync(string how);
}

public enum Zone : byte
{
    Utc,
    Local = 200,
}

/// <summary>A value of a stream.</summary>
public sealed record Tick(int Number, string Text);

[JsonSerializable(typeof(Tick))]
internal sealed partial class ClockJson : JsonSerializerContext;

[BusError("org.example.Clock.Error.TooEarly")]
public sealed class TooEarlyException(string message) : PeerFailedException("org.example.Clock.Error.TooEarly", message);

[BusError("org.example.Clock.Error.TooLate")]
public sealed class TooLateException(string message) : PeerFailedException("org.example.Clock.Error.TooLate", message);

/// <summary>It, with what a test wants to know about it.</summary>
internal sealed class Clock : IClock
{
    private readonly TaskCompletionSource _canceled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _streamDisposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _made;

    public int Touched { get; private set; }

    public int ThreadOfTouch { get; private set; }

    /// <summary>Values of streams made so far.</summary>
    public int Made => Volatile.Read(ref _made);

    /// <summary>Done when the token of <see cref="WaitAsync"/> was cancelled.</summary>
    public Task Canceled => _canceled.Task;

    /// <summary>Done when an enumerator was disposed.</summary>
    public Task StreamDisposed => _streamDisposed.Task;

    public async Task<DateTimeOffset> NowAsync(CancellationToken cancellation)
    {
        await Task.Delay(5, cancellation);
        return DateTimeOffset.UnixEpoch;
    }

    public ValueTask<long> DoubleAsync(long value) => ValueTask.FromResult(value * 2);

    public Task SetAsync(DateTimeOffset time) => Task.CompletedTask;

    public async ValueTask ResetAsync() => await Task.Yield();

    public long Add(long a, long b) => a + b;

    public void Touch() => (Touched, ThreadOfTouch) = (Touched + 1, Environment.CurrentManagedThreadId);

    public string? Name(string? name, Zone zone, int[]? offsets) => name is null ? null : $"{name} {zone} {offsets?.Length ?? -1}";

    // every: 0 for values without end; n > 0 for n of them; n < 0 for -n values and then an error; 1000 and more: slowly.
    public async IAsyncEnumerable<Tick> TicksAsync(int every, [EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            for (int i = 0; every == 0 || i < Math.Abs(every); i++)
            {
                if (every >= 1000)
                    await Task.Delay(every, cancellation);
                Interlocked.Increment(ref _made);
                yield return new Tick(i, $"tick {i}");
            }
            if (every < 0)
                throw new TooEarlyException("That was all.");
        }
        finally
        {
            _streamDisposed.TrySetResult();
        }
    }

    public async Task WaitAsync(CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        catch (OperationCanceledException)
        {
            _canceled.TrySetResult();
            throw;
        }
    }

    public async Task<int> FailAsync(string how)
    {
        if (how.EndsWith("later", StringComparison.Ordinal))
            await Task.Delay(5);
        throw how.Split(' ')[0] switch
        {
            "early" => new TooEarlyException("It is night."),
            "late" => new TooLateException("It is noon."),
            "other" => new PeerFailedException("org.example.Other", "Something else."),
            "cancel" => new OperationCanceledException(),
            _ => new InvalidOperationException("a secret"),
        };
    }
}
