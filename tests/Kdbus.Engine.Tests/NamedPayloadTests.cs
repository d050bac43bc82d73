namespace Kdbus.Engine.Tests;

/// <summary>
/// A large payload is being copied to the owner of a name, and meanwhile the name changes hands: the message goes where it would
/// have gone had it been queued already. The owners of writable pools write over them all the time.
/// </summary>
public sealed class NamedPayloadTests
{
    private const string Name = "org.example.service";

    private static readonly byte[] Payload = [.. Enumerable.Range(0, 100).Select(i => (byte)i)];

    private readonly TestDomain _world = new();
    private readonly TestPeer _client;

    public NamedPayloadTests() => _client = _world.Connect();

    [Theory]
    [CombinatorialBooleans(2)]
    public void From_the_activator_it_goes_to_who_takes_the_name_over(bool oldIsWritable, bool newIsWritable)
    {
        var activator = Activator(oldIsWritable);
        var service = Connect(newIsWritable);
        var sending = Send();
        Assert.Equal(Errno.OK, service.Acquire(Name));
        Commit(sending, activator, service);
        AssertHas(service);
        AssertHasNothing(activator);
    }

    [Theory]
    [CombinatorialBooleans(3)]
    public void From_who_lets_go_of_the_name_it_goes_to_the_activator(bool oldIsWritable, bool newIsWritable, bool byDying)
    {
        var activator = Activator(newIsWritable);
        var service = Connect(oldIsWritable);
        Assert.Equal(Errno.OK, service.Acquire(Name));
        var sending = Send();
        if (byDying) service.Close();
        else Assert.Equal(Errno.OK, service.Release(Name));
        Commit(sending, service, activator);
        AssertHas(activator);
        AssertHasNothing(service);
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void Through_another_owner_and_back_it_stays_where_it_was(bool isWritable)
    {
        var activator = Activator(isWritable: false);
        var service = Connect(isWritable);
        var sending = Send();
        Assert.Equal((Errno.OK, Errno.OK), (service.Acquire(Name), service.Release(Name)));
        Commit(sending, activator, service);
        AssertHas(activator);
        AssertHasNothing(service);
    }

    [Theory]
    [CombinatorialBooleans(2)]
    public void From_one_to_the_next_through_the_activator_it_goes_to_the_last(bool isWritable, bool byDying)
    {
        var activator = Activator(isWritable);
        var (first, second) = (Connect(isWritable), Connect(isWritable));
        first.Acquire(Name);
        var sending = Send();
        if (byDying) first.Close();
        else first.Release(Name);
        Assert.Equal(Errno.OK, second.Acquire(Name));
        Commit(sending, activator, first, second);
        AssertHas(second);
        AssertHasNothing(first);
        AssertHasNothing(activator);
    }

    [Theory]
    [InlineData("replaced")]
    [InlineData("released to a waiter")]
    [InlineData("released")]
    public void Without_an_activator_on_either_side_it_stays_with_the_old_owner(string how)
    {
        var (service, next) = (Connect(isWritable: true), Connect(isWritable: true));
        Assert.Equal(Errno.OK, service.Acquire(Name, how == "replaced" ? NameFlags.AllowReplacement : 0));
        if (how == "released to a waiter") Assert.Equal(Errno.OK, next.Acquire(Name, NameFlags.Queue));
        var sending = Send();
        Assert.Equal(Errno.OK, how == "replaced" ? next.Acquire(Name, NameFlags.ReplaceExisting) : service.Release(Name));
        Commit(sending);
        AssertHas(service);
        AssertHasNothing(next);
    }

    [Fact]
    public void It_is_lost_when_the_owner_dies_and_a_waiter_follows()
    {
        var (service, next) = (Connect(), Connect());
        service.Acquire(Name);
        next.Acquire(Name, NameFlags.Queue);
        var sending = Send();
        service.Close();
        Assert.Equal(Errno.ECONNRESET, _client.Commit(sending));
        AssertHasNothing(service);
        AssertHasNothing(next);
    }

    [Fact]
    public void It_is_lost_and_counted_where_it_finds_no_room()
    {
        var activator = Activator(isWritable: false);
        var service = _world.Connect(poolSize: 4096);
        var sending = Send(size: 2000);
        service.Acquire(Name);
        Commit(sending, activator);
        Assert.Equal(1UL, service.Connection.Dropped);
        Assert.Equal(Errno.EAGAIN, service.Recv().Result);
        AssertHasNothing(service);
        AssertHasNothing(activator);
    }

    [Theory]
    [CombinatorialBooleans(2)]
    public void A_signal_goes_with_the_name_too(bool isWritable, bool isCopied)
    {
        var activator = Activator(isWritable);
        var service = Connect(isWritable);
        Assert.Equal((Errno.OK, Errno.OK), (service.Acquire(Name), service.MatchAll()));
        var message = new KdbusMsg { Flags = (ulong)MessageFlags.Signal, Cookie = 1 };
        byte[][] items = [Frame.Item(ItemType.BloomFilter, new byte[8 + 64]), Frame.Item(ItemType.DstName, Name)];
        var sending = _client.Send(message, Payload, 0, isCopied ? PayloadPlace.Remote : PayloadPlace.Here, items);
        Assert.Equal(Errno.OK, service.Release(Name));
        if (isCopied) Commit(sending, service, activator);
        AssertHas(activator);
        Assert.Equal(Errno.OK, service.Recv(RecvFlags.Drop).Result); // the notification of its own release
        AssertHasNothing(service);
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void A_request_that_goes_to_another_connection_is_answered_by_that(bool synchronous)
    {
        var activator = Activator(isWritable: true);
        var service = Connect(isWritable: true);
        var sending = Ask(synchronous);
        service.Acquire(Name);
        Commit(sending, activator, service);
        Assert.Equal(Errno.OK, service.Answer(_client.Id, 1).Result);
        if (synchronous) Assert.Equal(Errno.OK, _world.Effects.Of(sending.Request).Result);
        else Assert.Equal(1UL, _client.Take().CookieReply);
        AssertHas(service);
    }

    [Theory]
    [CombinatorialBooleans(1)]
    public void A_request_to_a_name_that_the_requester_takes_over_himself_ends_with_the_activator(bool synchronous)
    {
        var activator = Activator(isWritable: false);
        var sending = Ask(synchronous);
        Assert.Equal(Errno.OK, _client.Acquire(Name));
        activator.Close();
        Assert.Equal(Errno.ECONNRESET, _client.Commit(sending));
        Assert.Equal((0, ulong.MaxValue), (_client.Connection.RequestSlots, _world.Domain.NextDeadline));
        AssertHasNothing(_client);
    }

    private TestPeer Activator(bool isWritable) => _world.Connect(flags: HelloFlags.Activator, name: Name, isPoolWritable: isWritable);

    private TestPeer Connect(bool isWritable = false) => _world.Connect(isPoolWritable: isWritable);

    private Sending Send(int size = 0) => _client.Send(
        new KdbusMsg { Cookie = 1 }, size == 0 ? Payload : new byte[size], 0, PayloadPlace.Remote, [Frame.Item(ItemType.DstName, Name)]);

    private Sending Ask(bool synchronous) => _client.Send(
        new KdbusMsg { Cookie = 1, Flags = (ulong)MessageFlags.ExpectReply, TimeoutNs = _world.Now.Monotonic + TestDomain.Second },
        Payload,
        synchronous ? SendFlags.SyncReply : 0,
        PayloadPlace.Remote,
        [Frame.Item(ItemType.DstName, Name)]);

    private void Commit(Sending sending, params TestPeer[] scribblers)
    {
        sending.Outcome.Transfer!.FillAll(sending.Message, sending.Message.Length > 0 ? PayloadOf(sending) : []);
        foreach (var peer in scribblers)
        {
            if (peer.Pool.IsWritableByOwner) peer.Pool.Scribble(0xee);
        }

        Assert.Equal(Errno.OK, _client.Commit(sending));
    }

    private static byte[] PayloadOf(Sending sending)
    {
        var pieces = PayloadVecs.Of(sending.Message);
        pieces.MoveNext();
        return pieces.Current.Size == (ulong)Payload.Length ? Payload : new byte[pieces.Current.Size];
    }

    private void AssertHas(TestPeer peer)
    {
        var received = peer.Take();
        Assert.Equal((_client.Id, 1UL), (received.Source, received.Cookie));
        Assert.Equal(Payload, received.Payload);
        AssertHasNothing(peer);
    }

    private static void AssertHasNothing(TestPeer peer)
    {
        Assert.False(peer.IsReadable);
        Assert.Equal(0UL, Inside.AccountedBytes(peer.Connection));
        Assert.All(Inside.UsedSlices(peer.Connection.Pool), slice => Assert.False(slice.HeldByBus));
    }
}
