using Kdbus.Engine.Status;

namespace Kdbus.Engine.Tests.Status;

/// <summary>What can be seen of a bus from outside.</summary>
public sealed class BusStatusTests
{
    [Fact]
    public void Connections_come_by_id_with_what_they_said_and_hold()
    {
        var scene = new StatusScene();
        var payload = new byte[100];
        scene.Sender.Send(scene.Receiver.Id, 1, payload);
        scene.World.Pass(5);
        var taken = scene.Receiver.Recv();

        var rows = BusStatus.Connections(scene.Bus);
        Assert.Equal(
            [scene.Receiver.Id, scene.Sender.Id, scene.Other.Id, scene.Activator.Id, scene.Holder.Id, scene.Guest.Id],
            rows.Select(row => row.Id));
        Assert.Equal(
            [
                ConnectionKind.Ordinary, ConnectionKind.Ordinary, ConnectionKind.Ordinary,
                ConnectionKind.Activator, ConnectionKind.PolicyHolder, ConnectionKind.Ordinary,
            ],
            rows.Select(row => row.Kind));

        var receiver = rows[0];
        Assert.Equal(scene.Receiver.Pool.Size, (int)receiver.PoolSize);
        var used = Inside.UsedSlices(scene.Receiver.Connection.Pool);
        Assert.Equal((used.Count, used.Aggregate(0UL, (sum, slice) => sum + slice.Size)), (receiver.Slices, receiver.PoolUsed));
        Assert.InRange(receiver.PoolUsed, taken.Info.MsgSize, receiver.PoolSize);
        Assert.Equal((0, 0UL), (receiver.Queued, receiver.ChargedBytes));
        Assert.Equal((scene.World.Now.Monotonic, scene.World.Now.Monotonic - 5), (receiver.LastRead, receiver.ConnectedAt));
        Assert.Equal(StatusScene.Clock, Assert.Single(receiver.Names));
        Assert.Equal((2, AttachFlags.All, AttachFlags.All, 4711), (receiver.Matches, receiver.AttachSend, receiver.AttachRecv, receiver.Pid));

        Assert.Equal(StatusScene.Clock, Assert.Single(rows[1].WaitsFor));
        Assert.Equal(0UL, rows[1].LastRead);
        Assert.Equal((0U, true, new UserId(0, null)), (rows[2].Uid, rows[2].Privileged, rows[2].User));
        Assert.Equal((StatusScene.Sleeper, HelloFlags.Activator), (rows[3].ActivatorOf, rows[3].Flags));
        Assert.Equal(("1000-door", false, new UserId(null, "1000-door")), (rows[5].Endpoint, rows[5].Privileged, rows[5].User));
    }

    [Fact]
    public void Bytes_in_use_follow_every_slice()
    {
        var scene = new StatusScene();
        var pool = scene.Receiver.Connection.Pool;
        var offsets = new List<ulong>();
        for (var i = 0; i < 20; i++)
        {
            scene.Sender.Send(scene.Receiver.Id, (ulong)i, new byte[40 * (i + 1)]);
            if (i % 3 == 0) offsets.Add(scene.Receiver.Recv().Info.Offset);
            if (i % 4 == 3) Assert.Equal(Errno.OK, scene.Receiver.Free(offsets[0]));
            if (i % 4 == 3) offsets.RemoveAt(0);
            Assert.Equal(pool.Size - Inside.FreeBytes(pool), pool.UsedBytes);
        }

        scene.Receiver.Close();
        Assert.Equal(pool.Size - Inside.FreeBytes(pool), pool.UsedBytes);
    }

    [Fact]
    public void Names_come_by_name_with_owner_activator_and_waiters_in_line()
    {
        var scene = new StatusScene();
        var rows = BusStatus.Names(scene.Bus);
        Assert.Equal((StatusScene.Clock, StatusScene.Sleeper, 2), (rows[0].Name, rows[1].Name, rows.Count));
        Assert.Equal(
            (scene.Receiver.Id, NameFlags.AllowReplacement | NameFlags.Queue, null), (rows[0].Owner, rows[0].Flags, rows[0].Activator));
        Assert.Equal([new WaiterRow(scene.Sender.Id, NameFlags.Queue), new WaiterRow(scene.Other.Id, NameFlags.Queue)], rows[0].Waiters);
        Assert.Equal((scene.Activator.Id, scene.Activator.Id), (rows[1].Owner, rows[1].Activator));
    }

    [Fact]
    public void Matches_come_with_their_rules()
    {
        var scene = new StatusScene();
        var rows = BusStatus.Matches(scene.Bus);
        Assert.Equal(
            [(scene.Receiver.Id, 7UL), (scene.Receiver.Id, 7UL), (scene.Sender.Id, 1UL), (scene.Sender.Id, 2UL), (scene.Other.Id, 3UL)],
            rows.Select(row => (row.Connection, row.Cookie)));
        var none = new Listing<byte>([]);
        Assert.Empty(rows[0].Rules);
        Assert.Equal(
            [new RuleRow(ItemType.Id, scene.Sender.Id, null, null, none), new RuleRow(ItemType.Name, null, null, StatusScene.Clock, none)],
            rows[1].Rules);
        Assert.Equal([new RuleRow(ItemType.NameChange, null, 5, "org.example.Nobody", none)], rows[2].Rules);
        Assert.Equal([new RuleRow(ItemType.IdRemove, 99_999, null, null, none)], rows[3].Rules);
        Assert.Equal([new RuleRow(ItemType.BloomMask, null, null, null, new Listing<byte>(StatusScene.Mask(3, 77)))], rows[4].Rules);
    }

    [Fact]
    public void Queues_show_each_message_where_it_stands()
    {
        var scene = new StatusScene();
        scene.Sender.Send(scene.Receiver.Id, 1, new byte[8], priority: -3);
        scene.Other.Ask(scene.Receiver.Id, 55);
        SendTo(scene.Sender, StatusScene.Sleeper);
        scene.Receiver.Recv(RecvFlags.Peek);

        var rows = BusStatus.Queues(scene.Bus);
        Assert.Equal([scene.Receiver.Id, scene.Receiver.Id, scene.Activator.Id], rows.Select(row => row.Receiver));
        Assert.Equal([0, 1, 0], rows.Select(row => row.Position));
        var (first, second, third) = (rows[0], rows[1], rows[2]);
        Assert.Equal((scene.Sender.Id, -3L, true, null, null), (first.Sender, first.Priority, first.Peeked, first.Request, first.Name));
        Assert.Equal(scene.Receiver.Connection.Queue.First!.Slice.Offset, first.Offset);
        Assert.Equal(
            (scene.Other.Id, new UserId(0, null), 55UL, false, false),
            (second.Sender, second.User, second.Request, second.RequestEnded, second.Peeked));
        Assert.Equal((scene.Sender.Id, StatusScene.Sleeper), (third.Sender, third.Name));

        scene.World.Wait(10 * TestDomain.Second);
        Assert.True(BusStatus.Queues(scene.Bus)[1].RequestEnded);
    }

    [Fact]
    public void Replies_show_how_each_request_stands()
    {
        var scene = new StatusScene();
        scene.Sender.Ask(scene.Receiver.Id, 1);
        scene.Sender.Call(scene.Receiver.Id, 2);
        var interrupted = scene.Sender.Call(scene.Receiver.Id, 3);
        scene.World.Domain.Interrupt(interrupted.Request);
        var answered = scene.Sender.Call(scene.Receiver.Id, 4);
        scene.World.Domain.Interrupt(answered.Request);
        Assert.Equal(Errno.OK, scene.Receiver.Answer(scene.Sender.Id, 4).Result);
        var answering = scene.Sender.Call(scene.Receiver.Id, 5);
        Assert.Equal(OutcomeKind.Copy, scene.Receiver.Answer(scene.Sender.Id, 5, new byte[64], PayloadPlace.Remote).Kind);
        Assert.Equal(OutcomeKind.Pending, answering.Kind);

        var rows = BusStatus.Replies(scene.Bus);
        Assert.Equal([1UL, 2, 3, 4, 5], rows.Select(row => row.Cookie));
        Assert.Equal(
            [ReplyState.Asynchronous, ReplyState.Waiting, ReplyState.Interrupted, ReplyState.Answered, ReplyState.Answering],
            rows.Select(row => row.State));
        Assert.Equal([true, true, true, false, false], rows.Select(row => row.Expected));
        Assert.All(rows, row => Assert.Equal((scene.Sender.Id, scene.Receiver.Id, 5, true), (row.Requester, row.Answerer, row.Slots, row.Queued)));
        Assert.All(rows, row => Assert.Equal(scene.World.Now.Monotonic + TestDomain.Second, row.Deadline));
        Assert.Equal((Errno.OK, true), (rows[3].Result, rows[3].AnswerBytes > 0));
        Assert.Null(rows[1].Result);
    }

    [Fact]
    public void Policy_comes_with_its_owners()
    {
        var scene = new StatusScene();
        Assert.Equal(
            [
                new PolicyRow(
                    null,
                    "org.example.*",
                    scene.Holder.Id,
                    1000,
                    new([
                        new AccessRow(PolicyAccessType.User, 2000, PolicyAccessLevel.Talk),
                        new AccessRow(PolicyAccessType.World, 0, PolicyAccessLevel.See),
                    ])),
                new PolicyRow(null, StatusScene.Sleeper, scene.Activator.Id, 1000, new([])),
                new PolicyRow(
                    "1000-door", StatusScene.Clock, null, 1000, new([new AccessRow(PolicyAccessType.Group, 50, PolicyAccessLevel.Own)])),
            ],
            BusStatus.Policy(scene.Bus));
    }

    [Fact]
    public void Slices_come_by_offset_with_who_holds_them()
    {
        var scene = new StatusScene();
        scene.Sender.Send(scene.Guest.Id, 1);
        scene.Sender.Send(scene.Guest.Id, 2);
        scene.Guest.Recv();
        var rows = BusStatus.Slices(scene.Bus).Where(row => row.Connection == scene.Guest.Id).ToArray();
        Assert.Equal([(false, true), (false, true), (true, false)], rows.Select(row => (row.HeldByBus, row.HeldByOwner)));
        Assert.Equal(rows.OrderBy(row => row.Offset), rows);
    }

    [Fact]
    public void Two_engines_that_got_the_same_inputs_give_the_same_rows()
    {
        Assert.All(
            Everything(Fill(new StatusScene())).Zip(Everything(Fill(new StatusScene()))),
            pair => Assert.Equal(pair.First, pair.Second));
    }

    [Fact]
    public void One_input_more_shows()
    {
        var scene = Fill(new StatusScene());
        var before = Everything(scene);
        scene.Sender.Ask(scene.Receiver.Id, 77);
        scene.AddMatch(scene.Sender, 78);
        scene.Acquire(scene.Sender, "org.example.More", NameFlags.None);
        scene.World.Close(scene.Door);
        Assert.All(Everything(scene).Zip(before), pair => Assert.NotEqual(pair.First, pair.Second));
    }

    private static StatusScene Fill(StatusScene scene)
    {
        for (var i = 0UL; i < 5; i++) scene.Sender.Send(scene.Receiver.Id, i, new byte[i * 10]);
        scene.Other.Ask(scene.Receiver.Id, 9);
        return scene;
    }

    private static object[] Everything(StatusScene scene) =>
    [
        BusStatus.Connections(scene.Bus),
        BusStatus.Names(scene.Bus),
        BusStatus.Matches(scene.Bus),
        BusStatus.Queues(scene.Bus),
        BusStatus.Replies(scene.Bus),
        BusStatus.Policy(scene.Bus),
        BusStatus.Quota(scene.Bus),
        BusStatus.Slices(scene.Bus),
        DomainStatus.Users(scene.World.Domain),
    ];

    private static void SendTo(TestPeer sender, string name)
    {
        var message = Frame.Of(
            new KdbusMsg { DstId = Constants.DstIdName, PayloadType = Constants.PayloadDBus, Cookie = 6 }, Frame.Item(ItemType.DstName, name));
        var frame = Frame.Of(new KdbusCmdSend { MsgAddress = 0x10_0000 });
        Assert.Equal(Errno.OK, sender.Send(frame, message, default, PayloadPlace.Here).Result);
    }
}
