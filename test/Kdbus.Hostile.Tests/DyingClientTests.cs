using System.Globalization;
using System.Runtime.CompilerServices;

namespace Kdbus.Hostile.Tests;

/// <summary>Clients that are killed in the middle of whatever they do leave nothing behind, and those who depended on them are told.</summary>
public sealed class DyingClientTests
{
    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Two_hundred_clients_killed_at_random_moments_leave_nothing_behind(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer observer = scene.Connect();
        // Once to warm up: threads, buffers and whatever else is made once.
        Swarm(scene, 20, 1);
        AwaitOnly(observer);
        DaemonUse before = DaemonUse.Of(scene);
        Swarm(scene, 200, 2);
        AwaitOnly(observer);
        DaemonUse after = default;
        Moment.Await(
            () => (after = DaemonUse.Of(scene)) is var now && now.PoolDescriptors == before.PoolDescriptors && now.PoolMappings <= before.PoolMappings,
            "as many pools as before");
        TestContext.Current.TestOutputHelper?.WriteLine($"before: {before}\nafter:  {after}");
        Assert.InRange(after.Descriptors, 0, before.Descriptors + 4);
        Assert.InRange(after.Mappings, 0, before.Mappings + 60);
        Assert.Equal(0, scene.Process.List(scene.World.Root, out IReadOnlyList<string> names));
        Assert.Equal(". .. 0-test control", string.Join(' ', names.Order(StringComparer.Ordinal)));
        Assert.Equal(0, scene.Process.List(scene.Bus.Path, out names));
        Assert.Equal(". .. bus", string.Join(' ', names.Order(StringComparer.Ordinal)));

        Peer one = scene.Connect();
        Peer two = scene.Connect();
        SynchronousCall call = one.Call(m => m.To(two.Id).ExpectReply(5, one.Deadline(20_000)).Vec(new byte[60_000]));
        Assert.Equal(60_000, two.AwaitMessage().Payload.Length);
        Assert.Equal(Errno.OK, two.Send(m => m.To(one.Id).Answers(5).Vec("fine"u8)));
        Assert.Equal(Errno.OK, call.Result());
        Assert.Equal("fine"u8.ToArray(), call.Reply.Payload);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Whoever_waits_for_a_killed_answerer_is_told(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer victim = scene.Connect();
        Peer waiting = scene.Connect();
        Peer expecting = scene.Connect();
        SynchronousCall call = waiting.Call(m => m.To(victim.Id).ExpectReply(1, waiting.Deadline(25_000)));
        Assert.Equal(Errno.OK, expecting.Send(m => m.To(victim.Id).ExpectReply(2, expecting.Deadline(25_000))));
        victim.AwaitReadable();
        Assert.True(call.StaysBlocked());
        Death.Of(victim.Process);
        Assert.Equal(Errno.EPIPE, call.Result());
        ReceivedMessage news = expecting.AwaitMessage();
        Assert.Equal(2UL, news.Header.CookieReply);
        Assert.Contains(news.Items, static item => item.Type == ItemType.ReplyDead);
        Assert.Equal(Errno.ENXIO, waiting.Send(m => m.To(victim.Id)));
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_caller_killed_in_its_call_is_gone_and_its_answer_is_refused(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer service = scene.Connect();
        Peer victim = scene.Connect();
        SynchronousCall call = victim.Call(m => m.To(service.Id).ExpectReply(1, victim.Deadline(25_000)));
        service.AwaitMessage();
        Assert.False(call.IsOver);
        Death.Of(victim.Process);
        Moment.Await(() => service.Send(m => m.To(victim.Id).Answers(1)) == Errno.ENXIO, "the end of the caller");
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_client_killed_in_poll_with_messages_waiting_is_gone(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer sender = scene.Connect();
        Peer victim = scene.Connect();
        Pending sleep = victim.Process.PollInThread(victim.Handle.Descriptor, PollEvents.Pri, 25_000);
        for (int i = 0; i < 10; i++)
            Assert.Equal(Errno.OK, sender.Send(m => m.To(victim.Id).Vec(new byte[30_000])));
        Assert.True(sleep.StaysBlocked());
        Death.Of(victim.Process);
        Moment.Await(() => sender.Send(m => m.To(victim.Id)) == Errno.ENXIO, "the end of the sleeper");
        AwaitOnly(sender);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_death_of_a_bus_owner_ends_every_connection_of_the_bus(WorldKind kind)
    {
        using Scene scene = new(kind);
        IProcess owner = scene.World.Spawn();
        TestBus bus = TestBus.Make(scene.World, owner, "0-mortal");
        Peer waiting = Peer.Hello(bus.Open(scene.World.Spawn()));
        Peer sleeping = Peer.Hello(bus.Open(scene.World.Spawn()));
        Pending sleep = sleeping.Process.PollInThread(sleeping.Handle.Descriptor, PollEvents.In, 25_000);
        SynchronousCall call = waiting.Call(m => m.To(waiting.Id).ExpectReply(1, waiting.Deadline(25_000)));
        Assert.True(call.StaysBlocked());
        Death.Of(owner);
        Assert.Equal(Errno.ECONNRESET, call.Result());
        Assert.Equal(PollEvents.Hup, sleep.Result() & PollEvents.Hup);
        Assert.Equal(Errno.ECONNRESET, waiting.Recv().Result);
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(bus.Path, out _));
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void The_death_of_an_endpoint_owner_ends_the_connections_of_that_endpoint_only(WorldKind kind)
    {
        using Scene scene = new(kind);
        IProcess owner = scene.World.Spawn();
        scene.Bus.MakeEndpoint(owner, "0-side");
        string path = scene.Bus.EndpointPath("0-side");
        Peer beside = scene.Connect();
        Peer at = Peer.Hello(Handle.Open(scene.World.Spawn(), path));
        Death.Of(owner);
        Moment.Await(() => at.Recv().Result == Errno.ECONNRESET, "the end of the connection");
        Assert.Equal(-(int)Errno.ENOENT, scene.Process.Stat(path, out _));
        Assert.Equal(Errno.OK, beside.Send(m => m.To(beside.Id).Vec("still"u8)));
        Assert.Equal("still"u8.ToArray(), beside.Receive().Payload);
    }

    private static void Swarm(Scene scene, int clients, int seed)
    {
        using Tool swarm = new(
            "swarm", scene.Bus.Endpoint, clients.ToString(CultureInfo.InvariantCulture), "4000", seed.ToString(CultureInfo.InvariantCulture));
        string[] did = swarm.ReadAtTheEnd().Split(' ');
        TestContext.Current.TestOutputHelper?.WriteLine($"{clients} clients: {did[0]} messages, {did[1]} answers, {did[2]} connected");
        Assert.All(did, static number => Assert.True(int.Parse(number, CultureInfo.InvariantCulture) > 0));
    }

    /// <summary>Waits until there is nobody on the bus but this one.</summary>
    private static void AwaitOnly(Peer peer) => Moment.Await(
        () =>
        {
            KdbusCmdList list = peer.List(ListFlags.Unique).As<KdbusCmdList>();
            Assert.Equal(Errno.OK, peer.Free(list.Offset));
            return list.ListSize == (ulong)Unsafe.SizeOf<KdbusInfo>();
        },
        "a bus with one connection");
}
