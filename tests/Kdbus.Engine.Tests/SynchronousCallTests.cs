namespace Kdbus.Engine.Tests;

/// <summary>A synchronous call ends once: by its answer, its deadline, a signal, or the death of either side.</summary>
public sealed class SynchronousCallTests
{
    private readonly TestDomain _world = new();
    private readonly TestPeer _client;
    private readonly TestPeer _service;

    public SynchronousCallTests()
    {
        _client = _world.Connect();
        _service = _world.Connect();
    }

    [Fact]
    public void It_waits_and_ends_with_the_answer_in_the_callers_pool()
    {
        var call = _client.Call(_service.Id, 7);
        Assert.Equal(OutcomeKind.Pending, call.Kind);
        Assert.Equal((_client.Id, 7UL), (_service.Take() is var request ? request.Source : 0, request.Cookie));

        Assert.Equal(Errno.OK, _service.Answer(_client.Id, 7, "pong"u8).Result);
        var completion = _world.Effects.Of(call.Request);
        Assert.Equal((Errno.OK, _client.Handle), (completion.Result, completion.Handle));
        Assert.Equal("pong"u8.ToArray(), _client.Read(completion.Reply).Payload);
        Assert.False(_client.IsReadable);
        Assert.Equal(Errno.OK, _client.Free(completion.Reply.Offset));
        AssertNothingLeft();
    }

    [Fact]
    public void At_its_deadline_it_ends_with_ETIMEDOUT_and_a_late_answer_is_EPERM()
    {
        var call = _client.Call(_service.Id, 7, timeout: 1000);
        Assert.Equal(_world.Now.Monotonic + 1000, _world.Domain.NextDeadline);
        _world.Wait(999);
        Assert.Empty(_world.Effects.Completions);
        _world.Wait(1);
        Assert.Equal(Errno.ETIMEDOUT, _world.Effects.Of(call.Request).Result);
        Assert.Equal(Errno.EPERM, _service.Answer(_client.Id, 7).Result);
        Assert.Equal(7UL, _service.Take().Cookie); // the request itself stays
        AssertNothingLeft();
    }

    [Fact]
    public void A_deadline_in_the_past_sends_nothing()
    {
        Assert.Equal(Errno.ETIMEDOUT, _client.Call(_service.Id, 7, timeout: 0).Result);
        Assert.False(_service.IsReadable);
        AssertNothingLeft();
    }

    [Fact]
    public void A_passed_deadline_counts_before_a_command_that_comes_at_the_same_time()
    {
        var call = _client.Call(_service.Id, 7, timeout: 1000);
        _world.Pass(1000); // the timer has not fired yet
        Assert.Equal(Errno.EPERM, _service.Answer(_client.Id, 7).Result);
        Assert.Equal(Errno.ETIMEDOUT, _world.Effects.Of(call.Request).Result);
    }

    [Fact]
    public void Interrupted_before_the_answer_it_goes_on_waiting_when_it_is_repeated()
    {
        var call = _client.Call(_service.Id, 7);
        _world.Domain.Interrupt(call.Request);
        var interrupted = _world.Effects.Of(call.Request);
        Assert.Equal((Errno.EINTR, true), (interrupted.Result, interrupted.Restart));

        var repeated = _client.Call(_service.Id, 7);
        Assert.Equal(OutcomeKind.Pending, repeated.Kind);
        Assert.Equal(1, _service.Connection.Queued);
        _service.Answer(_client.Id, 7, "pong"u8);
        Assert.Equal("pong"u8.ToArray(), _client.Read(_world.Effects.Of(repeated.Request).Reply).Payload);
        _service.Take();
        AssertNothingLeft(unfreed: 1);
    }

    [Fact]
    public void An_answer_that_comes_between_signal_and_repetition_is_kept_for_it()
    {
        var call = _client.Call(_service.Id, 7);
        _world.Domain.Interrupt(call.Request);
        Assert.Equal(Errno.OK, _service.Answer(_client.Id, 7, "pong"u8).Result);
        Assert.False(_client.IsReadable);

        var repeated = _client.Call(_service.Id, 7);
        Assert.Equal((OutcomeKind.Done, Errno.OK), (repeated.Kind, repeated.Result));
        Assert.Equal("pong"u8.ToArray(), _client.Read(repeated.Reply).Payload);
        Assert.Equal(1, _service.Connection.Queued);
        _service.Take();
        AssertNothingLeft(unfreed: 1);
    }

    [Fact]
    public void An_interrupted_call_that_nobody_repeats_vanishes_at_its_deadline_with_its_answer()
    {
        var call = _client.Call(_service.Id, 7, timeout: 1000);
        _world.Domain.Interrupt(call.Request);
        _service.Answer(_client.Id, 7, "pong"u8);
        _service.Take();
        _world.Wait(1000);
        Assert.Single(_world.Effects.Completions);
        Assert.False(_client.IsReadable);
        AssertNothingLeft();
    }

    [Fact]
    public void A_repetition_that_was_stamped_before_the_deadline_and_let_in_after_it_sends_nothing()
    {
        var call = _client.Call(_service.Id, 7, timeout: 1000);
        _world.Domain.Interrupt(call.Request);
        _world.Wait(1000);
        _world.GoBack(500);
        Assert.Equal(Errno.ETIMEDOUT, _client.Call(_service.Id, 7, timeout: 500).Result);
        Assert.Equal(1, _service.Connection.Queued);
    }

    [Fact]
    public void The_death_of_the_answerer_is_kept_for_the_repetition_too()
    {
        var call = _client.Call(_service.Id, 7);
        _world.Domain.Interrupt(call.Request);
        _service.Close();
        Assert.Equal(Errno.EPIPE, _client.Call(_service.Id, 7).Result);
        Assert.Equal(Errno.ENXIO, _client.Call(_service.Id, 7).Result);
        AssertNothingLeft();
    }

    [Fact]
    public void A_signal_after_the_end_changes_nothing()
    {
        var call = _client.Call(_service.Id, 7);
        _service.Answer(_client.Id, 7);
        _world.Domain.Interrupt(call.Request);
        Assert.Equal(Errno.OK, _world.Effects.Of(call.Request).Result);
    }

    [Theory]
    [InlineData("close")]
    [InlineData("drop")]
    [InlineData("byebye")]
    public void It_ends_with_EPIPE_when_the_answerer_is_gone_or_drops_the_request(string how)
    {
        var call = _client.Call(_service.Id, 7);
        if (how == "close") _service.Close();
        if (how == "drop") Assert.Equal(Errno.OK, _service.Recv(RecvFlags.Drop).Result);
        if (how == "byebye")
        {
            _service.Take();
            Assert.Equal(Errno.OK, _service.Byebye());
        }

        Assert.Equal(Errno.EPIPE, _world.Effects.Of(call.Request).Result);
        Assert.False(_client.IsReadable); // no notification
        AssertNothingLeft();
    }

    [Fact]
    public void BYEBYE_by_another_thread_ends_it_with_ECONNRESET()
    {
        var call = _client.Call(_service.Id, 7);
        Assert.Equal(Errno.OK, _client.Byebye());
        Assert.Equal(Errno.ECONNRESET, _world.Effects.Of(call.Request).Result);
        Assert.Equal(Errno.ENXIO, _service.Answer(_client.Id, 7).Result);
        _service.Take();
        AssertNothingLeft();
    }

    [Fact]
    public void The_end_of_the_bus_ends_it_with_ECONNRESET()
    {
        var call = _client.Call(_service.Id, 7);
        _world.Close(_world.BusOwner);
        Assert.Contains(_world.Effects.Of(call.Request).Result, new[] { Errno.ECONNRESET, Errno.EPIPE });
        AssertNothingLeft();
    }

    [Fact]
    public void An_answer_that_does_not_fit_is_the_result_of_both_sides()
    {
        var client = _world.Connect(poolSize: 4096);
        var call = client.Call(_service.Id, 7);
        Assert.Equal(Errno.ENOBUFS, _service.Answer(client.Id, 7, new byte[2048]).Result);
        Assert.Equal(Errno.ENOBUFS, _world.Effects.Of(call.Request).Result);
        Assert.Equal(Errno.EPERM, _service.Answer(client.Id, 7).Result);
        _service.Take();
        AssertNothingLeft();
    }

    [Fact]
    public void Of_two_calls_with_one_cookie_the_newest_is_answered_first()
    {
        var first = _client.Call(_service.Id, 7);
        var second = _client.Call(_service.Id, 7);
        _service.Answer(_client.Id, 7);
        Assert.DoesNotContain(_world.Effects.Completions, completion => completion.Request == first.Request);
        Assert.Equal(Errno.OK, _world.Effects.Of(second.Request).Result);
        _service.Answer(_client.Id, 7);
        Assert.Equal(Errno.OK, _world.Effects.Of(first.Request).Result);
    }

    [Fact]
    public void Only_who_was_asked_may_answer()
    {
        var other = _world.Connect();
        _client.Call(_service.Id, 7);
        Assert.Equal(Errno.EPERM, other.Answer(_client.Id, 7).Result);
        Assert.Equal(Errno.EPERM, _service.Answer(_client.Id, 8).Result);
        Assert.Empty(_world.Effects.Completions);
    }

    private void AssertNothingLeft(int unfreed = 0)
    {
        Assert.Equal(0, Inside.WaitingCalls(_world.Domain));
        Assert.Equal(ulong.MaxValue, _world.Domain.NextDeadline);
        Assert.Equal((0, 0), (_client.Connection.RequestSlots, _service.Connection.RequestSlots));
        Assert.Equal((0UL, 0UL), (Inside.AccountedBytes(_client.Connection), Inside.AccountedBytes(_service.Connection)));
        // One slice is that of HELLO.
        Assert.Equal(1 + unfreed, _client.Connection.Pool.Count);
        Assert.All(Inside.UsedSlices(_service.Connection.Pool), slice => Assert.False(slice.HeldByBus));
    }
}
