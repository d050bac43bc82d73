using Spectre.Console;
using Spectre.Console.Rendering;

namespace Kdbus.Cli;

/// <summary>Tables and facts for a terminal.</summary>
internal static class Screen
{
    private const int Gap = 2;

    /// <summary>A table without lines. If it is too wide, columns that matter less are left out, those of the highest rank first, and the last one wraps.</summary>
    public static Table Table<TRow>(Sheet<TRow> sheet, IReadOnlyList<TRow> rows, IAnsiConsole console)
    {
        List<SheetColumn<TRow>> columns = [.. sheet.Columns];
        Dictionary<SheetColumn<TRow>, int> widths = columns.ToDictionary(
            static column => column, column => rows.Select(row => column.Value(row).Text).Append(column.Title).Max(text => Width(text, console)));
        while (columns.Sum(column => widths[column] + Gap) - Gap > console.Profile.Width && columns.Max(static column => column.Rank) is > 0 and var rank)
            columns.RemoveAt(columns.FindLastIndex(column => column.Rank == rank));

        Table table = new Table().NoBorder();
        foreach (SheetColumn<TRow> column in columns)
        {
            bool isLast = column == columns[^1];
            TableColumn shown = new TableColumn(new Text(column.Title, new Style(decoration: Decoration.Bold))).PadLeft(0).PadRight(isLast ? 0 : Gap);
            shown.NoWrap = !isLast;
            _ = table.AddColumn(column.IsNumber ? shown.RightAligned() : shown);
        }
        foreach (TRow row in rows)
            _ = table.AddRow(columns.Select(column => Text(column.Value(row))));
        return table;
    }

    /// <summary>Labels and values, under headings.</summary>
    public static IRenderable Facts(Facts facts)
    {
        List<IRenderable> parts = [];
        int width = facts.Shown.SelectMany(static group => group.Facts).Select(static fact => fact.Label.Length).DefaultIfEmpty().Max() + 1 + Gap;
        foreach (FactGroup group in facts.Shown)
        {
            if (group.Heading is not null)
                parts.Add(new Text(group.Heading, new Style(decoration: Decoration.Bold)));
            Grid grid = new Grid()
                .AddColumn(new GridColumn { NoWrap = true, Width = width, Padding = new Padding(group.Heading is null ? 0 : Gap, 0, 0, 0) })
                .AddColumn(new GridColumn { Padding = new Padding(0) });
            foreach ((string label, _, Cell value) in group.Facts)
                _ = grid.AddRow(new Text($"{label}:", new Style(decoration: Decoration.Dim)), Text(value));
            parts.Add(grid);
        }
        return new Rows(parts);
    }

    /// <summary>A value in its colours.</summary>
    public static Text Text(Cell cell) => new(cell.Text, cell.Style is null ? Style.Plain : Style.Parse(cell.Style));

    /// <summary>Columns that a text takes.</summary>
    public static int Width(string text, IAnsiConsole console) =>
        ((IRenderable)new Text(text)).Measure(RenderOptions.Create(console, console.Profile.Capabilities), int.MaxValue).Max;
}
