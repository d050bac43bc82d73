namespace Kdbus.Engine.Tests;

/// <summary>A large payload is reserved first and copied without the engine: whatever happens meanwhile, nothing leaks.</summary>
public sealed class RemotePayloadTests
{
    private readonly TestDomain _world = new();
    private readonly TestPeer _client;
    private readonly TestPeer _service;

    public RemotePayloadTests()
    {
        _client = _world.Connect();
        _service = _world.Connect();
    }

    [Fact]
    public void It_is_charged_at_once_and_queued_when_it_is_copied()
    {
        var sending = Send();
        Assert.False(_service.IsReadable);
        Assert.NotEqual(0UL, Inside.AccountedBytes(_service.Connection));

        var delivery = sending.Outcome.Transfer!.Deliveries[0];
        delivery.Memory.Room(delivery.AreaOffset, 64).Fill(42);
        Assert.Equal(Errno.OK, _client.Commit(sending));
        Assert.Equal(Enumerable.Repeat((byte)42, 64), _service.Take().Payload);
        AssertNothingReserved();
    }

    [Fact]
    public void It_takes_its_place_in_the_queue_when_it_is_complete()
    {
        var slow = Send();
        _client.Send(_service.Id, 2);
        _client.Commit(slow);
        Assert.Equal((2UL, 1UL), (_service.Take().Cookie, _service.Take().Cookie));
    }

    [Theory]
    [InlineData(Errno.EFAULT)]
    [InlineData(Errno.EINTR)]
    public void A_copy_that_fails_leaves_nothing(Errno error)
    {
        Assert.Equal(error, _client.Commit(Send(), error));
        Assert.False(_service.IsReadable);
        AssertNothingReserved();
    }

    [Fact]
    public void Its_receiver_dies_meanwhile()
    {
        var sending = Send();
        _service.Close();
        Assert.Equal(Errno.ECONNRESET, _client.Commit(sending));
        AssertNothingReserved();
    }

    [Fact]
    public void Its_sender_dies_meanwhile_and_a_message_that_wants_nothing_back_is_delivered()
    {
        var sending = Send();
        _client.Close();
        Assert.Equal(Errno.OK, _client.Commit(sending));
        Assert.Equal(1UL, _service.Take().Cookie);
        AssertNothingReserved();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Its_sender_dies_meanwhile_and_a_request_is_given_up(bool synchronous)
    {
        var sending = _client.Ask(_service.Id, 7, TestDomain.Second, synchronous, remote: true);
        _client.Close();
        Assert.Equal(Errno.ECONNRESET, _client.Commit(sending));
        Assert.False(_service.IsReadable);
        Assert.Equal((0, ulong.MaxValue), (_client.Connection.RequestSlots, _world.Domain.NextDeadline));
        AssertNothingReserved();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_request_whose_copy_fails_gives_its_slot_back(bool synchronous)
    {
        var sending = _client.Ask(_service.Id, 7, TestDomain.Second, synchronous, remote: true);
        Assert.Equal(1, _client.Connection.RequestSlots);
        Assert.Equal(Errno.EFAULT, _client.Commit(sending, Errno.EFAULT));
        Assert.Equal((0, ulong.MaxValue), (_client.Connection.RequestSlots, _world.Domain.NextDeadline));
        Assert.Empty(_world.Effects.Completions);
        AssertNothingReserved();
    }

    [Fact]
    public void A_call_whose_copy_is_made_after_its_deadline_ends_with_ETIMEDOUT_and_nothing_is_sent()
    {
        var sending = _client.Call(_service.Id, 7, timeout: 1000, remote: true);
        _world.Pass(1000);
        Assert.Equal(Errno.ETIMEDOUT, _client.Commit(sending));
        Assert.Equal(OutcomeKind.Done, sending.Kind);
        Assert.Empty(_world.Effects.Completions);
        Assert.False(_service.IsReadable);
        Assert.Equal((0, ulong.MaxValue), (_client.Connection.RequestSlots, _world.Domain.NextDeadline));
        AssertNothingReserved();
    }

    [Fact]
    public void An_answer_ends_the_call_when_it_is_copied()
    {
        var call = _client.Call(_service.Id, 7);
        var answer = Answer();
        Assert.Empty(_world.Effects.Completions);
        Assert.Equal(Errno.OK, _service.Commit(answer));
        Assert.Equal(Errno.OK, _world.Effects.Of(call.Request).Result);
        _service.Take();
        AssertNothingReserved();
    }

    [Fact]
    public void An_answer_whose_copy_fails_ends_the_call_with_the_same_error()
    {
        var call = _client.Call(_service.Id, 7);
        Assert.Equal(Errno.EFAULT, _service.Commit(Answer(), Errno.EFAULT));
        Assert.Equal(Errno.EFAULT, _world.Effects.Of(call.Request).Result);
        _service.Take();
        AssertNothingReserved();
    }

    [Theory]
    [InlineData("timeout", Errno.ETIMEDOUT)]
    [InlineData("byebye", Errno.ECONNRESET)]
    [InlineData("close", Errno.ECONNRESET)]
    public void A_caller_who_stops_waiting_during_the_copy_of_the_answer(string how, Errno result)
    {
        var call = _client.Call(_service.Id, 7, timeout: 1000);
        _service.Take();
        var answer = Answer();
        if (how == "timeout") _world.Wait(1000);
        if (how == "byebye") Assert.Equal(Errno.OK, _client.Byebye());
        if (how == "close") _client.Close();
        Assert.Equal(result, _world.Effects.Of(call.Request).Result);
        Assert.Equal(Errno.ECONNRESET, _service.Commit(answer));
        Assert.Single(_world.Effects.Completions);
        AssertNothingReserved();
    }

    [Fact]
    public void A_caller_interrupted_during_the_copy_of_the_answer_gets_it_at_the_repetition()
    {
        var call = _client.Call(_service.Id, 7);
        var answer = Answer();
        _world.Domain.Interrupt(call.Request);
        var repeated = _client.Call(_service.Id, 7);
        Assert.Equal(OutcomeKind.Pending, repeated.Kind);
        Assert.Equal(Errno.OK, _service.Commit(answer));
        Assert.Equal(Errno.OK, _world.Effects.Of(repeated.Request).Result);
        _service.Take();
        AssertNothingReserved();
    }

    [Fact]
    public void An_answerer_who_dies_during_the_copy_of_the_answer_has_answered()
    {
        var call = _client.Call(_service.Id, 7);
        var answer = Answer();
        _service.Close();
        Assert.Empty(_world.Effects.Completions);
        Assert.Equal(Errno.OK, _service.Commit(answer));
        Assert.Equal(Errno.OK, _world.Effects.Of(call.Request).Result);
        AssertNothingReserved();
    }

    [Fact]
    public void A_second_answer_during_the_copy_of_the_first_is_EPERM()
    {
        _client.Call(_service.Id, 7);
        var answer = Answer();
        Assert.Equal(Errno.EPERM, _service.Answer(_client.Id, 7).Result);
        _service.Commit(answer);
        _service.Take();
        AssertNothingReserved();
    }

    private Sending Send() =>
        _client.Send(new KdbusMsg { DstId = _service.Id, Cookie = 1 }, new byte[64], place: PayloadPlace.Remote);

    private Sending Answer() => _service.Answer(_client.Id, 7, new byte[64], PayloadPlace.Remote);

    private void AssertNothingReserved()
    {
        foreach (var peer in new[] { _client, _service })
        {
            Assert.Equal(0UL, Inside.AccountedBytes(peer.Connection));
            Assert.All(Inside.UsedSlices(peer.Connection.Pool), slice => Assert.False(slice.HeldByBus));
        }
    }
}
