using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli;

/// <summary>What the shell offers when a word is completed: what is there on the live bus. Whatever goes wrong offers nothing.</summary>
internal static class Completions
{
    /// <summary>Buses of the mounted domains.</summary>
    public static IEnumerable<CompletionItem> Buses() => Tolerant(static () => BusPlace.All().Select(static bus => new CompletionItem(bus.Bus, detail: bus.Directory)));

    /// <summary>Domains.</summary>
    public static IEnumerable<CompletionItem> Domains() => Tolerant(static () => MountedDomain.All().Select(static domain => new CompletionItem(domain.Path)));

    /// <summary>Names and ids on the bus of a command line.</summary>
    public static IEnumerable<CompletionItem> Peers(CompletionContext context) => Tolerant(() =>
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(1));
        BusPlace bus = BusPlace.Find(context.ParseResult.GetValue(CommonOptions.Bus));
        BusConnection connection = BusConnection.ConnectAsync(bus.Endpoint, new BusConnectionOptions { Description = "kdbusctl" }, deadline.Token).AsTask().GetAwaiter().GetResult();
        try
        {
            IReadOnlyList<PeerInfo> peers = connection.List(ListFlags.Unique | ListFlags.Names);
            return peers.SelectMany(static peer => peer.Names).Concat(peers.Where(peer => peer.Id != connection.Id).Select(static peer => peer.Id.ToString(CultureInfo.InvariantCulture)))
                .Distinct(StringComparer.Ordinal).Select(static word => new CompletionItem(word)).ToList();
        }
        finally
        {
            connection.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    });

    /// <summary>An argument that completes to names and ids.</summary>
    public static Argument<T> WithPeers<T>(this Argument<T> argument)
    {
        argument.CompletionSources.Add(Peers);
        return argument;
    }

    private static IEnumerable<CompletionItem> Tolerant(Func<IEnumerable<CompletionItem>> offer)
    {
        try
        {
            return [.. offer()];
        }
#pragma warning disable CA1031 // Somebody is typing: this is no place for complaints.
        catch (Exception)
#pragma warning restore CA1031
        {
            return [];
        }
    }
}
