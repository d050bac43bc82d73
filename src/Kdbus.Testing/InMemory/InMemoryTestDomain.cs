using Kdbus.Client;
using Kdbus.Client.Internal;
using Kdbus.Daemon.Serving;

namespace Kdbus.Testing.InMemory;

/// <summary>A domain in memory, for a test.</summary>
internal sealed class InMemoryTestDomain(TestBusOptions options) : ITestDomain
{
    private readonly InMemoryDomain _domain = new(new ServerOptions { Extensions = options.Extensions }, options.TimeProvider);

    public string Root => "memory:";

    public int Open(string path, out IEndpointFile? opened) => _domain.Open(path, out opened);

    public ValueTask<BusConnection> ConnectAsync(string path, BusConnectionOptions? options, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        string address = Path.Combine(Root, path);
        Failures.Check(_domain.Open(path, out IEndpointFile? file), $"connect to {address}");
        return ValueTask.FromResult(BusConnection.Connect(file!, address, options));
    }

    public ValueTask DisposeAsync()
    {
        _domain.Dispose();
        return ValueTask.CompletedTask;
    }
}
