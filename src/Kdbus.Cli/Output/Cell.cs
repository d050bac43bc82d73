using System.Globalization;
using System.Text.Json.Nodes;
using Kdbus.Abi;

namespace Kdbus.Cli;

/// <summary>One value to show: as text, and what it is in JSON.</summary>
/// <param name="Text">For people; <c>-</c> if there is nothing.</param>
/// <param name="Json">For programs; null if there is nothing.</param>
/// <param name="Style">How it looks on a terminal with colours, in the words of Spectre.Console; null: plain.</param>
internal readonly record struct Cell(string Text, JsonNode? Json, string? Style = null)
{
    /// <summary>What stands for nothing.</summary>
    public const string Nothing = "-";

    /// <summary>No value.</summary>
    public static Cell None => new(Nothing, null);

    /// <summary>Text that may come from anybody.</summary>
    public static Cell Of(string? text, string? style = null) => string.IsNullOrEmpty(text) ? None : new Cell(Escaped.Text(text), JsonValue.Create(text), style);

    /// <summary>A number.</summary>
    public static Cell Of(long? number, string? style = null) => number is { } value ? new Cell(value.ToString(CultureInfo.InvariantCulture), JsonValue.Create(value), style) : None;

    /// <summary>A number, such as an id.</summary>
    public static Cell Of(ulong? number, string? style = null) => number is { } value ? new Cell(value.ToString(CultureInfo.InvariantCulture), JsonValue.Create(value), style) : None;

    /// <summary>Yes or nothing.</summary>
    public static Cell Of(bool flag) => new(flag ? "yes" : Nothing, JsonValue.Create(flag));

    /// <summary>Some texts; in JSON an array.</summary>
    public static Cell Of(IEnumerable<string> texts, string? style = null)
    {
        string[] all = [.. texts];
        return new Cell(all.Length == 0 ? Nothing : string.Join(", ", all.Select(static text => Escaped.Text(text))), new JsonArray([.. all.Select(static text => (JsonNode?)JsonValue.Create(text))]), style);
    }

    /// <summary>A number of bytes: to read in the text, exact in JSON.</summary>
    public static Cell Bytes(long? bytes, string? style = null) => bytes is { } value ? new Cell(Sizes.Text(value), JsonValue.Create(value), style) : None;

    /// <summary>A time span: to read in the text, nanoseconds in JSON.</summary>
    public static Cell Duration(TimeSpan? time, string? style = null) =>
        time is { } value ? new Cell(Durations.Text(value), JsonValue.Create((long)value.TotalNanoseconds), style) : None;

    /// <summary>Kinds of metadata, by name.</summary>
    public static Cell Of(AttachFlags mask) => MetadataKinds.All == mask ? new Cell("all", Of(MetadataKinds.Names(mask)).Json) : Of(MetadataKinds.Names(mask));
}
