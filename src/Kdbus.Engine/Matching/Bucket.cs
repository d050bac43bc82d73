using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Matching;

/// <summary>What the matches of a bucket have in common: a type of rule, an id or a generation, a bit.</summary>
internal readonly record struct BucketKey(ItemType Type, ulong Number, int Bit);

/// <summary>Matches of which one condition is the same.</summary>
internal sealed class Bucket(BucketKey? key = null, byte[]? name = null)
{
    private readonly List<BucketPlace> _places = [];

    public BucketKey? Key { get; } = key;

    public byte[]? Name { get; } = name;

    public int Count => _places.Count;

    public ReadOnlySpan<BucketPlace> Places => CollectionsMarshal.AsSpan(_places);

    public void Add(Match match, Witness witness = default, ulong sinceGeneration = 0)
    {
        var entry = new IndexEntry(match, this, sinceGeneration, match.Entries) { Position = _places.Count };
        _places.Add(new BucketPlace(witness, entry));
        match.Entries = entry;
    }

    public void Remove(IndexEntry entry)
    {
        var last = _places[^1];
        _places[entry.Position] = last;
        last.Entry.Position = entry.Position;
        _places.RemoveAt(_places.Count - 1);
    }
}

/// <summary>One place of a bucket. They lie one behind the other, so that passing over one costs no look into memory far away.</summary>
internal readonly record struct BucketPlace(Witness Witness, IndexEntry Entry);

/// <summary>A match in a bucket.</summary>
internal sealed class IndexEntry(Match match, Bucket bucket, ulong sinceGeneration, IndexEntry? nextOfMatch)
{
    public Match Match { get; } = match;

    public Bucket Bucket { get; } = bucket;

    /// <summary>Filters of earlier generations are held against another mask of the match, which has an entry of its own.</summary>
    public ulong SinceGeneration { get; } = sinceGeneration;

    /// <summary>The next entry of the same match.</summary>
    public IndexEntry? NextOfMatch { get; } = nextOfMatch;

    public int Position { get; set; }
}
