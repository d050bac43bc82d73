using Kdbus.Abi;
using Kdbus.Testing;

namespace Kdbus.Client.Tests;

/// <summary>Getting onto a bus, and off it.</summary>
public sealed class ConnectTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Where_there_is_no_endpoint_one_cannot_connect()
    {
        BusRefusedException refusal = await Assert.ThrowsAsync<BusRefusedException>(async () => await BusConnection.ConnectAsync("/nowhere/0-demo/bus", cancellation: Cancel));
        Assert.Equal((Errno.ENOENT, "connect to /nowhere/0-demo/bus"), (refusal.Error, refusal.Operation));
        Assert.Contains("is the domain mounted", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_endpoint_is_told_apart()
    {
        string file = Path.GetTempFileName();
        try
        {
            BusRefusedException refusal = await Assert.ThrowsAsync<BusRefusedException>(async () => await BusConnection.ConnectAsync(file, cancellation: Cancel));
            Assert.Equal(Errno.ENOTTY, refusal.Error);
            Assert.Contains("no file of a kdbusfs domain", refusal.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Connecting_can_wait_for_a_bus_that_is_made_later()
    {
        await using TestBus bus = await TestBus.StartAsync(new() { Transport = TestTransport.Mounted }, Cancel);
        string domain = Path.GetDirectoryName(Path.GetDirectoryName(bus.Path))!;
        Task<BusConnection> connecting = BusConnection.ConnectAsync(
            Path.Combine(domain, $"{Linux.Credentials.EffectiveUid}-later", "bus"), new() { WaitForEndpoint = TimeSpan.FromMinutes(1) }, Cancel).AsTask();
        Assert.False(connecting.IsCompleted);
        using OwnedBus later = OwnedBus.Make(domain, "later");
        await using BusConnection connection = await connecting;
        Assert.Equal(later.Endpoint, connection.Address);
    }

    [Theory]
    [InlineData("kernel:path=/run/kdbus/0-user/bus", "/run/kdbus/0-user/bus")]
    [InlineData("kernel:path=/a%20b/bus,guid=12", "/a b/bus")]
    [InlineData("unix:path=/run/dbus;kernel:path=/a/bus;kdbus:path=/b/bus", "/a/bus /b/bus")]
    [InlineData("/plain/path", "/plain/path")]
    public void Addresses_are_paths_or_have_the_form_of_dbus(string address, string paths) => Assert.Equal(paths, string.Join(' ', BusAddress.Parse(address)));

    [Theory]
    [InlineData("unix:path=/run/dbus")]
    [InlineData("kernel:guid=12")]
    public void An_address_without_a_path_is_misuse(string address) => Assert.Throws<ArgumentException>(() => BusAddress.Parse(address));

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Options_that_cannot_be_are_misuse(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        foreach (BusConnectionOptions options in (BusConnectionOptions[])
            [new() { PoolSize = 1000 }, new() { Kind = ConnectionKind.Activator }, new() { Name = "org.example.X" }, new() { Description = "" }, new() { MaxPendingCalls = 0 }])
            await Assert.ThrowsAsync<ArgumentException>(() => scene.ConnectAsync(options));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Who_does_not_grant_what_the_bus_requires_is_refused(Way way)
    {
        await using TestBus bus = await TestBus.StartAsync(
            new()
            {
                Transport = way == Way.InMemory ? TestTransport.InMemory : TestTransport.Mounted,
                Extensions = way != Way.Classic,
                RequiredMetadata = AttachFlags.Creds | AttachFlags.Pids,
            },
            Cancel);
        await using BusConnection granting = await bus.ConnectAsync(new() { SendMetadata = AttachFlags.Creds | AttachFlags.Pids }, Cancel);
        BusRefusedException refusal = await Assert.ThrowsAsync<BusRefusedException>(async () => await bus.ConnectAsync(new() { SendMetadata = AttachFlags.Creds }, Cancel));
        Assert.Equal(Errno.ECONNREFUSED, refusal.Error);
        Assert.Contains("SendMetadata", refusal.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_closed_connection_can_do_nothing_and_says_so(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        ValueTask<Message> waiting = scene.Client.ReceiveAsync(Cancel);
        await scene.Client.DisposeAsync();
        await scene.Client.DisposeAsync();
        Assert.True(scene.Client.Ended.IsCancellationRequested);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await waiting);
        Assert.Throws<ObjectDisposedException>(() => scene.Client.Send(scene.Service.Id, "x"u8));
        Assert.Throws<ObjectDisposedException>(() => scene.Client.Call(scene.Service.Id, "x"u8));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await scene.Client.AcquireNameAsync("org.example.X"));
        Assert.Null(scene.Service.FindPeer(scene.Client.Id));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Closing_ends_the_calls_that_wait_and_leaves_what_is_unread(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        ValueTask<Message> call = scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel);
        Task<Message> blocking = Task.Run(() => scene.Client.Call(scene.Service.Id, "y"u8), Cancel);
        using Message first = await scene.Service.ReceiveAsync(Cancel);
        using Message second = await scene.Service.ReceiveAsync(Cancel);
        for (int i = 0; i < 20; i++)
            scene.Service.Send(scene.Client.Id, "unread"u8);
        await scene.Client.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(async () => await call);
        await Assert.ThrowsAnyAsync<Exception>(() => blocking);
        BusRefusedException refusal = Assert.Throws<BusRefusedException>(() => scene.Service.Send(scene.Client.Id, "x"u8));
        Assert.Equal(Errno.ENXIO, refusal.Error);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task When_the_bus_ends_everything_that_waits_is_told(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        ValueTask<Message> call = scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel);
        ValueTask<Message> receiving = scene.Client.ReceiveAsync(Cancel);
        await using Subscription<PeerChange> peers = scene.Client.SubscribeToPeers();
        IAsyncEnumerator<PeerChange> changes = peers.ReadAllAsync(Cancel).GetAsyncEnumerator(Cancel);
        ValueTask<bool> watching = changes.MoveNextAsync();
        scene.Bus.End();
        await Assert.ThrowsAsync<BusBrokenException>(async () => await receiving);
        await Assert.ThrowsAnyAsync<BusException>(async () => await call);
        await Assert.ThrowsAsync<BusBrokenException>(async () => await watching);
        Assert.Throws<BusBrokenException>(() => scene.Client.Send(scene.Service.Id, "x"u8));
        Assert.True(scene.Client.Ended.IsCancellationRequested);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_connection_can_be_closed_by_code_that_it_runs_itself(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        await Task.Run(async () =>
        {
            (await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel).ConfigureAwait(false)).Dispose();
            await scene.Client.DisposeAsync();
        }, Cancel);
        Assert.True(scene.Client.Ended.IsCancellationRequested);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_peer_that_dies_is_a_failure_of_the_peer(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        await using TestPeer peer = await scene.Bus.StartPeerAsync(null, Cancel);
        ValueTask<Message> call = scene.Client.CallAsync(peer.Connection.Id, "x"u8, cancellation: Cancel);
        using (await peer.Connection.ReceiveAsync(Cancel))
            peer.Die();
        Assert.Equal(PeerFailure.Died, (await Assert.ThrowsAsync<PeerFailedException>(async () => await call)).Failure);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_monitor_sees_what_others_send(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        BusConnection monitor = await scene.ConnectAsync(new() { Kind = ConnectionKind.Monitor });
        scene.Echo();
        (await scene.Client.CallAsync(scene.Service.Id, "seen"u8, cancellation: Cancel)).Dispose();
        using Message request = await monitor.ReceiveAsync(Cancel);
        using Message answer = await monitor.ReceiveAsync(Cancel);
        Assert.Equal((scene.Client.Id, scene.Service.Id, true), (request.Sender, request.Receiver, request.IsRequest));
        Assert.Equal((scene.Service.Id, request.Cookie), (answer.Sender, answer.ReplyCookie));
        Assert.Equal("seen"u8, answer.ToArray());
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task An_activator_is_told_that_somebody_wants_the_service_which_then_finds_the_request(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        BusConnection activator = await scene.ConnectAsync(new() { Kind = ConnectionKind.Activator, Name = "org.example.Lazy" });
        Task activation = activator.WaitForActivationAsync(Cancel).AsTask();
        Assert.True(scene.Client.GetOwner("org.example.Lazy").IsActivator);
        Assert.Equal(
            Errno.EADDRNOTAVAIL,
            Assert.Throws<BusRefusedException>(() => scene.Client.Send("org.example.Lazy", "x"u8, new MessageOptions { NoAutoStart = true })).Error);
        ValueTask<Message> call = scene.Client.CallAsync("org.example.Lazy", "wake up"u8, cancellation: Cancel);
        await activation;
        await using OwnedName name = await scene.Service.AcquireNameAsync("org.example.Lazy");
        scene.Echo();
        using Message answer = await call;
        Assert.Equal("wake up"u8, answer.ToArray());
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Waiting_for_activation_can_be_given_up(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        BusConnection activator = await scene.ConnectAsync(new() { Kind = ConnectionKind.Activator, Name = "org.example.Lazy" });
        using CancellationTokenSource cancellation = new();
        Task activation = activator.WaitForActivationAsync(cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => activation);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await scene.Client.WaitForActivationAsync(Cancel));
    }

    [Fact]
    public async Task Who_reads_nothing_is_sent_nothing_more_until_he_reads()
    {
        await using Scene scene = await Scene.OpenAsync(Way.Mounted, new() { InboxCapacity = 4 });
        using (Message first = await FirstAsync(scene))
        {
            int sent = 0;
            BusRefusedException refusal = Assert.Throws<BusRefusedException>(() =>
            {
                for (; sent < 10_000; sent++)
                    scene.Client.Send(scene.Service.Id, "more"u8);
            });
            Assert.Equal(Errno.ENOBUFS, refusal.Error);
            Task waiting = scene.Client.SendAsync(scene.Service.Id, "last"u8.ToArray(), cancellation: Cancel).AsTask();
            for (int i = 0; i < sent; i++)
                (await scene.Service.ReceiveAsync(Cancel)).Dispose();
            await waiting;
        }
        using Message last = await scene.Service.ReceiveAsync(Cancel);
        Assert.Equal("last"u8, last.ToArray());

        static async Task<Message> FirstAsync(Scene scene)
        {
            scene.Client.Send(scene.Service.Id, "first"u8);
            return await scene.Service.ReceiveAsync(Cancel);
        }
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Who_reads_nothing_gets_the_answers_to_his_calls_all_the_same(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way, client: new() { InboxCapacity = 4 });
        scene.Echo();
        (await scene.Client.CallAsync(scene.Service.Id, "start"u8, cancellation: Cancel)).Dispose();
        for (int i = 0; i < 20; i++)
            scene.Service.Send(scene.Client.Id, "unread"u8);
        using Message answer = await scene.Client.CallAsync(scene.Service.Id, "question"u8, cancellation: Cancel);
        Assert.Equal("question"u8, answer.ToArray());
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Only_one_receives_at_a_time(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        ValueTask<Message> first = scene.Client.ReceiveAsync(Cancel);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await scene.Client.ReceiveAsync(Cancel));
        scene.Service.Send(scene.Client.Id, "x"u8);
        (await first).Dispose();
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Receiving_that_was_given_up_loses_no_message(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        using CancellationTokenSource cancellation = new();
        ValueTask<Message> given = scene.Client.ReceiveAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await given);
        scene.Service.Send(scene.Client.Id, "x"u8);
        using Message message = await scene.Client.ReceiveAsync(Cancel);
        Assert.Equal("x"u8, message.ToArray());
    }
}
