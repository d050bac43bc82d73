using Kdbus.Abi;
using Kdbus.Client;

namespace Kdbus.Cli.Watching;

/// <summary>
/// Who is who on a bus that is watched: which connection owns which name, as the messages themselves tell, and what else can be known about each. The same for a
/// live bus, which can be asked, and for a capture, which cannot.
/// </summary>
internal sealed class PeerBook
{
    // Connections that have gone are kept for a while: messages of theirs may still be looked at.
    private const int MostGone = 4096;
    private const AttachFlags Asked = AttachFlags.Creds | AttachFlags.Pids | AttachFlags.PidComm | AttachFlags.ConnDescription;

    private readonly BusConnection? _bus;
    private readonly Dictionary<ulong, Known> _peers = [];
    private readonly Dictionary<string, ulong> _owners = new(StringComparer.Ordinal);
    private readonly Queue<ulong> _gone = new();

    /// <param name="bus">Whom to ask; null: nobody.</param>
    public PeerBook(BusConnection? bus = null) => _bus = bus;

    /// <summary>Who owns a name; 0: nobody, as far as is known.</summary>
    public ulong OwnerOf(string name) => _owners.GetValueOrDefault(name);

    /// <summary>The names of a connection.</summary>
    public IReadOnlyCollection<string> NamesOf(ulong id) => _peers.TryGetValue(id, out Known? known) ? known.Names : [];

    /// <summary>What the bus told about a connection when it was seen first; null: nothing.</summary>
    public Peer? PeerOf(ulong id) => _peers.TryGetValue(id, out Known? known) ? known.Peer : null;

    /// <summary>What a connection says it is; null: nothing is known.</summary>
    public string? DescriptionOf(ulong id) => _peers.TryGetValue(id, out Known? known) ? known.Description ?? known.Peer?.Description : null;

    /// <summary>What to call a connection beside its id: a name it owns, else its process, else what it says it is; null: nothing is known.</summary>
    public string? LabelOf(ulong id) =>
        !_peers.TryGetValue(id, out Known? known) ? null
        : known.Names.Count > 0 ? known.Names.Min(StringComparer.Ordinal)
        : known.Peer?.Process ?? known.Description ?? known.Peer?.Description;

    /// <summary>All names and their owners, as the bus has them now.</summary>
    public IReadOnlyList<(string Name, ulong Owner)> AskNames()
    {
        List<(string Name, ulong Owner)> names = [];
        foreach (PeerInfo peer in _bus!.List(ListFlags.Names | ListFlags.Activators))
            names.AddRange(peer.Names.Select(name => (name, peer.Id)));
        return names;
    }

    /// <summary>Learns who is there now. Who comes later is asked about when he comes, and may have gone again by then.</summary>
    public void AskAll()
    {
        foreach ((string name, ulong owner) in AskNames())
            Own(name, owner);
        foreach (PeerInfo peer in _bus!.List())
            _ = See(peer.Id);
    }

    /// <summary>Learns what a message tells.</summary>
    public void Learn(WatchedMessage message)
    {
        if (message.Notification is { } news)
        {
            Learn(news);
            return;
        }
        if (message.Kind == MessageKind.Notification)
            return;
        Known sender = See(message.Sender);
        sender.Description ??= message.Description;
        foreach (string name in message.SenderNames)
            Own(name, message.Sender);
        if (message.Receiver != 0)
            _ = See(message.Receiver);
    }

    private void Learn(BusNotification news)
    {
        switch (news.Type)
        {
            case ItemType.NameAdd or ItemType.NameChange:
                Own(news.Name!, news.NewId);
                break;
            case ItemType.NameRemove:
                Disown(news.Name!);
                break;
            case ItemType.IdAdd:
                _ = See(news.NewId);
                break;
            case ItemType.IdRemove:
                Go(news.NewId);
                break;
        }
    }

    private void Own(string name, ulong owner)
    {
        if (_owners.TryGetValue(name, out ulong before) && before != owner)
            Disown(name);
        _owners[name] = owner;
        _ = See(owner).Names.Add(name);
    }

    private void Disown(string name)
    {
        if (_owners.Remove(name, out ulong owner) && _peers.TryGetValue(owner, out Known? known))
            _ = known.Names.Remove(name);
    }

    private Known See(ulong id)
    {
        if (!_peers.TryGetValue(id, out Known? known))
            _peers[id] = known = new Known { Peer = Ask(id) };
        return known;
    }

    private void Go(ulong id)
    {
        if (_peers.TryGetValue(id, out Known? known))
        {
            foreach (string name in known.Names.ToArray())
                Disown(name);
        }
        _gone.Enqueue(id);
        if (_gone.Count > MostGone)
            _ = _peers.Remove(_gone.Dequeue());
    }

    private Peer? Ask(ulong id)
    {
        try
        {
            return _bus?.FindPeer(id, Asked) is { } info ? Peer.Of(info) : null;
        }
        catch (BusException)
        {
            return null; // It is gone, or the bus is: that is told where messages come from.
        }
    }

    private sealed class Known
    {
        public Peer? Peer { get; init; }

        public string? Description { get; set; }

        public HashSet<string> Names { get; } = new(StringComparer.Ordinal);
    }
}
