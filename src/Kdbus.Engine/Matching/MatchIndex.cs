using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Engine.Names;

namespace Kdbus.Engine.Matching;

/// <summary>
/// All matches of a bus, ordered by one condition each that an event must meet to pass: the sender, a name, or one bit
/// of the bloom filter. An event is held only against those that share this condition with it, so a bus with thousands of
/// matches costs what the few cost that may pass. Which bit stands for a mask is chosen when the match is added: the one by
/// which the fewest others stand. Of those that share it most are passed over by a few more bits of their mask, their <see cref="Witness"/>.
/// </summary>
internal sealed class MatchIndex(int bloomSize)
{
    private readonly Dictionary<BucketKey, Bucket> _numbered = [];
    private readonly Dictionary<ItemType, Dictionary<byte[], Bucket>> _named = [];

    /// <summary>Matches without rules: whatever happens may pass them.</summary>
    private readonly Bucket _everything = new();

    /// <summary>Matches that a signal with any filter from anybody may pass.</summary>
    private readonly Bucket _anySignal = new();

    /// <summary>By bit: newest masks. They count for filters of their generation and of all that follow.</summary>
    private readonly Bucket?[] _newest = new Bucket?[bloomSize * 8];

    /// <summary>By generation: how many masks there are that have a newer one beside them. They count for this generation alone.</summary>
    private readonly Dictionary<ulong, int> _older = [];

    private ulong _questions;

    /// <summary>Matches installed.</summary>
    public int Count { get; private set; }

    public void Add(Match match)
    {
        Count++;
        if (!TryChoose(match, out var rule)) return;
        if (rule == null) _everything.Add(match);
        else if (rule.Type == ItemType.BloomMask) AddMasks(match, rule);
        else if (rule.Name != null) Named(rule.Type, rule.Name).Add(match, Witness.Of(match, bloomSize));
        else if (rule is { Type: ItemType.Id, Id: Constants.MatchIdAny }) _anySignal.Add(match);
        else Numbered(new BucketKey(rule.Type, rule.Id, 0)).Add(match, Witness.Of(match, bloomSize));
    }

    public void Remove(Match match)
    {
        Count--;
        for (var entry = match.Entries; entry != null; entry = entry.NextOfMatch)
        {
            var bucket = entry.Bucket;
            bucket.Remove(entry);
            if (bucket.Key is { Type: ItemType.BloomMask } older && --CollectionsMarshal.GetValueRefOrNullRef(_older, older.Number) == 0)
            {
                _older.Remove(older.Number);
            }

            if (bucket.Count > 0) continue;
            if (bucket.Name != null) _named[bucket.Key!.Value.Type].Remove(bucket.Name);
            else if (bucket.Key is { } key) _numbered.Remove(key);
        }

        match.Entries = null;
    }

    /// <summary>Adds to <paramref name="owners"/>, once each, the connections one of whose matches lets the event through.</summary>
    public void Collect(in MatchSubject subject, List<Connection> owners)
    {
        _questions++;
        Hold(_everything, subject, owners);
        if (subject.IsSignal) CollectForSignal(subject, owners);
        else CollectForNotification(subject, owners);
    }

    private void CollectForSignal(in MatchSubject subject, List<Connection> owners)
    {
        Hold(_anySignal, subject, owners);
        Hold(new BucketKey(ItemType.Id, subject.Sender!.Id, 0), subject, owners);
        if (_named.TryGetValue(ItemType.Name, out var byName))
        {
            foreach (var name in subject.Sender.Names)
            {
                if (byName.TryGetValue(name.Name, out var bucket)) Hold(bucket, subject, owners);
            }
        }

        var hasOlder = _older.ContainsKey(subject.Generation);
        foreach (var bit in new SetBits(subject.Filter))
        {
            if (_newest[bit] is { } bucket) Hold(bucket, subject, owners);
            if (hasOlder) Hold(new BucketKey(ItemType.BloomMask, subject.Generation, bit), subject, owners);
        }
    }

    private void CollectForNotification(in MatchSubject subject, List<Connection> owners)
    {
        if (!subject.Name.IsEmpty && _named.TryGetValue(subject.Type, out var byName)
            && byName.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(subject.Name, out var bucket))
        {
            Hold(bucket, subject, owners);
        }

        Hold(new BucketKey(subject.Type, subject.NewId, 0), subject, owners);
        Hold(new BucketKey(subject.Type, Constants.MatchIdAny, 0), subject, owners);
    }

    private void Hold(BucketKey key, in MatchSubject subject, List<Connection> owners)
    {
        if (_numbered.TryGetValue(key, out var bucket)) Hold(bucket, subject, owners);
    }

    /// <summary>Most of a bucket's matches are refused by their witness, without being looked at.</summary>
    private void Hold(Bucket bucket, in MatchSubject subject, List<Connection> owners)
    {
        var filter = MemoryMarshal.Cast<byte, ulong>(subject.Filter);
        foreach (ref readonly var place in bucket.Places)
        {
            if (place.Witness.IsMissingIn(filter)) continue;
            var entry = place.Entry;
            var owner = entry.Match.Owner;
            if (owner.MatchedQuestion == _questions || entry.SinceGeneration > subject.Generation || !entry.Match.Passes(subject)) continue;
            owner.MatchedQuestion = _questions;
            owners.Add(owner);
        }
    }

    /// <summary>A mask without bits may be passed by any filter, so no bit can stand for it.</summary>
    private void AddMasks(Match match, MatchRule rule)
    {
        var newest = (rule.Masks.Length / bloomSize) - 1;
        for (var generation = 0; generation <= newest; generation++)
        {
            if (!rule.Mask(generation, bloomSize).ContainsAnyExcept((byte)0))
            {
                _anySignal.Add(match);
                return;
            }
        }

        for (var generation = 0; generation <= newest; generation++)
        {
            var isNewest = generation == newest;
            var mask = rule.Mask(generation, bloomSize);
            var bit = RarestBit(mask, isNewest, (ulong)generation);
            var witness = Witness.Of(mask, bit);
            if (isNewest)
            {
                (_newest[bit] ??= new Bucket()).Add(match, witness, (ulong)generation);
                continue;
            }

            Numbered(new BucketKey(ItemType.BloomMask, (ulong)generation, bit)).Add(match, witness);
            CollectionsMarshal.GetValueRefOrAddDefault(_older, (ulong)generation, out _)++;
        }
    }

    private int RarestBit(ReadOnlySpan<byte> mask, bool isNewest, ulong generation)
    {
        var (rarest, fewest) = (0, int.MaxValue);
        foreach (var bit in new SetBits(mask))
        {
            var bucket = isNewest ? _newest[bit] : _numbered.GetValueOrDefault(new BucketKey(ItemType.BloomMask, generation, bit));
            var count = bucket?.Count ?? 0;
            if (count < fewest) (rarest, fewest) = (bit, count);
            if (count == 0) break;
        }

        return rarest;
    }

    /// <summary>
    /// The rule that the fewest events meet, or null if there is none; false if no event can meet all of them, which is so
    /// when they are about different kinds of events.
    /// </summary>
    private static bool TryChoose(Match match, out MatchRule? chosen)
    {
        chosen = null;
        foreach (var rule in match.Rules)
        {
            if (chosen != null && KindOf(rule) != KindOf(chosen)) return false;
            if (chosen == null || Selectivity(rule) > Selectivity(chosen)) chosen = rule;
        }

        return true;
    }

    /// <summary>Rules of one kind are about the same events.</summary>
    private static ItemType KindOf(MatchRule rule) => rule.Type is ItemType.Id or ItemType.Name ? ItemType.BloomMask : rule.Type;

    private static int Selectivity(MatchRule rule) => rule switch
    {
        { Type: ItemType.Id, Id: not Constants.MatchIdAny } => 4,
        { Name: not null } => 3,
        { Type: ItemType.BloomMask } => 2,
        { Id: not Constants.MatchIdAny } => 2,
        _ => 1,
    };

    private Bucket Numbered(BucketKey key)
    {
        ref var bucket = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbered, key, out _);
        return bucket ??= new Bucket(key);
    }

    private Bucket Named(ItemType type, byte[] name)
    {
        ref var byName = ref CollectionsMarshal.GetValueRefOrAddDefault(_named, type, out _);
        byName ??= new Dictionary<byte[], Bucket>(NameBytes.Comparer);
        ref var bucket = ref CollectionsMarshal.GetValueRefOrAddDefault(byName, name, out _);
        return bucket ??= new Bucket(new BucketKey(type, 0, 0), name);
    }
}
