using System.Text;
using Kdbus.Engine.Policy;
using Kdbus.Engine.Requests;

namespace Kdbus.Engine.Status;

/// <summary>
/// What there is on a bus, copied out as values. Rows are ordered by number or name, never by chance: two engines in the
/// same state give the same rows. Whoever drives the engine lets no input in meanwhile, so this looks at no more than it
/// must: a table takes time by its rows, not by what else there is on the bus.
/// </summary>
public static class BusStatus
{
    /// <summary>The connections, by id.</summary>
    public static Listing<ConnectionRow> Connections(Bus bus) => new(Array.ConvertAll(InOrder(bus), Row));

    /// <summary>The names that somebody owns, by name.</summary>
    public static Listing<NameRow> Names(Bus bus)
    {
        var rows = bus.Names.Entries.Select(entry => new NameRow(
            entry.Text,
            entry.Id,
            entry.Owner.Id,
            entry.Flags,
            entry.Activator?.Id,
            new([.. entry.Waiters.Select(waiter => new WaiterRow(waiter.Connection.Id, waiter.Flags))]),
            entry.InFlight.Count)).ToArray();
        Array.Sort(rows, static (one, other) => string.CompareOrdinal(one.Name, other.Name));
        return new(rows);
    }

    /// <summary>The matches, by connection and then in the order in which they were added.</summary>
    public static Listing<MatchRow> Matches(Bus bus)
    {
        var rows = new MatchRow[bus.Matching.Count];
        var count = 0;
        foreach (var connection in InOrder(bus))
        {
            foreach (var match in connection.Matches.All) rows[count++] = new MatchRow(match);
        }

        return new(rows);
    }

    /// <summary>The messages that wait, by receiver and then in the order of their arrival.</summary>
    public static Listing<QueueRow> Queues(Bus bus)
    {
        var receivers = InOrder(bus);
        var rows = new QueueRow[receivers.Sum(receiver => receiver.Queue.Count)];
        var count = 0;
        foreach (var receiver in receivers)
        {
            var position = 0;
            for (var message = receiver.Queue.First; message != null; message = message.Next)
            {
                rows[count++] = new QueueRow(
                    receiver.Id,
                    position++,
                    message.Sender?.Id,
                    UserId.Of(message.User),
                    message.Size,
                    message.Fds,
                    message.Priority,
                    message.Slice.Offset,
                    message.Name?.Text,
                    message.Request?.Cookie,
                    message.Request is { Ended: true },
                    message.Slice.HeldByOwner,
                    message.Image != null);
            }
        }

        return new(rows);
    }

    /// <summary>The requests that wait for a reply, by requester, the oldest first.</summary>
    public static Listing<ReplyRow> Replies(Bus bus)
    {
        var rows = new List<ReplyRow>();
        foreach (var requester in InOrder(bus))
        {
            var first = rows.Count;
            for (var tracker = requester.Requests.Newest; tracker != null; tracker = tracker.OlderRequest) rows.Add(Row(tracker));
            rows.Reverse(first, rows.Count - first);
        }

        return new([.. rows]);
    }

    /// <summary>The policy: first that of the bus, then of its custom endpoints by name; each by name.</summary>
    public static Listing<PolicyRow> Policy(Bus bus)
    {
        var rows = bus.Policy.Entries.Select(owned => Row(null, owned.Owner, owned.Entry)).ToList();
        foreach (var endpoint in bus.Endpoints)
        {
            if (endpoint.Policy is { } policy) rows.AddRange(policy.Entries.Select(owned => Row(endpoint.Name, owned.Owner, owned.Entry)));
        }

        rows.Sort(static (one, other) =>
        {
            var byEndpoint = string.CompareOrdinal(one.Endpoint, other.Endpoint);
            return byEndpoint != 0 ? byEndpoint : string.CompareOrdinal(one.Name, other.Name);
        });
        return new([.. rows]);
    }

    /// <summary>Who holds how much of whose pool and queue, by receiver and then by user.</summary>
    public static Listing<QuotaRow> Quota(Bus bus)
    {
        var rows = new List<QuotaRow>();
        foreach (var receiver in InOrder(bus)) QuotaStatus.AddTo(rows, receiver);
        return new([.. rows]);
    }

    /// <summary>The slices in use in all pools, by connection and then by offset.</summary>
    public static Listing<SliceRow> Slices(Bus bus) => new(
    [
        .. InOrder(bus).SelectMany(connection => connection.Pool.Used.OrderBy(slice => slice.Offset)
            .Select(slice => new SliceRow(connection.Id, slice.Offset, slice.Size, slice.HeldByBus, slice.HeldByOwner))),
    ]);

    private static Connection[] InOrder(Bus bus)
    {
        var connections = bus.Connections.ToArray();
        Array.Sort(connections, static (one, other) => one.Id.CompareTo(other.Id));
        return connections;
    }

    private static ConnectionRow Row(Connection connection) => new()
    {
        Id = connection.Id,
        Kind = connection.Kind,
        Flags = connection.Flags,
        Endpoint = connection.Endpoint.Name,
        User = UserId.Of(connection.User),
        Uid = connection.Creator.Uid,
        Euid = connection.Creator.Euid,
        Egid = connection.Creator.Egid,
        Pid = connection.Creator.Pid,
        IsFaked = connection.IsFaked,
        Privileged = connection.Privileged,
        AttachSend = connection.AttachFlagsSend,
        AttachRecv = connection.AttachFlagsRecv,
        Description = DescriptionOf(connection),
        PoolSize = connection.Pool.Size,
        PoolUsed = connection.Pool.UsedBytes,
        Slices = connection.Pool.Count,
        LargestFree = connection.Pool.LargestFree,
        Queued = connection.Queue.Count,
        ChargedBytes = connection.Quota.Accounted,
        Dropped = connection.Dropped,
        Refused = connection.Refused,
        LastRefusal = connection.LastRefusal,
        Names = NamesOf(connection),
        WaitsFor = new([.. connection.WaitsFor.Select(name => name.Text)]),
        ActivatorOf = connection.ActivatorOf?.Text,
        Matches = connection.Matches.All.Count,
        RequestSlots = connection.RequestSlots,
        ConnectedAt = connection.ConnectedAt,
        LastRead = connection.LastRead,
    };

    private static ReplyRow Row(ReplyTracker tracker) => new(
        tracker.Requester.Id,
        tracker.Cookie,
        tracker.Answerer.Id,
        tracker.Name?.Text,
        tracker.Deadline,
        tracker.Synchronous,
        !tracker.Synchronous ? ReplyState.Asynchronous
            : tracker.Answered ? ReplyState.Answered
            : tracker.Answering ? ReplyState.Answering
            : tracker.WaitingRequest == 0 ? ReplyState.Interrupted
            : ReplyState.Waiting,
        tracker.Queued,
        tracker.IsExpected,
        tracker.Answered ? tracker.Result : null,
        tracker.Answer?.Size ?? 0,
        tracker.Requester.RequestSlots);

    private static PolicyRow Row(string? endpoint, object owner, PolicyEntry entry)
    {
        var holder = owner as Connection;
        return new PolicyRow(
            endpoint,
            Encoding.ASCII.GetString(entry.Name) + (entry.IsWildcard ? ".*" : ""),
            holder?.Id,
            holder?.Creator.Euid ?? ((Endpoint)owner).Uid,
            new([.. entry.Access.Select(access => new AccessRow(access.Type, access.Id, access.Level))]));
    }

    internal static Listing<string> NamesOf(Connection connection) => new([.. connection.Names.Select(name => name.Text)]);

    internal static string DescriptionOf(Connection connection) => Encoding.ASCII.GetString(connection.Description.Span);
}
