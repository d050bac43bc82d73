using Kdbus.Client;
using Kdbus.Linux;

namespace Kdbus.Cli.Watching;

/// <summary>Goes through the messages of a live bus, until enough were seen, time is up, or somebody ends it.</summary>
/// <param name="feed">The monitor.</param>
/// <param name="time">How long; null: until somebody ends it.</param>
/// <param name="ending">Cancelled by whoever ends the program.</param>
internal sealed class LiveWatch(MonitorFeed feed, TimeSpan? time, CancellationToken ending)
{
    /// <summary>Goes through them.</summary>
    /// <param name="take">Takes each; false: it was the last one.</param>
    /// <param name="idle">Called when there is none just now: what was written can be handed over.</param>
    /// <exception cref="BusBrokenException">The bus is gone; what came before that has been taken.</exception>
    public async Task RunAsync(Func<WatchedMessage, bool> take, Action idle)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(ending);
        if (time is { } limit)
            end.CancelAfter(limit);
        try
        {
            while (await feed.WaitAsync(end.Token).ConfigureAwait(false))
            {
                while (feed.TryTake(out WatchedMessage? message))
                {
                    if (!take(message!) || end.IsCancellationRequested)
                        return;
                }
                idle();
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // Asked for, by a signal or by the time that was given: this is how watching ends.
        }
    }

    /// <summary>How things are now, as messages that come before all others: who owns which name.</summary>
    public static IReadOnlyList<WatchedMessage> State(PeerBook peers)
    {
        MessageNotes notes = new((ulong)Clock.MonotonicNanoseconds, (ulong)Clock.RealtimeNanoseconds);
        return [.. peers.AskNames().Select(name => MessageCopy.OfName(name.Name, name.Owner, notes))];
    }
}
