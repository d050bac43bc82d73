using Kdbus.Engine.Messages;

namespace Kdbus.Engine.Status;

/// <summary>Whose messages lie where: the quota of a receiver, broken down by the connections that sent them.</summary>
public static class QuotaStatus
{
    /// <summary>What stands in the way of a message that found no room, with at most so many of those who hold most.</summary>
    public static RefusalRow Of(in Refusal refusal, int holders)
    {
        var receiver = refusal.Receiver;
        var held = HoldersOf(receiver).GetValueOrDefault(refusal.User) ?? [];
        return new RefusalRow
        {
            Bus = receiver.Bus.Name,
            Receiver = Party(receiver),
            Sender = refusal.Sender == null ? null : Party(refusal.Sender),
            User = UserId.Of(refusal.User),
            Size = refusal.Size,
            Reason = refusal.Reason,
            Share = ShareRow.Of(receiver.Quota.ShareOf(refusal.User), receiver.Quota.Limits),
            Holders = new(
            [
                .. held.Take(holders)
                    .Select(holder => new PartyShare(holder.Sender == null ? null : Party(holder.Sender), holder.Messages, holder.Bytes)),
            ]),
            MoreHolders = Math.Max(held.Count - holders, 0),
            PoolSize = receiver.Pool.Size,
            PoolUsed = receiver.Pool.UsedBytes,
            Slices = receiver.Pool.Count,
            LargestFree = receiver.Pool.LargestFree,
            LastRead = receiver.LastRead,
        };
    }

    internal static void AddTo(List<QuotaRow> rows, Connection receiver)
    {
        var first = rows.Count;
        var holders = receiver.Quota.Accounted > 0 ? HoldersOf(receiver) : [];
        foreach (var share in receiver.Quota.Shares.OrderBy(share => UserId.Of(share.User), UserId.Order))
        {
            var held = holders.GetValueOrDefault(share.User) ?? [];
            rows.Add(new QuotaRow
            {
                Receiver = receiver.Id,
                User = UserId.Of(share.User),
                Share = ShareRow.Of(share, receiver.Quota.Limits),
                Holders = new([.. held.Select(holder => new HolderRow(holder.Sender?.Id, holder.Messages, holder.Bytes))]),
                OnTheWay = share.Bytes - held.Aggregate(0UL, (sum, holder) => sum + holder.Bytes),
                Refused = receiver.Refused,
                LastRefusal = receiver.LastRefusal,
            });
        }

        if (rows.Count > first || receiver.Refused == 0) return;
        rows.Add(new QuotaRow
        {
            Receiver = receiver.Id,
            User = null,
            Share = default,
            Holders = new([]),
            OnTheWay = 0,
            Refused = receiver.Refused,
            LastRefusal = receiver.LastRefusal,
        });
    }

    /// <summary>
    /// The senders of what is charged at a receiver, by the user charged, the largest first: of what is queued, and of answers
    /// that an interrupted call has not picked up.
    /// </summary>
    private static Dictionary<User, List<Holding>> HoldersOf(Connection receiver)
    {
        var holdings = new Dictionary<(User User, ulong Sender), Holding>();
        for (var message = receiver.Queue.First; message != null; message = message.Next) Count(message);
        for (var tracker = receiver.Requests.Newest; tracker != null; tracker = tracker.OlderRequest)
        {
            if (tracker.Answer is { } answer) Count(answer);
        }

        return holdings.GroupBy(held => held.Key.User, held => held.Value).ToDictionary(
            group => group.Key,
            group => group.OrderByDescending(held => held.Bytes).ThenByDescending(held => held.Messages).ThenBy(held => held.Sender?.Id).ToList());

        void Count(QueuedMessage message)
        {
            var key = (message.User, message.Sender?.Id ?? 0);
            if (!holdings.TryGetValue(key, out var held)) holdings.Add(key, held = new Holding(message.Sender));
            held.Messages++;
            held.Bytes += message.Size;
        }
    }

    private static PartyRow Party(Connection connection) => new(
        connection.Id, BusStatus.NamesOf(connection), connection.Creator.Pid, BusStatus.DescriptionOf(connection), connection.Alive);

    private sealed class Holding(Connection? sender)
    {
        public Connection? Sender { get; } = sender;

        public int Messages { get; set; }

        public ulong Bytes { get; set; }
    }
}
