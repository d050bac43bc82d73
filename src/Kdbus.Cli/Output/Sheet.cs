using System.Text.Json.Nodes;

namespace Kdbus.Cli;

/// <summary>A table: text and JSON come from the same columns. Shown with <see cref="Output.Write{TRow}(Sheet{TRow}, IReadOnlyList{TRow})"/>.</summary>
internal sealed class Sheet<TRow>
{
    private readonly List<SheetColumn<TRow>> _columns = [];

    /// <summary>The columns, from left to right.</summary>
    public IReadOnlyList<SheetColumn<TRow>> Columns => _columns;

    /// <summary>The next column.</summary>
    /// <param name="title">Its head.</param>
    /// <param name="key">Name of the member in each row's JSON object.</param>
    /// <param name="value">What it shows.</param>
    /// <param name="rank">When a terminal is too narrow, columns of a higher rank go first; 0 stays always.</param>
    /// <param name="isNumber">Whether it is aligned to the right.</param>
    public Sheet<TRow> Column(string title, string key, Func<TRow, Cell> value, int rank = 0, bool isNumber = false)
    {
        _columns.Add(new SheetColumn<TRow>(title, key, value, rank, isNumber));
        return this;
    }

    /// <summary>A row as an object.</summary>
    public JsonObject ToJson(TRow row)
    {
        JsonObject json = [];
        foreach (SheetColumn<TRow> column in _columns)
            json[column.Key] = column.Value(row).Json?.DeepClone();
        return json;
    }
}

/// <summary>A column of a <see cref="Sheet{TRow}"/>.</summary>
internal sealed record SheetColumn<TRow>(string Title, string Key, Func<TRow, Cell> Value, int Rank, bool IsNumber);
