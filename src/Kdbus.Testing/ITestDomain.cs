using Kdbus.Client;
using Kdbus.Client.Internal;

namespace Kdbus.Testing;

/// <summary>The domain of a test, wherever it is.</summary>
internal interface ITestDomain : IAsyncDisposable
{
    /// <summary>Where it is mounted, or how it is called in messages.</summary>
    string Root { get; }

    /// <summary>Opens a file below its root: 0 or -errno.</summary>
    int Open(string path, out IEndpointFile? opened);

    /// <summary>Connects to an endpoint below its root.</summary>
    ValueTask<BusConnection> ConnectAsync(string path, BusConnectionOptions? options, CancellationToken cancellation);
}
