using Kdbus.Engine;

namespace Kdbus.Fuzz.Grammar;

/// <summary>Ids of users and groups, and what a user namespace calls them.</summary>
internal static class IdGrammar
{
    /// <summary>Few, and those at the ends of what there is.</summary>
    public static uint Id(Dice dice) => dice.OneIn(6) ? dice.Of(uint.MaxValue - 1, uint.MaxValue, 1u << 31) : (uint)dice.Below(6);

    /// <summary>Ranges that do not overlap inside; each may be empty, and may end where ids end.</summary>
    public static IdRange[] Ranges(Dice dice)
    {
        List<IdRange> ranges = [];
        for (uint inside = 0, count = (uint)dice.Below(4); count > 0; count--)
        {
            var length = (uint)dice.Below(4);
            inside += (uint)dice.Below(2);
            ranges.Add(new IdRange(inside, (uint)dice.Below(6), length));
            inside += length;
        }

        if (dice.OneIn(4)) ranges.Add(new IdRange(uint.MaxValue - 3, 2, 3));
        if (dice.OneIn(8)) ranges = [new IdRange(0, 0, uint.MaxValue)];
        return [.. ranges];
    }
}
