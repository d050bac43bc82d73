using System.Buffers;
using System.Text;

namespace Kdbus.Cli.Tests;

/// <summary>How results look: on terminals, in pipes, as JSON; and the words for times and sizes.</summary>
public sealed class OutputTests
{
    private static readonly Sheet<(string Name, long Number)> s_sheet = new Sheet<(string Name, long Number)>()
        .Column("NAME", "name", static row => Cell.Of(row.Name, "green"))
        .Column("NUMBER", "number", static row => Cell.Of(row.Number), rank: 1, isNumber: true)
        .Column("SIZE", "size", static row => Cell.Bytes(row.Number), rank: 2, isNumber: true)
        .Column("NOTE", "note", static _ => Cell.None);

    private static readonly (string, long)[] s_rows = [("short", 7), ("a-longer-name", 1536)];

    [Fact]
    public void In_a_pipe_a_table_is_aligned_text_without_escape_sequences() => Assert.Equal(
        "NAME           NUMBER     SIZE  NOTE\nshort               7        7  -\na-longer-name    1536  1.5 KiB  -\n", Written(null, false, false, static output => output.Write(s_sheet, s_rows)));

    [Fact]
    public void A_terminal_that_is_wide_enough_shows_all_columns_in_colours()
    {
        string text = Written(80, true, false, static output => output.Write(s_sheet, s_rows));
        Assert.Contains("\e[", text, StringComparison.Ordinal);
        Assert.Equal("NAME           NUMBER     SIZE  NOTE\nshort               7        7  -\na-longer-name    1536  1.5 KiB  -\n", Plain(text));
    }

    [Theory]
    [InlineData(30, "NAME           NUMBER  NOTE")]
    [InlineData(24, "NAME           NOTE")]
    public void A_narrow_one_leaves_out_the_columns_of_the_highest_rank(int width, string head) =>
        Assert.StartsWith($"{head}\n", Plain(Written(width, true, false, static output => output.Write(s_sheet, s_rows))), StringComparison.Ordinal);

    [Fact]
    public void JSON_has_exact_values_and_null_for_nothing() => Assert.Equal(
        """[{"name":"short","number":7,"size":7,"note":null},{"name":"a-longer-name","number":1536,"size":1536,"note":null}]""" + "\n",
        Written(80, true, true, static output => output.Write(s_sheet, s_rows)));

    [Fact]
    public void Facts_without_a_value_are_left_out_of_the_text_and_null_in_JSON()
    {
        Facts facts = new Facts().Add("Known", "known", Cell.Of(3L)).Add("Unknown", "unknown", Cell.None).Group("More", "more").Add("Inside", "inside", Cell.Of("x"))
            .Group("Nothing", "nothing").Add("None", "none", Cell.None);
        Assert.Equal("Known:   3\nMore\n  Inside:  x\n", Written(null, false, false, output => output.Write(facts)));
        Assert.Equal("Known:   3\nMore\n  Inside:  x\n", Plain(Written(80, true, false, output => output.Write(facts))).Replace(" \n", "\n", StringComparison.Ordinal));
        Assert.Equal("""{"known":3,"unknown":null,"more":{"inside":"x"},"nothing":{"none":null}}""" + "\n", Written(null, false, true, output => output.Write(facts)));
    }

    [Fact]
    public void People_are_told_nothing_in_JSON() => Assert.Equal("", Written(null, false, true, static output => output.Line("hello", "bold")));

    [Theory]
    [InlineData("plain ünïcödé 漢字", "plain ünïcödé 漢字")]
    [InlineData("\e[31mred\a", @"\x1b[31mred\x07")]
    [InlineData("a\u202Eb\u2028c", @"a\u202eb\u2028c")]
    [InlineData("line\nline\ttab", @"line\x0aline\x09tab")]
    public void Control_characters_are_shown_and_not_obeyed(string text, string shown) => Assert.Equal(shown, Escaped.Text(text));

    [Theory]
    [InlineData("hello", 10, "hello")]
    [InlineData("hello world", 6, "hello…")]
    [InlineData("üüüü", 5, "üü…")]
    public void A_preview_of_text_is_text(string text, int width, string shown) => Assert.Equal(shown, Escaped.Payload(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), width));

    [Fact]
    public void A_preview_of_other_bytes_is_hexadecimal()
    {
        Assert.Equal("00ff", Escaped.Payload(new ReadOnlySequence<byte>([0, 255]), 10));
        Assert.Equal("000102030…", Escaped.Payload(new ReadOnlySequence<byte>([.. Enumerable.Range(0, 100).Select(static i => (byte)i)]), 10));
    }

    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("2.5s", 2500)]
    [InlineData("3", 3000)]
    [InlineData("2m", 120_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("250us", 0.25)]
    public void Times_are_read_as_people_write_them(string text, double milliseconds) => Assert.Equal(milliseconds, Durations.Parse(text)!.Value.TotalMilliseconds);

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1 s")]
    [InlineData("1e3s")]
    [InlineData("99999999h")]
    public void What_is_no_time_is_none(string text) => Assert.Null(Durations.Parse(text));

    [Theory]
    [InlineData(9, "900 ns")]
    [InlineData(123, "12.3 µs")]
    [InlineData(45_600, "4.56 ms")]
    [InlineData(25_000_000, "2.5 s")]
    [InlineData(2_000_000_000, "3 min 20 s")]
    [InlineData(1_000_000_000_000, "1 d 3 h")]
    public void Times_are_shown_with_the_unit_that_fits(long ticks, string text) => Assert.Equal(text, Durations.Text(TimeSpan.FromTicks(ticks)));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1023, "1023")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536 << 10, "1.5 MiB")]
    public void Sizes_are_shown_with_the_unit_that_fits(long bytes, string text) => Assert.Equal(text, Sizes.Text(bytes));

    [Fact]
    public void Payload_types_are_eight_characters_or_a_number()
    {
        Assert.Equal(0x7261772e64617461UL, PayloadTypeNames.Parse("raw.data"));
        Assert.Equal("raw.data", PayloadTypeNames.Of(0x7261772e64617461));
        Assert.Equal(0x12UL, PayloadTypeNames.Parse("0x12"));
        Assert.Equal(12345678UL, PayloadTypeNames.Parse("12345678"));
        Assert.Equal("0x12", PayloadTypeNames.Of(0x12));
        Assert.Null(PayloadTypeNames.Parse("short"));
        Assert.Null(PayloadTypeNames.Parse("0xg"));
    }

    private static string Written(int? width, bool hasColors, bool isJson, Action<Output> write)
    {
        MemoryStream stream = new();
        using (Output output = new(stream, isJson, width, hasColors))
        {
            write(output);
            output.Flush();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static string Plain(string text) => string.Join('\n', System.Text.RegularExpressions.Regex.Replace(text, "\e\\[[0-9;]*m", "", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1))
        .Split('\n').Select(static line => line.TrimEnd()));
}
