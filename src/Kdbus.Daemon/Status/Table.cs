using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Kdbus.Daemon.Status;

/// <summary>A column: a title for the text, a key for the JSON, and what it shows of a row.</summary>
internal abstract class Column<TRow>(string title, string key)
{
    /// <summary>Head of the column.</summary>
    public string Title { get; } = title;

    /// <summary>Name of the member in each row's object.</summary>
    public string Key { get; } = key;

    /// <summary>Numbers are.</summary>
    public abstract bool AlignRight { get; }

    /// <summary>Writes and ends one cell.</summary>
    public abstract void Write(TextCells cells, TRow row, Rendering rendering);

    /// <summary>Writes one member of a row's object.</summary>
    public abstract void Write(Utf8JsonWriter json, TRow row, Rendering rendering);
}

/// <summary>
/// What a status file shows, said once: text and JSON come from the same columns. Columns whose content can be long stand
/// behind the others.
/// </summary>
internal sealed class Table<TRow>
{
    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<Column<TRow>> _columns = [];

    /// <summary>The next column.</summary>
    public Table<TRow> Column<T>(string title, string key, Format<T> format, Func<TRow, Rendering, T> value)
    {
        _columns.Add(new FormattedColumn<T>(title, key, format, value));
        return this;
    }

    /// <summary>The next column, of rows that speak for themselves.</summary>
    public Table<TRow> Column<T>(string title, string key, Format<T> format, Func<TRow, T> value) =>
        Column(title, key, format, (row, _) => value(row));

    /// <summary>A header line and a line for each row.</summary>
    public byte[] ToText(IReadOnlyList<TRow> rows, Rendering rendering)
    {
        var cells = new TextCells([.. _columns.Select(column => column.AlignRight)]);
        foreach (var column in _columns)
        {
            cells.Add(column.Title);
            cells.End();
        }

        for (var i = 0; i < rows.Count; i++)
        {
            foreach (var column in _columns) column.Write(cells, rows[i], rendering);
        }

        return cells.ToLines();
    }

    /// <summary>An object with the bus, null for the domain, and an array of the rows as objects; then a line feed.</summary>
    public byte[] ToJson(string? bus, IReadOnlyList<TRow> rows, Rendering rendering)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("bus"u8, bus);
            json.WriteStartArray("rows"u8);
            for (var i = 0; i < rows.Count; i++)
            {
                json.WriteStartObject();
                foreach (var column in _columns) column.Write(json, rows[i], rendering);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private sealed class FormattedColumn<T>(string title, string key, Format<T> format, Func<TRow, Rendering, T> value)
        : Column<TRow>(title, key)
    {
        private readonly JsonEncodedText _encodedKey = JsonEncodedText.Encode(key);

        public override bool AlignRight => format.AlignRight;

        public override void Write(TextCells cells, TRow row, Rendering rendering)
        {
            format.Text(cells, value(row, rendering));
            cells.End();
        }

        public override void Write(Utf8JsonWriter json, TRow row, Rendering rendering)
        {
            json.WritePropertyName(_encodedKey);
            format.Json(json, value(row, rendering));
        }
    }
}
