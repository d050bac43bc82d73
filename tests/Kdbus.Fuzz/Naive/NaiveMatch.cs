using System.Buffers.Binary;
using System.Text;

namespace Kdbus.Fuzz.Naive;

/// <summary>
/// A match as it stands in a MATCH_ADD, read a second time without the engine: conditions over whole events, held against
/// every one of them.
/// </summary>
internal sealed class NaiveMatch
{
    private readonly List<(ItemType Type, byte[] Payload)> _rules;

    private NaiveMatch(ulong cookie, bool replaces, List<(ItemType Type, byte[] Payload)> rules)
    {
        Cookie = cookie;
        Replaces = replaces;
        _rules = rules;
    }

    public ulong Cookie { get; }

    /// <summary>It takes the place of all matches of its cookie.</summary>
    public bool Replaces { get; }

    /// <summary>Reads a MATCH_ADD: the error it must get, if not for the number of matches, and the match if it adds one.</summary>
    public static Errno Read(byte[] frame, int bloomSize, out NaiveMatch? match)
    {
        match = null;
        var flags = BinaryPrimitives.ReadUInt64LittleEndian(frame.AsSpan(8));
        if ((flags & ~(1 | Constants.FlagNegotiate)) != 0) return Errno.EINVAL;
        if (!TrySplit(frame.AsSpan(32), out var items) || !items.TrueForAll(IsWellFormed)) return Errno.EINVAL;
        if (items.Count(item => item.Type == ItemType.Negotiate) > 1) return Errno.EINVAL;
        if ((flags & Constants.FlagNegotiate) != 0) return Errno.OK;

        var rules = items.Where(item => item.Type != ItemType.Negotiate).ToList();
        foreach (var (type, payload) in rules)
        {
            if (type == ItemType.BloomMask && (payload.Length == 0 || payload.Length % bloomSize != 0)) return Errno.EDOM;
            if (type == ItemType.Name && !NaiveName.IsWellKnown(TextOf(payload))) return Errno.EINVAL;
        }

        match = new NaiveMatch(BinaryPrimitives.ReadUInt64LittleEndian(frame.AsSpan(24)), (flags & 1) != 0, rules);
        return Errno.OK;
    }

    /// <summary>Whether a signal passes: by its sender's id and the names that he has, and its filter.</summary>
    public bool PassesSignal(ulong sender, Func<string, bool> owns, ReadOnlySpan<byte> filter, ulong generation)
    {
        foreach (var (type, payload) in _rules)
        {
            switch (type)
            {
                case ItemType.Id when WordAt(payload, 0) is Constants.MatchIdAny || WordAt(payload, 0) == sender:
                case ItemType.Name when owns(TextOf(payload)):
                case ItemType.BloomMask when IsCovered(payload, filter, generation):
                    continue;
                default:
                    return false;
            }
        }

        return true;
    }

    /// <summary>Whether a notification passes; about an id, that is the new one.</summary>
    public bool PassesNotification(ItemType about, ulong oldId, ulong newId, string? name) => _rules.TrueForAll(rule =>
        rule.Type == about && (name == null
            ? Fits(WordAt(rule.Payload, 0), newId)
            : Fits(WordAt(rule.Payload, 0), oldId) && Fits(WordAt(rule.Payload, 16), newId)
                && (rule.Payload.Length == 32 || TextOf(rule.Payload[32..]) == name)));

    private static bool Fits(ulong asked, ulong id) => asked == Constants.MatchIdAny || asked == id;

    private static bool IsCovered(byte[] masks, ReadOnlySpan<byte> filter, ulong generation)
    {
        var count = masks.Length / filter.Length;
        var first = filter.Length * (generation >= (ulong)count ? count - 1 : (int)generation);
        for (var bit = 0; bit < 8 * filter.Length; bit++)
        {
            if ((masks[first + (bit / 8)] >> (bit % 8) & 1) > (filter[bit / 8] >> (bit % 8) & 1)) return false;
        }

        return true;
    }

    private static bool IsWellFormed((ItemType Type, byte[] Payload) item) => item.Type switch
    {
        ItemType.Negotiate => item.Payload.Length % 8 == 0,
        ItemType.BloomMask => true,
        ItemType.Name => IsText(item.Payload),
        ItemType.Id => item.Payload.Length == 8,
        ItemType.IdAdd or ItemType.IdRemove => item.Payload.Length == 16,
        ItemType.NameAdd or ItemType.NameRemove or ItemType.NameChange =>
            item.Payload.Length == 32 || (item.Payload.Length > 32 && IsText(item.Payload[32..])),
        _ => false,
    };

    private static bool TrySplit(ReadOnlySpan<byte> chain, out List<(ItemType Type, byte[] Payload)> items)
    {
        items = [];
        while (chain.Length > 0)
        {
            if (chain.Length < 16) return false;
            var size = BinaryPrimitives.ReadUInt64LittleEndian(chain);
            if (size < 16 || size > (ulong)chain.Length) return false;
            items.Add(((ItemType)BinaryPrimitives.ReadUInt64LittleEndian(chain[8..]), chain[16..(int)size].ToArray()));
            chain = chain[Math.Min(chain.Length, ((int)size + 7) / 8 * 8)..];
        }

        return true;
    }

    private static bool IsText(byte[] payload) => payload.Length > 0 && payload[^1] == 0 && payload.Count(each => each == 0) == 1;

    private static string TextOf(byte[] payload) => Encoding.Latin1.GetString(payload).TrimEnd('\0');

    private static ulong WordAt(byte[] payload, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(offset));
}
