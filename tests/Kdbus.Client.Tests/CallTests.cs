using System.Buffers;
using Kdbus.Abi;
using Microsoft.Extensions.Time.Testing;

namespace Kdbus.Client.Tests;

/// <summary>Requests and answers.</summary>
public sealed class CallTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_call_returns_what_the_service_answered(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Serve(static request => [.. request.ToArray().Reverse()]);
        using Message answer = await scene.Client.CallAsync(scene.Service.Id, "abc"u8, cancellation: Cancel);
        Assert.Equal("cba"u8, answer.ToArray());
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_blocking_call_returns_what_the_service_answered(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        using Message answer = scene.Client.Call(scene.Service.Id, "abc"u8);
        Assert.Equal("abc"u8, answer.ToArray());
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Payload_of_any_size_arrives_as_it_was(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way, new() { PoolSize = 64 << 20 }, new() { PoolSize = 64 << 20 });
        scene.Echo();
        foreach (int size in (int[])[0, 1, 7, 8, 300, 4095, 4096, 4097, 16_000, 100_000, 2 << 20])
        {
            byte[] bytes = new byte[size];
            new Random(size).NextBytes(bytes);
            using Message answer = await scene.Client.CallAsync(scene.Service.Id, bytes, cancellation: Cancel);
            Assert.True(bytes.AsSpan().SequenceEqual(answer.ToArray()), $"{size} bytes");
            using Message again = scene.Client.Call(scene.Service.Id, bytes);
            Assert.True(bytes.AsSpan().SequenceEqual(again.ToArray()), $"{size} bytes, blocking");
        }
    }

    [Theory, MemberData(nameof(Scene.ExchangeWays), MemberType = typeof(Scene))]
    public async Task More_than_the_bus_copies_goes_in_a_memfd(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        byte[] bytes = new byte[(2 << 20) + 1];
        new Random(1).NextBytes(bytes);
        using Message answer = await scene.Client.CallAsync(scene.Service.Id, bytes, cancellation: Cancel);
        Assert.Single(answer.Memfds);
        Assert.True(bytes.AsSpan().SequenceEqual(answer.ToArray()));
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task An_error_of_the_service_is_thrown_by_the_call(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        _ = Task.Run(async () =>
        {
            await foreach (Message request in scene.Service.ReceiveAllAsync(Cancel))
            {
                using (request)
                    request.ReplyError("org.example.Error.Closed", "come back tomorrow");
            }
        }, Cancel);
        PeerFailedException failure = await Assert.ThrowsAsync<PeerFailedException>(async () => await scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel));
        Assert.Equal((PeerFailure.Error, "org.example.Error.Closed", "come back tomorrow"), (failure.Failure, failure.ErrorName, failure.Message));
        failure = Assert.Throws<PeerFailedException>(() => scene.Client.Call(scene.Service.Id, "x"u8));
        Assert.Equal("org.example.Error.Closed", failure.ErrorName);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Who_is_not_there_is_refused_by_the_bus(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        BusRefusedException refusal = await Assert.ThrowsAsync<BusRefusedException>(async () => await scene.Client.CallAsync("org.example.Nobody", "x"u8, cancellation: Cancel));
        Assert.Equal(Errno.ESRCH, refusal.Error);
        Assert.Equal("call org.example.Nobody", refusal.Operation);
        refusal = Assert.Throws<BusRefusedException>(() => scene.Client.Call(9_999_999UL, "x"u8));
        Assert.Equal(Errno.ENXIO, refusal.Error);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_service_that_leaves_without_an_answer_has_died(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        ValueTask<Message> call = scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel);
        Task<Message> blocking = Task.Run(() => scene.Client.Call(scene.Service.Id, "y"u8), Cancel);
        using (await scene.Service.ReceiveAsync(Cancel))
        using (await scene.Service.ReceiveAsync(Cancel))
            await scene.Service.DisposeAsync();
        Assert.Equal(PeerFailure.Died, (await Assert.ThrowsAsync<PeerFailedException>(async () => await call)).Failure);
        Assert.Equal(PeerFailure.Died, (await Assert.ThrowsAsync<PeerFailedException>(() => blocking)).Failure);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Without_an_answer_a_call_ends_at_its_deadline(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        MessageOptions options = new() { Timeout = TimeSpan.FromMilliseconds(30) };
        PeerFailedException failure = await Assert.ThrowsAsync<PeerFailedException>(async () => await scene.Client.CallAsync(scene.Service.Id, "x"u8, options, Cancel));
        Assert.Equal(PeerFailure.TimedOut, failure.Failure);
        failure = Assert.Throws<PeerFailedException>(() => scene.Client.Call(scene.Service.Id, "x"u8, options));
        Assert.Equal(PeerFailure.TimedOut, failure.Failure);
    }

    [Fact]
    public async Task The_deadline_is_by_the_clock_of_the_bus()
    {
        FakeTimeProvider time = new();
        await using Scene scene = await Scene.OpenAsync(Way.InMemory, time: time);
        ValueTask<Message> call = scene.Client.CallAsync(scene.Service.Id, "x"u8, new MessageOptions { Timeout = TimeSpan.FromHours(1) }, Cancel);
        using Message request = await scene.Service.ReceiveAsync(Cancel);
        time.Advance(TimeSpan.FromMinutes(59));
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromMinutes(2));
        PeerFailedException failure = await Assert.ThrowsAsync<PeerFailedException>(async () => await call);
        Assert.Equal(PeerFailure.TimedOut, failure.Failure);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_cancelled_call_ends_and_the_service_is_told(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        using CancellationTokenSource cancellation = new();
        ValueTask<Message> call = scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: cancellation.Token);
        using Message request = await scene.Service.ReceiveAsync(Cancel);
        TaskCompletionSource told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = request.Canceled.Register(told.SetResult);
        Assert.False(told.Task.IsCompleted);
        await cancellation.CancelAsync();
        OperationCanceledException canceled = await Assert.ThrowsAsync<OperationCanceledException>(async () => await call);
        Assert.Equal(cancellation.Token, canceled.CancellationToken);
        await told.Task.WaitAsync(Cancel);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_cancelled_blocking_call_ends_and_the_service_is_told(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        using CancellationTokenSource cancellation = new();
        Task call = Task.Run(() => scene.Client.Call(scene.Service.Id, "x"u8, cancellation: cancellation.Token), Cancel);
        using Message request = await scene.Service.ReceiveAsync(Cancel);
        TaskCompletionSource told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = request.Canceled.Register(told.SetResult);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await told.Task.WaitAsync(Cancel);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task A_cancelled_call_does_not_take_the_answer_of_the_next_one(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        using CancellationTokenSource cancellation = new();
        ValueTask<Message> first = scene.Client.CallAsync(scene.Service.Id, "first"u8, cancellation: cancellation.Token);
        using Message firstRequest = await scene.Service.ReceiveAsync(Cancel);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await first);
        ValueTask<Message> second = scene.Client.CallAsync(scene.Service.Id, "second"u8, cancellation: Cancel);
        using Message secondRequest = await scene.Service.ReceiveAsync(Cancel);
        firstRequest.Reply("one"u8);
        secondRequest.Reply("two"u8);
        using Message answer = await second;
        Assert.Equal("two"u8, answer.ToArray());
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task An_answer_can_be_given_once(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        ValueTask<Message> call = scene.Client.CallAsync(scene.Service.Id, "x"u8, cancellation: Cancel);
        Message request = await scene.Service.ReceiveAsync(Cancel);

        // Elsewhere than on the receiving thread, where an answer is put off and its fate told by a counter.
        await Task.Run(() => request.Reply("once"u8), Cancel);
        using Message answer = await call;
        BusRefusedException refusal = await Assert.ThrowsAsync<BusRefusedException>(() => Task.Run(() => request.Reply("twice"u8), Cancel));
        Assert.Equal(Errno.EPERM, refusal.Error);
        request.Dispose();
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task What_is_no_request_cannot_be_answered(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Client.Send(scene.Service.Id, "x"u8);
        using Message message = await scene.Service.ReceiveAsync(Cancel);
        Assert.Throws<InvalidOperationException>(() => message.Reply("y"u8));
    }

    [Theory, MemberData(nameof(Scene.ExchangeWays), MemberType = typeof(Scene))]
    public async Task Ten_thousand_calls_can_be_under_way_on_one_connection(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        bool[] answers = await Task.WhenAll(Enumerable.Range(0, 10_000).Select(async number =>
        {
            using Message answer = await scene.Client.CallAsync(scene.Service.Id, BitConverter.GetBytes(number), cancellation: Cancel);
            return BitConverter.ToInt32(answer.Payload.ToArray()) == number;
        }));
        Assert.DoesNotContain(false, answers);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Calls_that_nobody_answers_do_not_keep_others_from_being_sent_for_ever(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way, client: new() { MaxPendingCalls = 4 });
        MessageOptions shortly = new() { Timeout = TimeSpan.FromMilliseconds(50) };
        Task<Message>[] calls = [.. Enumerable.Range(0, 10).Select(_ => scene.Client.CallAsync(scene.Service.Id, "x"u8, shortly, Cancel).AsTask())];
        foreach (Task<Message> call in calls)
            Assert.Equal(PeerFailure.TimedOut, (await Assert.ThrowsAsync<PeerFailedException>(() => call)).Failure);
    }

    [Theory, MemberData(nameof(Scene.Ways), MemberType = typeof(Scene))]
    public async Task Fifty_callers_on_one_connection_get_their_own_answers(Way way)
    {
        await using Scene scene = await Scene.OpenAsync(way);
        scene.Echo();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < 40; i++)
            {
                byte[] question = BitConverter.GetBytes((caller * 1000) + i);
                using Message answer = i % 4 == 0 ? scene.Client.Call(scene.Service.Id, question) : await scene.Client.CallAsync(scene.Service.Id, question, cancellation: Cancel);
                Assert.Equal(question, answer.ToArray());
            }
        }, Cancel)));
    }
}
