using Kdbus.Abi;
using Kdbus.Client;
using Microsoft.Extensions.Time.Testing;

namespace Kdbus.Testing.Tests;

/// <summary>What a test does with its bus.</summary>
public sealed class TestBusTests
{
    private static readonly TestBusOptions s_inMemory = new() { Transport = TestTransport.InMemory };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_bus_with_a_time_of_its_own_is_in_memory_and_says_why()
    {
        await using TestBus bus = await TestBus.StartAsync(new TestBusOptions { TimeProvider = new FakeTimeProvider() }, Cancellation);
        Assert.Equal(TestTransport.InMemory, bus.Transport);
        Assert.Equal("The bus is in memory because the bus has a time of its own.", bus.TransportReason);
        Assert.Null(bus.Path);
    }

    [Fact]
    public async Task An_automatic_bus_is_somewhere_and_says_why()
    {
        await using TestBus bus = await TestBus.StartAsync(ct: Cancellation);
        Assert.NotEqual(TestTransport.Automatic, bus.Transport);
        Assert.Equal(bus.Transport == TestTransport.Mounted, bus.Path is not null);
        Assert.EndsWith(".", bus.TransportReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_call_each_other()
    {
        await using TestBus bus = await TestBus.StartAsync(s_inMemory, Cancellation);
        await using BusConnection service = await bus.ConnectAsync(ct: Cancellation);
        await using BusConnection client = await bus.ConnectAsync(ct: Cancellation);
        ValueTask<Message> call = client.CallAsync(service.Id, "ping"u8, cancellation: Cancellation);
        using (Message request = await service.ReceiveAsync(Cancellation))
            request.Reply(request.ToArray());
        using Message reply = await call;
        Assert.Equal("ping"u8.ToArray(), reply.ToArray());
    }

    [Fact]
    public async Task The_caller_of_a_peer_that_dies_is_told()
    {
        await using TestBus bus = await TestBus.StartAsync(s_inMemory, Cancellation);
        await using TestPeer peer = await bus.StartPeerAsync(ct: Cancellation);
        await using BusConnection client = await bus.ConnectAsync(ct: Cancellation);
        ValueTask<Message> call = client.CallAsync(peer.Connection.Id, "ping"u8, cancellation: Cancellation);
        peer.Die();
        PeerFailedException failure = await Assert.ThrowsAsync<PeerFailedException>(async () => await call);
        Assert.Equal(BusErrors.Died, failure.ErrorName);
    }

    [Fact]
    public async Task A_call_of_a_connection_times_out_by_the_time_of_the_bus()
    {
        FakeTimeProvider time = new();
        await using TestBus bus = await TestBus.StartAsync(s_inMemory with { TimeProvider = time }, Cancellation);
        await using BusConnection silent = await bus.ConnectAsync(ct: Cancellation);
        await using BusConnection client = await bus.ConnectAsync(ct: Cancellation);
        Task<Message> call = client.CallAsync(silent.Id, "ping"u8, new MessageOptions { Timeout = TimeSpan.FromDays(1) }, Cancellation).AsTask();
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromDays(1));
        PeerFailedException failure = await Assert.ThrowsAsync<PeerFailedException>(async () => await call);
        Assert.Equal(BusErrors.TimedOut, failure.ErrorName);
    }

    [Fact]
    public async Task A_bus_refuses_who_does_not_tell_what_it_requires()
    {
        await using TestBus bus = await TestBus.StartAsync(s_inMemory with { RequiredMetadata = AttachFlags.Pids }, Cancellation);
        BusConnectionOptions secretive = new() { SendMetadata = AttachFlags.None };
        BusRefusedException refusal = await Assert.ThrowsAsync<BusRefusedException>(async () => await bus.ConnectAsync(secretive, Cancellation));
        Assert.Equal(Errno.ECONNREFUSED, refusal.Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Extensions_are_there_as_asked_for(bool extensions)
    {
        await using TestBus bus = await TestBus.StartAsync(s_inMemory with { Extensions = extensions }, Cancellation);
        await using BusConnection connection = await bus.ConnectAsync(ct: Cancellation);
        Assert.Equal(extensions, connection.HasExtensions);
    }

    [Fact]
    public async Task Bloom_filters_are_of_the_form_asked_for()
    {
        await using TestBus bus = await TestBus.StartAsync(s_inMemory with { Bloom = new BloomParameters(16, 5) }, Cancellation);
        await using BusConnection connection = await bus.ConnectAsync(ct: Cancellation);
        Assert.Equal(new BloomParameters(16, 5), connection.Bloom);
    }
}
