using System.Text;

namespace Kdbus.Fuzz.Grammar;

/// <summary>
/// What the programs of a bus say to each other about: a few names that all of them want, and filters of a few bits, so that
/// they meet.
/// </summary>
internal static class BusWords
{
    /// <summary>Bytes of a bloom filter on most buses.</summary>
    public const int BloomSize = 64;

    private static readonly string[] Popular = ["a.b", "a.c", "org.example.name"];
    private static readonly string[] Odd = ["nodots", "a..b", "", "a.*", ".a.b", "a.1b", "a.b.", "a.b\u00e9"];

    /// <summary>A name that others want too, seldom one that is none.</summary>
    public static string Name(Dice dice) => dice.OneIn(25) ? dice.OneIn(4) ? Long(dice) : dice.Of(Odd) : dice.Of(Popular);

    /// <summary>A name or a wildcard that a policy may be about.</summary>
    public static string PolicyName(Dice dice) => dice.OneIn(5) ? dice.Of("a.*", "org.example.*", "*", "*.*") : Name(dice);

    /// <summary>A filter for a signal: of the right size, most of the time.</summary>
    public static byte[] Filter(Dice dice)
    {
        var filter = new byte[dice.OneIn(20) ? dice.Below(2 * BloomSize) : BloomSize];
        if (dice.OneIn(3)) Array.Fill(filter, (byte)0xff);
        for (var bits = dice.Below(12); bits > 0; bits--) Flip(dice, filter);
        return filter;
    }

    /// <summary>A mask for a match, or several behind each other for filters of different generations.</summary>
    public static byte[] Masks(Dice dice)
    {
        var masks = new byte[dice.OneIn(12) ? dice.Below(3 * BloomSize) : BloomSize * (dice.OneIn(3) ? 1 + dice.Below(4) : 1)];
        for (var bits = dice.Below(4); bits > 0; bits--) Flip(dice, masks);
        return masks;
    }

    /// <summary>The number of a set of rules by which filters are made.</summary>
    public static ulong Generation(Dice dice) => dice.OneIn(20) ? dice.Wild() : (ulong)dice.Below(5);

    private static string Long(Dice dice) => new StringBuilder("a.").Append('b', 252 + dice.Below(3)).ToString();

    /// <summary>Of the first bytes, most of the time: there the masks are.</summary>
    private static void Flip(Dice dice, byte[] bits)
    {
        if (bits.Length > 0) bits[dice.OneIn(3) ? dice.Below(bits.Length) : dice.Below(Math.Min(2, bits.Length))] ^= (byte)(1 << dice.Below(8));
    }
}
