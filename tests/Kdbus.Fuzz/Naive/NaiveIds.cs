using Kdbus.Engine;

namespace Kdbus.Fuzz.Naive;

/// <summary>Names of ids, one range looked at after the other, in numbers that do not wrap.</summary>
internal static class NaiveIds
{
    /// <summary>The domain's number in the place of a name; without ranges they are the same.</summary>
    public static bool TryMapOut(ReadOnlyMemory<IdRange>? ranges, ref uint id) => TryMap(ranges, range => (range.Inside, range.Outside), ref id);

    /// <summary>A name in the place of the domain's number.</summary>
    public static bool TryMapIn(ReadOnlyMemory<IdRange>? ranges, ref uint id) => TryMap(ranges, range => (range.Outside, range.Inside), ref id);

    private static bool TryMap(ReadOnlyMemory<IdRange>? ranges, Func<IdRange, (uint From, uint To)> ends, ref uint id)
    {
        if (ranges is not { } known) return true;
        foreach (var range in known.ToArray())
        {
            var (from, to) = ends(range);
            var offset = (long)id - from;
            if (offset < 0 || offset >= range.Count) continue;
            id = (uint)(to + offset);
            return true;
        }

        return false;
    }
}
