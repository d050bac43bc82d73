namespace Kdbus.Spelling;

/// <summary>Finds what somebody meant who mistyped a word: the known word that takes the fewest insertions, deletions, replacements and
/// swaps of neighbours.</summary>
internal static class EditDistance
{
    /// <summary>The closest of some words, or null if even that one takes more edits than a third of the word's length (at least
    /// one).</summary>
    public static string? Closest(string word, IEnumerable<string> candidates)
    {
        string? best = null;
        int fewest = Math.Max(1, word.Length / 3) + 1;
        foreach (string candidate in candidates)
        {
            int edits = Between(word, candidate);
            if (edits < fewest)
                (best, fewest) = (candidate, edits);
        }
        return best;
    }

    internal static int Between(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        // Three rows of the usual table: the swap looks two rows back.
        Span<int> before = stackalloc int[second.Length + 1];
        Span<int> above = stackalloc int[second.Length + 1];
        Span<int> row = stackalloc int[second.Length + 1];
        for (int column = 0; column <= second.Length; column++)
            row[column] = column;
        for (int i = 1; i <= first.Length; i++)
        {
            Span<int> next = before;
            before = above;
            above = row;
            row = next;
            row[0] = i;
            for (int j = 1; j <= second.Length; j++)
            {
                int replaced = above[j - 1] + (first[i - 1] == second[j - 1] ? 0 : 1);
                row[j] = Math.Min(replaced, Math.Min(above[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && first[i - 1] == second[j - 2] && first[i - 2] == second[j - 1])
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
            }
        }
        return row[second.Length];
    }
}
