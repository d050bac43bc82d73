using System.Globalization;
using Kdbus.Cli.Status;

namespace Kdbus.Cli;

/// <summary>What is on a bus about one receiver.</summary>
/// <param name="Receiver">The receiver.</param>
/// <param name="Connections">All connections, to name the others.</param>
/// <param name="Quota">Who holds what of its queue and pool.</param>
/// <param name="Queue">Its unread messages.</param>
/// <param name="Replies">All requests of the bus that wait.</param>
/// <param name="MaxRequests">How many requests a connection may have without an answer.</param>
internal sealed record ReceiverState(
    ConnectionRow Receiver, IReadOnlyList<ConnectionRow> Connections, IReadOnlyList<QuotaRow> Quota, IReadOnlyList<QueueRow> Queue, IReadOnlyList<ReplyRow> Replies, long MaxRequests);

/// <summary>One thing found about a receiver.</summary>
/// <param name="Sentence">What.</param>
/// <param name="Error">What senders get, or got; null: nothing, it is only to be known.</param>
/// <param name="IsNow">Whether it is so now.</param>
/// <param name="Advice">What to do.</param>
internal sealed record Obstacle(string Sentence, string? Error, bool IsNow, string? Advice);

/// <summary>Why senders find no room at a receiver: in its queue, in its pool, or among the requests it has not answered.</summary>
internal static class Blockage
{
    /// <summary>A message takes more than this, so a share with less left takes none.</summary>
    private const long SmallestMessage = 112;

    private const int MostHolders = 3;

    /// <summary>All that is to be said, what blocks now first.</summary>
    public static IReadOnlyList<Obstacle> Find(ReceiverState state) =>
    [
        .. (IEnumerable<Obstacle>)[.. state.Quota.SelectMany(share => OfShare(state, share)), .. OfPool(state), .. OfRequests(state), .. OfRefusals(state), .. OfReading(state)],
    ];

    private static IEnumerable<Obstacle> OfShare(ReceiverState state, QuotaRow share)
    {
        if (share.User is not { } user)
            yield break;
        string holders = Holders(state, share);
        const string Read = "it has to receive; until then senders of that user wait";
        if (share.Messages >= share.MessagesLimit)
        {
            yield return new Obstacle(
                string.Create(CultureInfo.InvariantCulture, $"{Title(user)} has {share.Messages} unread messages there, as many as one user may ({share.MessagesLimit}){holders}"),
                "ENOBUFS", true, Read);
        }
        else if (share.BytesLimit - share.Bytes < SmallestMessage)
        {
            yield return new Obstacle(
                $"{Title(user)} has {Sizes.Text(share.Bytes)} of unread messages there, as much as one user may now ({Sizes.Text(share.BytesLimit ?? 0)}){holders}", "ENOBUFS", true, Read);
        }
        else if (share.Messages > 0)
        {
            yield return new Obstacle(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Title(user)} has {share.Messages} of {share.MessagesLimit} messages and {Sizes.Text(share.Bytes)} of {Sizes.Text(share.BytesLimit ?? 0)} there{holders}; a message larger than {Sizes.Text((share.BytesLimit ?? 0) - share.Bytes)} finds no room"),
                null, false, null);
        }
        if (share.FdsLimit is > 0 and var limit && share.Fds >= limit)
        {
            yield return new Obstacle(
                string.Create(CultureInfo.InvariantCulture, $"{Title(user)} has {share.Fds} descriptors in unread messages there, as many as one user may ({limit}){(share.Messages >= share.MessagesLimit ? "" : holders)}"),
                "EMFILE", true, "it has to receive; messages without descriptors still come through");
        }
    }

    private static IEnumerable<Obstacle> OfPool(ReceiverState state)
    {
        ConnectionRow receiver = state.Receiver;
        long unread = state.Queue.Sum(static message => message.Bytes) + state.Quota.Sum(static share => share.OnTheWayBytes);
        long kept = Math.Max(0, receiver.PoolUsed - unread);
        // Little kept is what is being worked on.
        if (kept <= receiver.PoolSize / 4 && receiver.LargestFree >= SmallestMessage)
            yield break;
        bool isFull = receiver.LargestFree < SmallestMessage || receiver.LastRefusal == "EXFULL";
        string range = receiver.LargestFree == 0 ? "nothing is free" : $"the largest free range is {Sizes.Text(receiver.LargestFree)}";
        yield return new Obstacle(
            $"of its pool of {Sizes.Text(receiver.PoolSize)}, {Sizes.Text(kept)} are messages that it has received and not freed; {range}",
            isFull ? "EXFULL" : null, isFull, "it has to free what it has received (FREE; Dispose in .NET), or say HELLO with a larger pool");
    }

    private static IEnumerable<Obstacle> OfRequests(ReceiverState state)
    {
        ReplyRow[] waiting = [.. state.Replies.Where(reply => reply.Answerer == state.Receiver.Id && reply.Expected)];
        if (waiting.Length == 0)
            yield break;
        int unread = waiting.Count(static reply => reply.Queued);
        string read = unread == 0 ? "it has read all of them" : unread == waiting.Length ? "it has read none of them" : string.Create(CultureInfo.InvariantCulture, $"it has not read {unread} of them");
        string deadline = waiting.Select(static reply => reply.Deadline).Where(static left => left is not null).MinBy(static left => left!.Remaining) is { } next
            ? $"; the next one times out in {Durations.Text(next.Left)}" : "";
        string from = string.Join(", ", waiting.GroupBy(static reply => reply.Requester).OrderByDescending(static group => group.Count()).Take(MostHolders)
            .Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Count()} of {Party.Title(state.Connections, group.Key)}")));
        yield return new Obstacle(
            string.Create(CultureInfo.InvariantCulture, $"{Count(waiting.Length, "request waits", "requests wait")} for its answer ({from}); {read}{deadline}"), null, false, null);
        foreach (ReplyRow full in waiting.Where(reply => reply.Slots >= state.MaxRequests).DistinctBy(static reply => reply.Requester))
        {
            yield return new Obstacle(
                string.Create(CultureInfo.InvariantCulture, $"{Party.Title(state.Connections, full.Requester)} has {full.Slots} requests without an answer, as many as it may"),
                "EMLINK", true, "it has to answer; or --timeout lets requests end by themselves");
        }
    }

    private static IEnumerable<Obstacle> OfRefusals(ReceiverState state)
    {
        ConnectionRow receiver = state.Receiver;
        if (receiver.Refused > 0)
        {
            yield return new Obstacle(
                string.Create(CultureInfo.InvariantCulture, $"{Count((long)receiver.Refused, "message", "messages")} found no room there so far; the last one got {receiver.LastRefusal}"),
                receiver.LastRefusal, false, null);
        }
        if (receiver.Dropped > 0)
        {
            yield return new Obstacle(
                string.Create(CultureInfo.InvariantCulture, $"{Count((long)receiver.Dropped, "signal or notification was", "signals and notifications were")} lost to it since it last read"), "lost", false, null);
        }
    }

    private static IEnumerable<Obstacle> OfReading(ReceiverState state)
    {
        ConnectionRow receiver = state.Receiver;
        string read = receiver.LastRead is { } last ? $"it last read {Durations.Text(last.Since)} ago"
            : $"it has never read anything since it connected, {Durations.Text(receiver.Connected.Since)} ago";
        yield return new Obstacle(
            receiver.Queued == 0 ? $"its queue is empty; {read}" : string.Create(CultureInfo.InvariantCulture, $"{Count(receiver.Queued, "message waits", "messages wait")} in its queue; {read}"), null, false, null);
    }

    private static string Holders(ReceiverState state, QuotaRow share)
    {
        if (share.Holders.Count == 0)
            return "";
        IEnumerable<string> named = share.Holders.Take(MostHolders)
            .Select(holder => string.Create(CultureInfo.InvariantCulture, $"{holder.Messages} ({Sizes.Text(holder.Bytes)}) of {Party.Title(state.Connections, holder.Connection)}"));
        string more = share.Holders.Count > MostHolders ? string.Create(CultureInfo.InvariantCulture, $" and {share.Holders.Count - MostHolders} more senders") : "";
        return $": {string.Join(", ", named)}{more}";
    }

    private static string Title(StatusUser user) => user.Uid is { } uid ? $"user {Users.NameOf(uid)}" : user.ToString();

    private static string Count(long number, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : many)}");
}
