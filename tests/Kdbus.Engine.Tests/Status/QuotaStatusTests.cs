using Kdbus.Engine.Status;

namespace Kdbus.Engine.Tests.Status;

/// <summary>Who holds what, and what stands in the way of a message that finds no room.</summary>
public sealed class QuotaStatusTests
{
    [Fact]
    public void Shares_come_by_user_with_the_senders_that_hold_them_the_largest_first()
    {
        var scene = new StatusScene();
        var second = scene.World.Connect();
        scene.Sender.Send(scene.Receiver.Id, 1, new byte[8]);
        for (var i = 0UL; i < 3; i++) second.Send(scene.Receiver.Id, i, new byte[8]);
        scene.Other.Send(scene.Receiver.Id, 1, new byte[800]);

        var rows = BusStatus.Quota(scene.Bus);
        Assert.Equal([default, new UserId(0, null), new UserId(1000, null)], rows.Select(row => row.User!.Value));
        Assert.All(rows, row => Assert.Equal((scene.Receiver.Id, 0UL, 0UL, Errno.OK), (row.Receiver, row.OnTheWay, row.Refused, row.LastRefusal)));

        // It was told of the second sender.
        Assert.Equal((null, 1), (Assert.Single(rows[0].Holders).Connection, rows[0].Share.Messages));
        var mine = rows[2];
        Assert.Equal([second.Id, scene.Sender.Id], mine.Holders.Select(holder => holder.Connection!.Value));
        Assert.Equal([3, 1], mine.Holders.Select(holder => holder.Messages));
        Assert.Equal(mine.Share.Bytes, mine.Holders[0].Bytes + mine.Holders[1].Bytes);
        Assert.Equal((4, 256, 0, 16), (mine.Share.Messages, mine.Share.MessagesLimit, mine.Share.Fds, mine.Share.FdsLimit));

        var all = rows[0].Share.Bytes + rows[1].Share.Bytes + mine.Share.Bytes;
        Assert.Equal((32_768 - all + mine.Share.Bytes) / 3, mine.Share.BytesLimit);
    }

    [Fact]
    public void The_limit_is_what_the_next_message_is_held_against()
    {
        var scene = new StatusScene();
        scene.Other.Send(scene.Receiver.Id, 1, new byte[4000]);
        scene.Sender.Send(scene.Receiver.Id, 2, new byte[8]);
        var quota = scene.Receiver.Connection.Quota;
        var user = scene.World.Domain.UserOf(1000);
        var share = BusStatus.Quota(scene.Bus)[1].Share;
        Assert.Equal(Errno.ENOBUFS, quota.Charge(user, share.BytesLimit - share.Bytes + 1, 0));
        Assert.Equal(Errno.OK, quota.Charge(user, share.BytesLimit - share.Bytes, 0));
    }

    [Fact]
    public void What_is_being_copied_is_charged_and_on_its_way()
    {
        var scene = new StatusScene();
        var sending = scene.Sender.Ask(scene.Receiver.Id, 1, remote: true);
        var row = Assert.Single(BusStatus.Quota(scene.Bus));
        Assert.Empty(row.Holders);
        Assert.Equal((row.Share.Bytes, 1), (row.OnTheWay, row.Share.Messages));
        Assert.Equal(Errno.OK, scene.Sender.Commit(sending));
        row = Assert.Single(BusStatus.Quota(scene.Bus));
        Assert.Equal((0UL, row.Share.Bytes), (row.OnTheWay, Assert.Single(row.Holders).Bytes));
    }

    [Fact]
    public void An_answer_that_nobody_picked_up_is_held_by_who_sent_it()
    {
        var scene = new StatusScene();
        var call = scene.Sender.Call(scene.Receiver.Id, 1);
        scene.World.Domain.Interrupt(call.Request);
        Assert.Equal(Errno.OK, scene.Receiver.Answer(scene.Sender.Id, 1, new byte[40]).Result);
        var row = Assert.Single(BusStatus.Quota(scene.Bus), row => row.Receiver == scene.Sender.Id);
        Assert.Equal((scene.Receiver.Id, row.Share.Bytes), (Assert.Single(row.Holders).Connection, row.Holders[0].Bytes));
        Assert.Equal(0UL, row.OnTheWay);
    }

    [Fact]
    public void Refusals_are_counted_where_they_happened_also_when_the_queue_is_empty_again()
    {
        var scene = new StatusScene();
        Assert.Equal(Errno.ENOBUFS, scene.Sender.Send(scene.Receiver.Id, 1, new byte[40_000]).Result);
        Assert.Equal(Errno.ENOBUFS, scene.Other.Send(scene.Receiver.Id, 1, new byte[40_000]).Result);
        var row = Assert.Single(BusStatus.Quota(scene.Bus));
        Assert.Equal((scene.Receiver.Id, null, 2UL, Errno.ENOBUFS), (row.Receiver, row.User, row.Refused, row.LastRefusal));

        scene.Receiver.Pool.IsExhausted = true;
        Assert.Equal(Errno.ENOMEM, scene.Sender.Send(scene.Receiver.Id, 1, new byte[8]).Result);
        var connection = BusStatus.Connections(scene.Bus)[0];
        Assert.Equal((3UL, Errno.ENOMEM), (connection.Refused, connection.LastRefusal));
    }

    [Fact]
    public void A_refusal_names_those_who_hold_most_and_counts_the_rest()
    {
        var scene = new StatusScene();
        var senders = Enumerable.Range(0, 4).Select(_ => scene.World.Connect()).ToArray();
        for (var i = 0; i < senders.Length; i++) senders[i].Send(scene.Receiver.Id, 1, new byte[500 * (i + 1)]);
        senders[3].Close();
        scene.World.Pass(TestDomain.Second);
        scene.Receiver.Recv(RecvFlags.Peek);
        scene.Sender.Send(scene.Receiver.Id, 1, new byte[20_000]);

        var row = QuotaStatus.Of(scene.World.Effects.Refusals[^1], holders: 3);
        Assert.Equal(("1000-bus", Errno.ENOBUFS, new UserId(1000, null)), (row.Bus, row.Reason, row.User));
        Assert.Equal((scene.Receiver.Id, StatusScene.Clock, 4711), (row.Receiver.Id, row.Receiver.Names[0], row.Receiver.Pid));
        Assert.Equal(scene.Sender.Id, row.Sender!.Id);
        Assert.InRange(row.Size, 20_000UL, 20_500UL);
        Assert.Equal([senders[3].Id, senders[2].Id, senders[1].Id], row.Holders.Select(holder => holder.Sender!.Id));
        Assert.Equal([false, true, true], row.Holders.Select(holder => holder.Sender!.Alive));
        Assert.Equal((1, 4), (row.MoreHolders, row.Share.Messages));
        Assert.Equal(scene.World.Now.Monotonic, row.LastRead);
    }

    [Fact]
    public void The_domain_shows_its_buses_limits_and_users()
    {
        var scene = new StatusScene();
        scene.Guest.Send(scene.Guest.Id, 1);
        var bus = Assert.Single(DomainStatus.Buses(scene.World.Domain));
        Assert.Equal(("1000-bus", 1000U, 64UL, 1UL, 6, 0, 2, 5), (bus.Name, bus.Uid, bus.BloomSize, bus.BloomHashes, bus.Connections, bus.Monitors, bus.Names, bus.Matches));
        Assert.Equal([("1000-door", true), ("bus", false)], bus.Endpoints.Select(endpoint => (endpoint.Name, endpoint.IsCustom)));
        Assert.Equal(32, bus.Uuid.Length);

        Assert.Equal(
            [
                (null, default(UserId), 0, 0),
                (null, new UserId(0, null), 0, 1),
                (null, new UserId(1000, null), 1, 4),
                ("1000-bus", new UserId(null, "1000-door"), 0, 1),
            ],
            DomainStatus.Users(scene.World.Domain).Select(user => (user.Bus, user.User, user.Buses, user.Connections)));

        Assert.Equal(DomainLimits.Table.Select(limit => (limit.Name, limit.Most)), DomainStatus.Limits(scene.World.Domain).Select(limit => (limit.Name, limit.Most)));
        scene.World.Domain.AttachMask = AttachFlags.Timestamp | AttachFlags.Pids | (AttachFlags)(1UL << 63);
        Assert.Equal(
            [AttachFlags.Timestamp, AttachFlags.Pids, AttachFlags.PidfsId, AttachFlags.StartTime, AttachFlags.Pidfd],
            DomainStatus.Metadata(scene.World.Domain).Where(kind => kind.LetsThrough).Select(kind => kind.Kind));
        scene.World.Domain.AttachMask = AttachFlags.ConnDescription | AttachFlags.Pidfd;
        Assert.Equal(
            new MetadataRow(AttachFlags.ConnDescription, ItemType.ConnDescription, true),
            Assert.Single(DomainStatus.Metadata(scene.World.Domain), kind => kind.LetsThrough));
        Assert.Contains(new LimitRow("max-messages", 256, 1, 1 << 20, "ENOBUFS", "messages queued for one receiver by one user"), DomainStatus.Limits(scene.World.Domain));
    }
}
