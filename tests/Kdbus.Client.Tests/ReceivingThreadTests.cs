namespace Kdbus.Client.Tests;

/// <summary>On which thread code goes on, and what that may do.</summary>
public sealed class ReceivingThreadTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Code_behind_a_call_goes_on_on_the_receiving_thread(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        string receivingThread = $"kdbus {scene.Client.Id}";
        string? thread = await Task.Run(async () =>
        {
            // An answer that is there before it is awaited changes nothing, so this may need a few calls.
            do
            {
                (await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel).ConfigureAwait(false)).Dispose();
            }
            while (Thread.CurrentThread.Name != receivingThread);
            (await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel).ConfigureAwait(false)).Dispose();
            return Thread.CurrentThread.Name;
        }, Cancel);
        Assert.Equal(receivingThread, thread);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Code_that_blocks_there_does_not_stop_the_connection(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        byte[] second = await Task.Run(async () =>
        {
            (await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel).ConfigureAwait(false)).Dispose();

            // The classic mistake: waiting, where the answer would have to be received. It was put off as well.
#pragma warning disable xUnit1031
            using Message answer = scene.Client.CallAsync(scene.Service.Id, "second"u8, cancellation: Cancel).AsTask().GetAwaiter().GetResult();
#pragma warning restore xUnit1031
            return answer.ToArray();
        }, Cancel);
        Assert.Equal("second"u8, second);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_handler_that_blocks_does_not_hold_up_what_comes_behind_it(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        using SemaphoreSlim release = new(0);
        scene.Serve(request =>
        {
            if (request.Payload.Length == 1)
                release.Wait(Cancel);
            return request.ToArray();
        });

        // One reader at a time: the one that blocks keeps the inbox, so what comes behind it is news for a subscription of the same connection.
        ValueTask<Message> blocked = scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel);
        scene.Client.Send(scene.Service.Id, "more"u8);
        await using (Subscription<PeerChange> peers = scene.Service.SubscribeToPeers())
        {
            BusConnection other = await scene.ConnectAsync();
            await foreach (PeerChange change in peers.ReadAllAsync(Cancel))
            {
                Assert.Equal(other.Id, change.Id);
                break;
            }
        }
        release.Release();
        (await blocked).Dispose();
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task What_was_put_off_goes_out_before_what_is_sent_after_it(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        BusConnection third = await scene.ConnectAsync();
        await Task.Run(async () =>
        {
            (await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel).ConfigureAwait(false)).Dispose();
            ValueTask<Message> putOff = scene.Client.CallAsync(third.Id, "1"u8, cancellation: Cancel);
            scene.Client.Send(third.Id, "2"u8);
            using Message first = await third.ReceiveAsync(Cancel);
            using Message second = await third.ReceiveAsync(Cancel);
            Assert.Equal("1"u8, first.ToArray());
            Assert.Equal("2"u8, second.ToArray());
            first.Reply("done"u8);
            (await putOff).Dispose();
        }, Cancel);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Flush_sends_what_was_put_off(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        BusConnection third = await scene.ConnectAsync();
        await Task.Run(async () =>
        {
            (await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel).ConfigureAwait(false)).Dispose();
            ValueTask<Message> call = scene.Client.CallAsync(third.Id, "1"u8, cancellation: Cancel);
            scene.Client.Flush();
            using (Message request = await third.ReceiveAsync(Cancel))
                request.Reply("done"u8);
            (await call).Dispose();
        }, Cancel);
    }
}
