using System.Text;

namespace Kdbus.Cli;

/// <summary>Tables and facts as plain text, for pipes: at least two blanks between columns, nothing cut, nothing left out.</summary>
internal static class PlainTable
{
    private const int Gap = 2;

    /// <summary>A header line and a line for each row.</summary>
    public static string Of<TRow>(Sheet<TRow> sheet, IReadOnlyList<TRow> rows)
    {
        string[][] lines = [[.. sheet.Columns.Select(static column => column.Title)], .. rows.Select(row => sheet.Columns.Select(column => column.Value(row).Text).ToArray())];
        int[] widths = [.. sheet.Columns.Select((_, i) => lines.Max(line => line[i].Length))];
        StringBuilder text = new();
        foreach (string[] line in lines)
        {
            for (int i = 0; i < line.Length; i++)
            {
                bool isLast = i == line.Length - 1;
                string cell = sheet.Columns[i].IsNumber ? line[i].PadLeft(widths[i]) : isLast ? line[i] : line[i].PadRight(widths[i]);
                _ = text.Append(cell).Append(' ', isLast ? 0 : Gap);
            }
            _ = text.Append('\n');
        }
        return text.ToString();
    }

    /// <summary>A line for each fact that has a value.</summary>
    public static string Of(Facts facts)
    {
        StringBuilder text = new();
        int width = facts.Shown.SelectMany(static group => group.Facts).Select(static fact => fact.Label.Length).DefaultIfEmpty().Max();
        foreach (FactGroup group in facts.Shown)
        {
            if (group.Heading is not null)
                _ = text.Append(group.Heading).Append('\n');
            foreach ((string label, _, Cell value) in group.Facts)
                _ = text.Append(group.Heading is null ? "" : "  ").Append($"{label}:".PadRight(width + 1 + Gap)).Append(value.Text).Append('\n');
        }
        return text.ToString();
    }
}
