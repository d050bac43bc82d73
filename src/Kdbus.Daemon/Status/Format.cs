using System.Text.Json;

namespace Kdbus.Daemon.Status;

/// <summary>How values of a kind are shown, as text and as JSON.</summary>
/// <param name="AlignRight">Numbers are.</param>
/// <param name="Text">Appends to a cell; nothing, for nothing.</param>
/// <param name="Json">Writes one value.</param>
internal sealed record Format<T>(bool AlignRight, Action<TextCells, T> Text, Action<Utf8JsonWriter, T> Json);

/// <summary>The formats that more than one table uses.</summary>
internal static class Format
{
    /// <summary>A count, a size in bytes, an id.</summary>
    public static Format<ulong?> Number { get; } = new(
        AlignRight: true,
        static (cells, value) =>
        {
            if (value is { } number) cells.Add(number);
        },
        static (json, value) =>
        {
            if (value is { } number) json.WriteNumberValue(number);
            else json.WriteNullValue();
        });

    /// <summary>A number that may be negative.</summary>
    public static Format<long> Signed { get; } = new(
        AlignRight: true,
        static (cells, value) => cells.Add(value),
        static (json, value) => json.WriteNumberValue(value));

    /// <summary>A name, or a word of ours.</summary>
    public static Format<string?> Word { get; } = new(
        AlignRight: false,
        static (cells, value) => cells.AddAny(value ?? ""),
        static (json, value) => json.WriteStringValue(value));

    /// <summary>A text of ours with spaces in it; in the last column only.</summary>
    public static Format<string> Prose { get; } = new(
        AlignRight: false,
        static (cells, value) => cells.Add(value),
        static (json, value) => json.WriteStringValue(value));

    /// <summary>Several names.</summary>
    public static Format<IReadOnlyList<string>> Words { get; } = List<string>(
        static (cells, value) => cells.AddAny(value),
        static (json, value) => json.WriteStringValue(value));

    /// <summary>True or false.</summary>
    public static Format<bool> YesNo { get; } = new(
        AlignRight: false,
        static (cells, value) => cells.Add(value ? "yes" : ""),
        static (json, value) => json.WriteBooleanValue(value));

    /// <summary>Bits that have names.</summary>
    public static Format<ulong> Flags(FlagNames names) => new(
        AlignRight: false,
        (cells, value) => names.AddTo(cells, value),
        (json, value) => names.Write(json, value));

    /// <summary>
    /// Several values, separated by commas and shown as an array. Each <paramref name="json"/> writes one value.
    /// </summary>
    public static Format<IReadOnlyList<T>> List<T>(Action<TextCells, T> text, Action<Utf8JsonWriter, T> json) => new(
        AlignRight: false,
        (cells, values) =>
        {
            for (var i = 0; i < values.Count; i++)
            {
                cells.Separate(i == 0);
                text(cells, values[i]);
            }
        },
        (writer, values) =>
        {
            writer.WriteStartArray();
            foreach (var value in values) json(writer, value);
            writer.WriteEndArray();
        });

    /// <summary>
    /// A time of CLOCK_MONOTONIC that is to come. Text shows the seconds left, negative if it is past; JSON has the time
    /// itself and what is left, in nanoseconds.
    /// </summary>
    public static Format<Moment> Remaining { get; } = new(
        AlignRight: true,
        static (cells, moment) => AddSeconds(cells, moment, moment.Distance),
        static (json, moment) => Write(json, moment, "remaining", moment.Distance));

    /// <summary>
    /// A time of CLOCK_MONOTONIC that is past. Text shows the seconds since; JSON has the time itself and the time since, in
    /// nanoseconds.
    /// </summary>
    public static Format<Moment> Age { get; } = new(
        AlignRight: true,
        static (cells, moment) => AddSeconds(cells, moment, -moment.Distance),
        static (json, moment) => Write(json, moment, "age", -moment.Distance));

    private static void AddSeconds(TextCells cells, Moment moment, long nanoseconds)
    {
        if (moment.Time == 0) return;
        var tenths = (Math.Abs(nanoseconds) + 50_000_000) / 100_000_000;
        if (nanoseconds < 0 && tenths > 0) cells.Add("-");
        cells.Add(tenths / 10);
        cells.Add(['.', (char)('0' + (tenths % 10)), ' ', 's']);
    }

    private static void Write(Utf8JsonWriter json, Moment moment, string key, long nanoseconds)
    {
        if (moment.Time == 0)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("monotonic"u8, moment.Time);
        json.WriteNumber(key, nanoseconds);
        json.WriteEndObject();
    }
}

/// <summary>A time of CLOCK_MONOTONIC, nanoseconds; 0 for never.</summary>
/// <param name="Time">The time.</param>
/// <param name="Now">When the snapshot was made.</param>
internal readonly record struct Moment(ulong Time, ulong Now)
{
    /// <summary>How far it is, negative if past; what the clock cannot reach is as far as it goes.</summary>
    public long Distance => Time >= Now ? (long)Math.Min(Time - Now, Furthest) : -(long)Math.Min(Now - Time, Furthest);

    private const ulong Furthest = long.MaxValue / 2;
}
