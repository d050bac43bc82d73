namespace Kdbus.Engine.Tests;

/// <summary>
/// The life of asynchronous requests, and of the slots they take: a slot is free only when the tracker has ended and the
/// message has left the queue.
/// </summary>
public sealed class RequestTests
{
    private readonly TestDomain _world = new();
    private readonly TestPeer _client;
    private readonly TestPeer _service;

    public RequestTests()
    {
        _client = _world.Connect();
        _service = _world.Connect();
    }

    [Fact]
    public void A_deadline_is_told_once_and_the_slot_stays_taken_while_the_request_is_unread()
    {
        _client.Ask(_service.Id, 7, timeout: 1000);
        _world.Wait(1000);
        var told = _client.Take();
        Assert.Equal((0UL, 7UL, ItemType.ReplyTimeout), (told.Source, told.CookieReply, told.FirstItem));
        Assert.Equal(Errno.EAGAIN, _client.Recv().Result);
        Assert.Equal(1, _client.Connection.RequestSlots);

        Assert.Equal(Errno.OK, _service.Recv(RecvFlags.Peek).Result);
        Assert.Equal(1, _client.Connection.RequestSlots);
        _service.Take();
        Assert.Equal(0, _client.Connection.RequestSlots);
    }

    [Fact]
    public void A_request_that_was_read_holds_its_slot_until_it_is_answered()
    {
        _client.Ask(_service.Id, 7);
        _service.Take();
        Assert.Equal(1, _client.Connection.RequestSlots);
        Assert.Equal(Errno.OK, _service.Answer(_client.Id, 7, "pong"u8).Result);
        Assert.Equal(0, _client.Connection.RequestSlots);
        Assert.Equal("pong"u8.ToArray(), _client.Take().Payload);
        Assert.Equal(Errno.EPERM, _service.Answer(_client.Id, 7).Result);
    }

    [Fact]
    public void There_are_128_slots()
    {
        // Half a pool holds them all for one user only if it is large.
        var service = _world.Connect(poolSize: 1 << 20);
        for (var i = 1UL; i <= Limits.ConnMaxRequestsPending; i++) Assert.Equal(Errno.OK, _client.Ask(service.Id, i).Result);
        Assert.Equal(Errno.EMLINK, _client.Ask(service.Id, 1000).Result);
        Assert.Equal(Errno.EMLINK, _client.Call(service.Id, 1000).Result);
        Assert.Equal(Errno.OK, _client.Send(service.Id, 1000).Result);

        _world.Wait(2 * TestDomain.Second);
        Assert.Equal(Errno.EMLINK, _client.Ask(service.Id, 1000).Result); // timed out, but unread
        service.Take();
        Assert.Equal(Errno.OK, _client.Ask(service.Id, 1000).Result);
        service.Close();
        Assert.Equal(0, _client.Connection.RequestSlots);
    }

    [Fact]
    public void The_slot_of_a_refused_request_comes_back()
    {
        var tiny = _world.Connect(poolSize: 4096);
        while (_client.Send(tiny.Id, 1).Result == Errno.OK) { }
        Assert.Equal(Errno.ENOBUFS, _client.Ask(tiny.Id, 7).Result);
        Assert.Equal(0, _client.Connection.RequestSlots);
        Assert.Equal(ulong.MaxValue, _world.Domain.NextDeadline);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Death_and_drop_are_told_once(bool drops)
    {
        _client.Ask(_service.Id, 7);
        if (drops) _service.Recv(RecvFlags.Drop);
        else _service.Close();
        var told = _client.Take();
        Assert.Equal((7UL, ItemType.ReplyDead), (told.CookieReply, told.FirstItem));
        Assert.Equal(Errno.EAGAIN, _client.Recv().Result);
        Assert.Equal((0, ulong.MaxValue), (_client.Connection.RequestSlots, _world.Domain.NextDeadline));
    }

    [Fact]
    public void A_request_in_the_past_is_queued_and_times_out_at_once()
    {
        Assert.Equal(Errno.OK, _client.Send(
            new KdbusMsg { DstId = _service.Id, Cookie = 7, Flags = (ulong)MessageFlags.ExpectReply, TimeoutNs = 1 }, default).Result);
        Assert.Equal(ItemType.ReplyTimeout, _client.Take().FirstItem);
        Assert.Equal(7UL, _service.Take().Cookie);
        Assert.Equal(0, _client.Connection.RequestSlots);
    }

    [Fact]
    public void Requests_to_oneself_work_and_end_silently_with_oneself()
    {
        _client.Ask(_client.Id, 7);
        Assert.Equal(Errno.OK, _client.Answer(_client.Id, 7).Result);
        Assert.Equal(7UL, _client.Take().Cookie);
        _client.Take();
        _client.Ask(_client.Id, 8);
        _client.Call(_client.Id, 9);
        _client.Close();
        Assert.Equal((0, ulong.MaxValue), (_client.Connection.RequestSlots, _world.Domain.NextDeadline));
        Assert.Equal(0, Inside.WaitingCalls(_world.Domain));
    }
}
