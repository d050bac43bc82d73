namespace Kdbus.Client.Tests.Hosting;

/// <summary>What the hosts of the tests serve and call.</summary>
[BusService("org.example.HostedClock")]
public interface IClock
{
    ValueTask<long> NowAsync();

    Task FailAsync();
}

/// <summary>It is always the same time.</summary>
internal sealed class Clock : IClock
{
    public const long Time = 1_234_567;

    public ValueTask<long> NowAsync() => ValueTask.FromResult(Time);

    public Task FailAsync() => throw new InvalidOperationException("The spring is broken.");
}
