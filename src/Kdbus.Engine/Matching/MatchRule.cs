using System.Numerics;
using System.Runtime.CompilerServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Matching;

/// <summary>One condition of a match, as an item of MATCH_ADD states it.</summary>
internal sealed class MatchRule
{
    private MatchRule(ItemType type) => Type = type;

    /// <summary>What the rule is about.</summary>
    public ItemType Type { get; }

    /// <summary>Sender or subject of the event, or <see cref="Constants.MatchIdAny"/>; for names the owner after.</summary>
    public ulong Id { get; private init; } = Constants.MatchIdAny;

    /// <summary>For names: the owner before, or <see cref="Constants.MatchIdAny"/>.</summary>
    public ulong OldId { get; private init; } = Constants.MatchIdAny;

    /// <summary>The name, or null for any.</summary>
    public byte[]? Name { get; private init; }

    /// <summary>Bloom masks, one after the other, the first for generation 0.</summary>
    public byte[] Masks { get; private init; } = [];

    /// <summary>Reads an item of MATCH_ADD: EDOM for a mask of another size than the bus's, EINVAL for a bad name.</summary>
    public static Errno Read(in Item item, DomainLimits limits, int bloomSize, out MatchRule rule)
    {
        rule = null!;
        var payload = item.Payload;
        switch (item.Type)
        {
            case ItemType.BloomMask:
                if (payload.Length < bloomSize || payload.Length % bloomSize != 0) return Errno.EDOM;
                rule = new MatchRule(item.Type) { Masks = payload.ToArray() };
                return Errno.OK;
            case ItemType.Name:
                if (!WellKnownName.IsValid(item.String, maxLength: limits.NameLength)) return Errno.EINVAL;
                rule = new MatchRule(item.Type) { Name = item.String.ToArray() };
                return Errno.OK;
            case ItemType.Id:
                rule = new MatchRule(item.Type) { Id = item.As<ulong>() };
                return Errno.OK;
            case ItemType.IdAdd or ItemType.IdRemove:
                rule = new MatchRule(item.Type) { Id = item.As<KdbusNotifyIdChange>().Id };
                return Errno.OK;
            default:
                var change = item.As<KdbusNotifyNameChange>();
                var fixedSize = Unsafe.SizeOf<KdbusNotifyNameChange>();
                rule = new MatchRule(item.Type)
                {
                    OldId = change.OldId.Id,
                    Id = change.NewId.Id,
                    Name = payload.Length > fixedSize ? payload[fixedSize..^1].ToArray() : null,
                };
                return Errno.OK;
        }
    }

    /// <summary>Whether the rule holds.</summary>
    public bool Holds(in MatchSubject subject)
    {
        if (subject.IsSignal)
        {
            return Type switch
            {
                ItemType.BloomMask => IsWithin(MaskFor(subject.Generation, subject.Filter.Length), subject.Filter),
                ItemType.Id => Id == Constants.MatchIdAny || Id == subject.Sender!.Id,
                ItemType.Name => subject.Sender!.Owns(Name),
                _ => false,
            };
        }

        return Type == subject.Type
            && (Id == Constants.MatchIdAny || Id == subject.NewId)
            && (OldId == Constants.MatchIdAny || OldId == subject.OldId)
            && (Name == null || subject.Name.SequenceEqual(Name));
    }

    /// <summary>The mask that a filter of this generation is held against: the last one if there is none so new.</summary>
    public ReadOnlySpan<byte> MaskFor(ulong generation, int bloomSize) => Mask((int)Math.Min(generation, (ulong)(Masks.Length / bloomSize) - 1), bloomSize);

    /// <summary>A mask by its number.</summary>
    public ReadOnlySpan<byte> Mask(int number, int bloomSize) => Masks.AsSpan(number * bloomSize, bloomSize);

    private static bool IsWithin(ReadOnlySpan<byte> mask, ReadOnlySpan<byte> filter)
    {
        var wide = Vector<byte>.Count;
        while (mask.Length >= wide)
        {
            var bits = new Vector<byte>(mask);
            if ((new Vector<byte>(filter) & bits) != bits) return false;
            mask = mask[wide..];
            filter = filter[wide..];
        }

        for (var i = 0; i < mask.Length; i++)
        {
            if ((filter[i] & mask[i]) != mask[i]) return false;
        }

        return true;
    }
}
