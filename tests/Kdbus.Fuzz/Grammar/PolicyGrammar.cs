namespace Kdbus.Fuzz.Grammar;

/// <summary>Policy as items: names, and behind each who gets what of it.</summary>
internal static class PolicyGrammar
{
    /// <summary>Adds up to <paramref name="names"/> names with their accesses; seldom an access comes first.</summary>
    public static void Add(Dice dice, List<byte[]> items, int names)
    {
        if (dice.OneIn(20)) items.Add(Access(dice));
        for (var count = dice.Below(names + 1); count > 0; count--)
        {
            items.Add(Frame.Item(ItemType.Name, BusWords.PolicyName(dice)));
            AddAccesses(dice, items);
        }
    }

    /// <summary>Adds who gets something of the name that came before.</summary>
    public static void AddAccesses(Dice dice, List<byte[]> items)
    {
        for (var count = dice.Below(4); count > 0; count--) items.Add(Access(dice));
    }

    private static byte[] Access(Dice dice)
    {
        var any = dice.OneIn(30);
        return Frame.Item(ItemType.PolicyAccess, new KdbusPolicyAccess
        {
            Type = any ? dice.Wild() : 1 + (ulong)dice.Below(3),
            Access = any ? dice.Wild() : (ulong)dice.Below(3),
            Id = any ? dice.Wild() : dice.Of(0UL, 5UL, 1000UL, 1001UL, (1UL << 32) | 1001),
        });
    }
}
