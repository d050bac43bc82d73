using Kdbus.Engine;

namespace Kdbus.Hostile.Tests;

/// <summary>A user without privileges who takes all that he can get: what others get is not his to take.</summary>
public sealed class GreedyClientTests
{
    private const string Name = "com.example.Service";
    private const int Connections = 24;
    private const int MatchesOfEach = 256;

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Others_are_served_while_one_broadcasts_to_all_without_end(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer deaf = scene.Connect(Peer.HelloCommand(poolSize: 1 << 16));
        deaf.MatchesEverything();
        (Peer one, Peer two) = (scene.ConnectAs(Scene.OtherUser), scene.ConnectAs(Scene.OtherUser));
        two.Matches(static m => m.BloomMask(Bloom.Nothing));
        using Flood flood = Flood.OfSignals(scene, Scene.User);
        long sent = 0;
        Moment.Await(() => (sent += flood.Look().Done) > 1000, "a flood");

        Exchange(one, two, rounds: 100);
        Assert.Equal(Errno.OK, one.Broadcast(static m => m.Cookie(7)));
        // The flood is not for other users, who cannot talk to its sender.
        Assert.Equal(7UL, two.ReceiveAndFree().Header.Cookie);
        two.HasNothingAndLost(0);

        Assert.InRange(flood.Look().Done, 1, long.MaxValue);
        // The one who may hear it and does not listen has lost what did not fit, and knows that.
        Assert.InRange(deaf.Recv().Command.DroppedMsgs, 1UL, ulong.MaxValue);
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void Others_are_served_beside_all_the_connections_and_matches_that_one_may_have(WorldKind kind)
    {
        using Scene scene = new(kind, new DomainLimits { Connections = Connections });
        (Peer one, Peer two) = (scene.ConnectAs(Scene.OtherUser), scene.ConnectAs(Scene.OtherUser));
        two.Matches(static m => m.BloomMask(Bloom.Bits(3)));
        using Flood flood = Flood.OfMatches(scene, Scene.User);
        Assert.Equal(((long)Connections * MatchesOfEach, 1L), flood.Look());
        Assert.Equal((0L, 1L), flood.Look());

        Exchange(one, two, rounds: 100);
        for (ulong cookie = 1; cookie <= 100; cookie++)
        {
            Assert.Equal(Errno.OK, one.Broadcast(m => m.Cookie(cookie), Bloom.Everything));
            Assert.Equal(cookie, two.ReceiveAndFree().Header.Cookie);
        }
        two.Matches(static m => m.Id());
        Assert.Equal(Errno.OK, two.RemoveMatch(0));
    }

    [Theory]
    [Worlds(WorldKind.Mount, WorldKind.PageCache)]
    public void A_flood_of_one_user_leaves_room_for_the_messages_of_another(WorldKind kind)
    {
        using Scene scene = new(kind);
        Peer service = scene.Connect(Peer.HelloCommand(poolSize: 1 << 20));
        scene.Connect(Peer.PolicyHolderHello(Name, static p => p.World(PolicyAccessLevel.Talk)));
        service.Owns(Name);
        Peer other = scene.ConnectAs(Scene.OtherUser);
        using Flood flood = Flood.To(scene, Scene.User, Name);
        long refused = 0;
        Moment.Await(() => (refused += flood.Look().Refused) > 100, "a full share");

        for (ulong cookie = 1; cookie <= 20; cookie++)
            Assert.Equal(Errno.OK, other.Send(m => m.ToName(Name).Cookie(cookie).Priority(-1).Vec(new byte[3000])));
        Assert.InRange(flood.Look().Refused, 1, long.MaxValue);
        for (ulong cookie = 1; cookie <= 20; cookie++)
        {
            ReceivedMessage message = service.Receive(RecvFlags.UsePriority, -1);
            Assert.Equal((other.Id, cookie), (message.Header.SrcId, message.Header.Cookie));
            service.Free(message);
        }
    }

    /// <summary>Calls and answers between two, which all must come to their end.</summary>
    private static void Exchange(Peer client, Peer service, int rounds)
    {
        for (ulong cookie = 1; cookie <= (ulong)rounds; cookie++)
        {
            SynchronousCall call = client.Call(m => m.To(service.Id).ExpectReply(cookie, client.Deadline(60_000)).Vec("ask"u8));
            ReceivedMessage question = service.AwaitMessage();
            Assert.Equal(cookie, question.Header.Cookie);
            service.Free(question);
            Assert.Equal(Errno.OK, service.Send(m => m.To(client.Id).Answers(cookie).Vec("told"u8)));
            Assert.Equal(Errno.OK, call.Result());
            Assert.Equal(Errno.OK, client.Free(call.ReplyInfo.Offset));
        }
    }
}
