using Kdbus.Client;

namespace Kdbus.Testing;

/// <summary>A peer that fails when a test wants it to: a connection in its own right, made by <see cref="TestBus.StartPeerAsync"/>.</summary>
public sealed class TestPeer : IAsyncDisposable
{
    internal TestPeer(BusConnection connection) => Connection = connection;

    /// <summary>Its connection. When the peer has died, it is at its end.</summary>
    public BusConnection Connection { get; }

    /// <summary>
    /// The peer dies as if its process had been killed. What was queued for it is lost, its names are free, and who waits for a reply of it is told at
    /// once that none will come.
    /// </summary>
    public void Die() => Connection.Abort();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
