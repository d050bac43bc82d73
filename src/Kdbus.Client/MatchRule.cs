using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;
using Kdbus.Client.Internal;

namespace Kdbus.Client;

/// <summary>
/// What a connection wants to hear. All conditions of a rule must hold; for "or" there are several rules. The bus does not say which rule let a signal in: with
/// several subscriptions for signals on one connection each gets those that fit any of the rules of the same sender, so signals should say what they are about.
/// </summary>
public sealed class MatchRule
{
    private readonly Action<MatchRule, Builder> _write;

    private MatchRule(MatchedEvents events, Action<MatchRule, Builder> write) => (Events, _write) = (events, write);

    internal enum MatchedEvents
    {
        Signals,
        Names,
        Peers,
    }

    internal MatchedEvents Events { get; }

    /// <summary>Only from this connection; 0 for any.</summary>
    public ulong Sender { get; private init; }

    /// <summary>Only from the owner of this name, or about this name; null for any.</summary>
    public string? Name { get; private init; }

    /// <summary>Signals whose filters have all these bits.</summary>
    public static MatchRule Signals(BloomBits mask)
    {
        ArgumentNullException.ThrowIfNull(mask);
        return new MatchRule(MatchedEvents.Signals, (_, builder) => builder.Add(ItemType.BloomMask, mask.Bits));
    }

    /// <summary>All signals.</summary>
    public static MatchRule AllSignals(BloomParameters bloom) => Signals(bloom.NewBits());

    /// <summary>News that a name, or any name, has got, lost or changed its owner.</summary>
    public static MatchRule NameChanges(string? name = null) => new(MatchedEvents.Names, static (rule, builder) => builder.AddNameChanges(rule.Name))
    {
        Name = name is null ? null : Names.Check(name),
    };

    /// <summary>News that a connection has got or lost a name.</summary>
    internal static MatchRule NameChangesOf(ulong id) => new(MatchedEvents.Names, (_, builder) => builder.AddNameChangesOf(id));

    /// <summary>News that a connection, or any, came or went.</summary>
    public static MatchRule PeerChanges(ulong id = 0) => new(MatchedEvents.Peers, static (rule, builder) => builder.AddPeerChanges(rule.Sender)) { Sender = id };

    /// <summary>The same, but only signals of this connection.</summary>
    public MatchRule From(ulong id) => Events == MatchedEvents.Signals ? new MatchRule(Events, _write) { Sender = id, Name = Name }
        : throw new InvalidOperationException("Only signals have a sender.");

    /// <summary>The same, but only signals of who owns this name when sending.</summary>
    public MatchRule FromOwnerOf(string name) => Events == MatchedEvents.Signals ? new MatchRule(Events, _write) { Sender = Sender, Name = Names.Check(name) }
        : throw new InvalidOperationException("Only signals have a sender.");

    /// <summary>The commands that install it: names and peers need one each for what can happen to them.</summary>
    internal List<byte[]> ToItems()
    {
        Builder builder = new();
        _write(this, builder);
        if (Events == MatchedEvents.Signals)
            builder.AddSender(Sender, Name);
        return builder.Matches;
    }

    /// <summary>Item chains of MATCH_ADD.</summary>
    private sealed class Builder
    {
        private List<byte> _current = [];

        public List<byte[]> Matches { get; } = [];

        public void Add(ItemType type, ReadOnlySpan<byte> payload)
        {
            byte[] item = new byte[Item.SizeInChain(payload.Length)];
            var writer = new ItemWriter(item);
            writer.Write(type, payload);
            _current.AddRange(item);
        }

        public void AddSender(ulong id, string? name)
        {
            if (id != 0)
                Add(ItemType.Id, BitConverter.GetBytes(id));
            if (name is not null)
                Add(ItemType.Name, Text(name));
            Close();
        }

        public void AddNameChanges(string? name)
        {
            AddNameChange(ItemType.NameAdd, Constants.MatchIdAny, Constants.MatchIdAny, name);
            AddNameChange(ItemType.NameRemove, Constants.MatchIdAny, Constants.MatchIdAny, name);
            AddNameChange(ItemType.NameChange, Constants.MatchIdAny, Constants.MatchIdAny, name);
        }

        public void AddNameChangesOf(ulong id)
        {
            AddNameChange(ItemType.NameAdd, Constants.MatchIdAny, id, null);
            AddNameChange(ItemType.NameRemove, id, Constants.MatchIdAny, null);
            AddNameChange(ItemType.NameChange, Constants.MatchIdAny, id, null);
            AddNameChange(ItemType.NameChange, id, Constants.MatchIdAny, null);
        }

        public void AddPeerChanges(ulong id)
        {
            byte[] change = new byte[16];
            BitConverter.TryWriteBytes(change, id == 0 ? Constants.MatchIdAny : id);
            foreach (ItemType type in (ReadOnlySpan<ItemType>)[ItemType.IdAdd, ItemType.IdRemove])
            {
                Add(type, change);
                Close();
            }
        }

        private void AddNameChange(ItemType type, ulong oldOwner, ulong newOwner, string? name)
        {
            var change = new KdbusNotifyNameChange { OldId = { Id = oldOwner }, NewId = { Id = newOwner } };
            Add(type, [.. MemoryMarshal.AsBytes(new ReadOnlySpan<KdbusNotifyNameChange>(in change)), .. name is null ? [] : Text(name)]);
            Close();
        }

        private static byte[] Text(string name) => [.. Encoding.ASCII.GetBytes(name), 0];

        private void Close()
        {
            Matches.Add([.. _current]);
            _current = [];
        }
    }
}
