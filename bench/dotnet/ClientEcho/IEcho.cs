using Kdbus.Client;

namespace Kdbus.Bench.ClientEcho;

/// <summary>What is called: a number comes back.</summary>
[BusService("org.kdbusfs.Bench.Echo")]
public interface IEcho
{
    /// <summary>A call that is awaited.</summary>
    ValueTask<long> EchoAsync(long value);

    /// <summary>A call that blocks, in one system call.</summary>
    [BusMember("EchoBlocking")]
    long Echo(long value);
}

/// <summary>The service; it has its answers at once.</summary>
internal sealed class EchoService : IEcho
{
    public ValueTask<long> EchoAsync(long value) => ValueTask.FromResult(value);

    public long Echo(long value) => value;
}
