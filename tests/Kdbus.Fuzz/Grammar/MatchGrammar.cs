using System.Text;

namespace Kdbus.Fuzz.Grammar;

/// <summary>The rules of a MATCH_ADD: of every kind, mostly of those that can hold together.</summary>
internal static class MatchGrammar
{
    private static readonly ItemType[] Kinds =
    [
        ItemType.BloomMask, ItemType.BloomMask, ItemType.BloomMask, ItemType.Id, ItemType.Name,
        ItemType.NameAdd, ItemType.NameRemove, ItemType.NameChange, ItemType.IdAdd, ItemType.IdRemove,
    ];

    /// <summary>Adds the rules of one match, which may be none.</summary>
    public static void Add(Dice dice, List<ulong> peers, List<byte[]> items)
    {
        var kind = dice.Of(Kinds);
        for (var count = dice.OneIn(12) ? 0 : dice.OneIn(3) ? 1 + dice.Below(4) : 1; count > 0; count--)
        {
            items.Add(dice.OneIn(40) ? Frame.Item(kind, dice.Bytes(dice.Below(90))) : Rule(dice, kind, peers));
            // Rules about what is sent go together, the others only with their own kind.
            if (kind is ItemType.BloomMask or ItemType.Id or ItemType.Name) kind = dice.Of(ItemType.BloomMask, ItemType.Id, ItemType.Name);
            if (dice.OneIn(15)) kind = dice.Of(Kinds);
        }
    }

    private static byte[] Rule(Dice dice, ItemType kind, List<ulong> peers) => kind switch
    {
        ItemType.BloomMask => Frame.Item(kind, BusWords.Masks(dice)),
        ItemType.Id => Frame.Item(kind, Id(dice, peers)),
        ItemType.Name => Frame.Item(kind, BusWords.Name(dice)),
        ItemType.IdAdd or ItemType.IdRemove => Frame.Item(kind, new KdbusNotifyIdChange { Id = Id(dice, peers), Flags = dice.OneIn(5) ? dice.Wild() : 0 }),
        _ => NameRule(dice, kind, peers),
    };

    private static byte[] NameRule(Dice dice, ItemType kind, List<ulong> peers)
    {
        var change = new KdbusNotifyNameChange
        {
            OldId = new KdbusNotifyIdChange { Id = Id(dice, peers) }, NewId = new KdbusNotifyIdChange { Id = Id(dice, peers) },
        };
        var item = Frame.Item(kind, change);
        if (dice.OneIn(3)) return item;
        byte[] payload = [.. item.AsSpan(Item.HeaderSize), .. Encoding.Latin1.GetBytes(BusWords.Name(dice)), 0];
        return Frame.Item(kind, payload);
    }

    private static ulong Id(Dice dice, List<ulong> peers) =>
        dice.OneIn(2) ? Constants.MatchIdAny : dice.OneIn(15) ? dice.Wild() : dice.OneIn(5) || peers.Count == 0 ? 0 : dice.Of(peers);
}
