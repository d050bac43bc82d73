using System.Text;
using Kdbus.Abi;
using Kdbus.Client.Internal;
using Kdbus.Linux;
using Kdbus.Testing.InMemory;
using Microsoft.Extensions.Time.Testing;

namespace Kdbus.Testing.Tests;

/// <summary>The interface itself, by bare ioctls on a bus in memory.</summary>
public sealed class InMemoryTests : IAsyncLifetime
{
    private static readonly TimeSpan s_long = TimeSpan.FromHours(1);

    private readonly FakeTimeProvider _time = new();
    private TestBus _bus = null!;

    public async ValueTask InitializeAsync() => _bus = await TestBus.StartAsync(new TestBusOptions { TimeProvider = _time });

    public ValueTask DisposeAsync() => _bus.DisposeAsync();

    [Fact]
    public void Who_says_hello_gets_an_id_and_a_pool()
    {
        using RawPeer first = Connect();
        using RawPeer second = Connect();
        Assert.NotEqual(0UL, first.Id);
        Assert.NotEqual(first.Id, second.Id);
    }

    [Fact]
    public void A_payload_in_the_senders_memory_arrives_in_the_pool()
    {
        using RawPeer sender = Connect();
        using RawPeer receiver = Connect();
        Assert.Equal(0, sender.Send(receiver.Id, "a few bytes"u8));
        Assert.Equal(0, receiver.Receive(out var received));
        Assert.Equal((sender.Id, "a few bytes"), (received.Sender, Encoding.UTF8.GetString(received.Payload)));
    }

    [Fact]
    public unsafe void A_bad_address_is_an_error_and_nothing_worse()
    {
        using RawPeer peer = Connect();
        Assert.Equal(-SystemError.EFAULT, peer.File.Ioctl((uint)Command.Send, (void*)8));
        Assert.Equal(-SystemError.EFAULT, peer.File.Ioctl((uint)Command.Recv, (void*)8));
    }

    [Fact]
    public void An_empty_queue_is_told()
    {
        using RawPeer peer = Connect();
        Assert.Equal(-SystemError.EAGAIN, peer.Receive(out _));
    }

    [Fact]
    public async Task A_synchronous_call_returns_with_the_reply()
    {
        using RawPeer caller = Connect();
        using RawPeer service = Connect();
        Task<(int, byte[])> call = OnThread(() => (caller.Call(service.Id, "ping"u8, s_long, out byte[] reply), reply));
        var request = service.Await();
        Assert.Equal(0, service.Send(request.Sender, "pong"u8, answers: request.Cookie));
        (int result, byte[] answer) = await call;
        Assert.Equal((0, "pong"), (result, Encoding.UTF8.GetString(answer)));
    }

    [Fact]
    public async Task An_exchange_carries_a_request_and_its_reply()
    {
        using RawPeer caller = Connect();
        using RawPeer service = Connect();
        var call = OnThread(() => (caller.Exchange(service.Id, "ping"u8, 0, out var outcome), outcome));
        var request = service.Await();
        Assert.Equal("ping", Encoding.UTF8.GetString(request.Payload));
        Assert.Equal(0, service.Send(request.Sender, "pong"u8, answers: request.Cookie));
        var (result, outcome) = await call;
        Assert.Equal((0, 1U, "pong"), (result, outcome.Command.Received, Encoding.UTF8.GetString(outcome.Payload)));
    }

    [Fact]
    public async Task An_exchange_waits_for_a_message()
    {
        using RawPeer sender = Connect();
        using RawPeer receiver = Connect();
        long until = receiver.File.Now + (long)s_long.TotalNanoseconds;
        var receiving = OnThread(() => (receiver.Exchange(0, [], until, out var outcome), outcome));
        Assert.Equal(0, sender.Send(receiver.Id, "at last"u8));
        var (result, outcome) = await receiving;
        Assert.Equal((0, sender.Id, "at last"), (result, outcome.Message.SrcId, Encoding.UTF8.GetString(outcome.Payload)));
    }

    [Fact]
    public async Task A_call_times_out_when_the_time_is_advanced_and_not_before()
    {
        using RawPeer caller = Connect();
        using RawPeer service = Connect();
        Task<int> call = OnThread(() => caller.Call(service.Id, "ping"u8, TimeSpan.FromSeconds(10), out _));
        _ = service.Await();
        _time.Advance(TimeSpan.FromSeconds(9));
        // The daemon serves one request after the other: had the deadline come, this would have ended the call.
        _ = service.Receive(out _);
        Assert.False(call.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(-SystemError.ETIMEDOUT, await call);
    }

    [Fact]
    public void The_clock_of_an_endpoint_is_that_of_the_bus()
    {
        using RawPeer peer = Connect();
        long before = peer.File.Now;
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(3_000_000_000, peer.File.Now - before);
    }

    [Fact]
    public async Task Waiting_ends_when_a_message_comes()
    {
        using RawPeer sender = Connect();
        using RawPeer receiver = Connect();
        Task<int> waiting = OnThread(() => receiver.File.Wait(-1));
        Assert.Equal(0, sender.Send(receiver.Id, "wake up"u8));
        Assert.Equal(1, await waiting);
    }

    [Fact]
    public void A_wake_ends_the_next_waiting_and_no_other()
    {
        using RawPeer peer = Connect();
        peer.File.Wake();
        Assert.Equal(1, peer.File.Wait(-1));
        Assert.Equal(0, peer.File.Wait(0));
    }

    [Fact]
    public async Task The_caller_of_a_peer_that_dies_is_told()
    {
        using RawPeer caller = Connect();
        RawPeer service = Connect();
        Task<int> call = OnThread(() => caller.Call(service.Id, "ping"u8, s_long, out _));
        _ = service.Await();
        service.Dispose();
        Assert.Equal(-SystemError.EPIPE, await call);
    }

    [Fact]
    public async Task A_call_under_way_ends_with_its_file()
    {
        RawPeer caller = Connect();
        using RawPeer service = Connect();
        Task<int> call = OnThread(() => caller.Call(service.Id, "ping"u8, s_long, out _));
        _ = service.Await();
        caller.File.Dispose();
        Assert.Equal(-SystemError.EINTR, await call);
        Assert.Equal(-SystemError.EBADF, caller.Receive(out _));
        caller.Dispose();
    }

    [Fact]
    public async Task Two_buses_do_not_see_each_other()
    {
        await using TestBus other = await TestBus.StartAsync(new TestBusOptions { Transport = TestTransport.InMemory }, TestContext.Current.CancellationToken);
        using RawPeer here = Connect();
        using RawPeer there = Connect(other);
        using RawPeer also = Connect(other);
        Assert.Equal(0, there.Send(also.Id, "for you"u8));
        Assert.Equal(-SystemError.ENXIO, here.Send(also.Id, "not for you"u8));
    }

    [Fact]
    public void A_memfd_arrives_on_the_socket_of_the_receiver()
    {
        using RawPeer sender = Connect();
        using RawPeer receiver = Connect();
        int memfd = MemFd.Create("payload");
        Assert.Equal(8, FileDescriptor.Write(memfd, "in a fd!"u8));
        Assert.Equal(0, MemFd.AddSeals(memfd, MemFd.SealSeal | MemFd.SealShrink | MemFd.SealGrow | MemFd.SealWrite));
        Assert.Equal(0, sender.SendMemfd(receiver.Id, memfd, 8));
        Assert.Equal(0, FileDescriptor.Close(memfd));

        Assert.Equal(0, DescriptorSocket.CreateMessagePair(out int ours, out int theirs));
        Assert.Equal(0, receiver.ReceiveWithSocket(theirs));
        int[] descriptors = new int[DescriptorSocket.MostDescriptors];
        Assert.Equal(16, DescriptorSocket.ReceiveMessage(ours, new byte[16], descriptors, out int count));
        Assert.Equal(1, count);
        byte[] content = new byte[8];
        Assert.Equal(8, FileDescriptor.Pread(descriptors[0], content, 0));
        Assert.Equal("in a fd!", Encoding.UTF8.GetString(content));
        foreach (int descriptor in (int[])[ours, theirs, descriptors[0]])
            _ = FileDescriptor.Close(descriptor);
    }

    [Fact]
    public void Where_the_direct_way_is_forbidden_memory_is_copied_through_a_file()
    {
        using OwnMemory memory = new(isDirect: false);
        byte[] from = new byte[1 << 20], to = new byte[1 << 20];
        Random.Shared.NextBytes(from);
        unsafe
        {
            fixed (byte* p = from)
                Assert.Equal(to.Length, memory.Read((ulong)p, to));
        }
        Assert.Equal(from, to);
        Assert.Equal(-SystemError.EFAULT, memory.Read(8, to));
        Assert.Equal(-SystemError.EFAULT, memory.Write(8, from));
    }

    private RawPeer Connect() => Connect(_bus);

    private static RawPeer Connect(TestBus bus)
    {
        Assert.Equal(0, bus.Open(out IEndpointFile? file));
        return new RawPeer(file!);
    }

    private static Task<T> OnThread<T>(Func<T> call) =>
        Task.Factory.StartNew(call, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
