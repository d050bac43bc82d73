using System.Globalization;

namespace Kdbus.Cli.Watching;

/// <summary>One side of a message that is asked for: a connection by its id, or whoever owns a name.</summary>
/// <param name="Id">The id; 0: a name.</param>
/// <param name="Name">The name; null: an id.</param>
internal sealed record SideRule(ulong Id, string? Name)
{
    /// <summary>Reads one: a number is an id.</summary>
    public static SideRule Parse(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id) ? new SideRule(id, null) : new SideRule(0, text);

    /// <summary>Whether it is who sent a message.</summary>
    public bool IsSender(WatchedMessage message, PeerBook peers) =>
        Name is null ? message.Sender == Id
        : message.Sender != 0 && (peers.OwnerOf(Name) == message.Sender || message.SenderNames.Contains(Name, StringComparer.Ordinal));

    /// <summary>Whether it is whom a message was sent to.</summary>
    public bool IsReceiver(WatchedMessage message, PeerBook peers)
    {
        if (message.IsToEverybody)
            return false;
        if (Name is null)
            return message.Receiver == Id || (message.Name is { } name && message.Receiver == 0 && peers.OwnerOf(name) == Id);
        return message.Name == Name || (message.Receiver != 0 && peers.OwnerOf(Name) == message.Receiver);
    }

    /// <summary>Whether a notification is about it.</summary>
    public bool IsSubject(WatchedMessage message) =>
        message.Notification is { } news && (Name is null ? news.NewId == Id || news.OldId == Id : news.Name == Name);
}

/// <summary>Which messages are asked for. Rules of one sort are alternatives, those of different sorts must all hold.</summary>
internal sealed record TrafficFilter
{
    /// <summary>Senders.</summary>
    public IReadOnlyList<SideRule> Senders { get; init; } = [];

    /// <summary>Receivers.</summary>
    public IReadOnlyList<SideRule> Receivers { get; init; } = [];

    /// <summary>Either side, or what a notification is about.</summary>
    public IReadOnlyList<SideRule> Sides { get; init; } = [];

    /// <summary>Words for kinds.</summary>
    public IReadOnlyCollection<string> Kinds { get; init; } = [];

    /// <summary>Payload types.</summary>
    public IReadOnlyCollection<ulong> Types { get; init; } = [];

    /// <summary>Whether a message is asked for by itself.</summary>
    public bool Matches(WatchedMessage message, PeerBook peers) =>
        (Kinds.Count == 0 || Kinds.Contains(message.Kind.FilterWord(), StringComparer.Ordinal))
        && (Types.Count == 0 || Types.Contains(message.Header.PayloadType))
        && (Senders.Count == 0 || Senders.Any(rule => rule.IsSender(message, peers)))
        && (Receivers.Count == 0 || Receivers.Any(rule => rule.IsReceiver(message, peers)))
        && (Sides.Count == 0 || Sides.Any(rule => rule.IsSender(message, peers) || rule.IsReceiver(message, peers) || rule.IsSubject(message)));
}
