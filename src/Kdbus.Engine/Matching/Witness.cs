using System.Numerics;
using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Engine.Matching;

/// <summary>
/// Bits that a filter must have set to pass a match: of the 64-bit words of its mask the one that says most. A filter that lacks one of them
/// is refused without a look at the match. Without any bits it says nothing.
/// </summary>
/// <param name="Bits">The bits.</param>
/// <param name="Word">Which word of the filter they are in.</param>
internal readonly record struct Witness(ulong Bits, int Word)
{
    /// <summary>The filter does not have these bits. What is no signal has no filter, and no witness against it.</summary>
    public bool IsMissingIn(ReadOnlySpan<ulong> filter) => Bits != 0 && (Bits & ~filter[Word]) != 0;

    /// <summary>Of a mask; who asks knows already that the filter has the bit <paramref name="known"/>.</summary>
    public static Witness Of(ReadOnlySpan<byte> mask, int known = -1)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(mask);
        var best = default(Witness);
        for (var i = 0; i < words.Length; i++)
        {
            var bits = known / 64 == i && known >= 0 ? words[i] & ~(1UL << known) : words[i];
            if (BitOperations.PopCount(bits) > BitOperations.PopCount(best.Bits)) best = new Witness(bits, i);
        }

        return best;
    }

    /// <summary>Of any mask of a match that counts for filters of all generations.</summary>
    public static Witness Of(Match match, int bloomSize)
    {
        foreach (var rule in match.Rules)
        {
            if (rule.Type == ItemType.BloomMask && rule.Masks.Length == bloomSize) return Of(rule.Masks);
        }

        return default;
    }
}
