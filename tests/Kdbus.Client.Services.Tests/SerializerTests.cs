using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;

namespace Kdbus.Client.Tests.Services;

/// <summary>Values as bytes, and back.</summary>
public sealed class SerializerTests
{
    private enum Signed : short
    {
        Least = short.MinValue,
        Most = short.MaxValue,
    }

    [Fact]
    public void Integers_are_the_json_that_others_write_too() => Gen.Select(Gen.Long, Gen.Int, Gen.Short, Gen.UInt, Gen.Byte).Sample((a, b, c, d, e) =>
    {
        Same(a);
        Same(b);
        Same(c);
        Same(d);
        Same(e);

        static void Same<T>(T value)
        {
            Assert.Equal(JsonSerializer.Serialize(value), Json(value));
            Assert.Equal(value, Back(value));
        }
    });

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("01")]
    [InlineData("+1")]
    [InlineData("1 2")]
    [InlineData("1x")]
    [InlineData("99999999999999999999")]
    [InlineData("\"1\"")]
    [InlineData("null")]
    [InlineData("1.5")]
    public void What_is_no_integer_is_not_read_as_one(string json) => Assert.ThrowsAny<Exception>(() => Read<long>(json));

    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData(" 5 ", 5)]
    [InlineData("5e0", 5)]
    [InlineData("-9223372036854775808", long.MinValue)]
    public void An_integer_may_be_written_in_any_way_of_json(string json, long value)
    {
        // What the library behind it does not read, it may refuse; but never read it as another number.
        try
        {
            Assert.Equal(value, Read<long>(json));
        }
        catch (JsonException)
        {
            Assert.Contains('e', json);
        }
    }

    [Fact]
    public void Simple_types_come_back_as_they_were()
    {
        Assert.Equal(Guid.Empty, Back(Guid.Empty));
        Assert.Equal(DateTimeOffset.MaxValue, Back(DateTimeOffset.MaxValue));
        Assert.Equal(TimeSpan.FromTicks(-5), Back(TimeSpan.FromTicks(-5)));
        Assert.Equal(12.50m, Back(12.50m));
        Assert.Equal("ä\"\0", Back("ä\"\0"));
        Assert.Null(Back<string?>(null));
        Assert.Null(Back<int?>(null));
        Assert.Equal(5, Back<int?>(5));
        Assert.Equal(new byte[] { 1, 2, 255 }, Back(new byte[] { 1, 2, 255 }));
        Assert.Equal(["a", "b"], Back(new[] { "a", "b" }), StringComparer.Ordinal);
        Assert.Equal([1.5, -2], Back(new List<double> { 1.5, -2 }));
        Assert.Equal(Zone.Local, Back(Zone.Local));
        Assert.Equal("200", Json(Zone.Local));
        Assert.Equal(Signed.Least, Back(Signed.Least));
        Assert.Equal((Zone)77, Back((Zone)77));
        Assert.ThrowsAny<Exception>(() => Read<Zone>("256"));
        Assert.ThrowsAny<Exception>(() => Read<Signed>("-32769"));
    }

    [Fact]
    public void A_type_that_is_not_simple_needs_a_context()
    {
        Assert.False(JsonBusSerializer.Simple.Knows<Tick>());
        NotSupportedException fault = Assert.Throws<NotSupportedException>(() => Json(new Tick(1, "")));
        Assert.Contains("JsonSerializable", fault.Message, StringComparison.Ordinal);
        JsonBusSerializer json = new(ClockJson.Default);
        ArrayBufferWriter<byte> bytes = new();
        json.Write(bytes, new Tick(1, "a"));
        Assert.Equal("""{"Number":1,"Text":"a"}""", Encoding.UTF8.GetString(bytes.WrittenSpan));
        Assert.Equal(new Tick(1, "a"), json.Read<Tick>(new ReadOnlySequence<byte>(bytes.WrittenMemory)));
        Assert.True(json.Knows<Guid[]>());
    }

    [Fact]
    public void MemoryPack_values_come_back_and_take_all_bytes()
    {
        MemoryPackBusSerializer packed = new();
        ArrayBufferWriter<byte> bytes = new();
        packed.Write(bytes, new Dictionary<int, string> { [1] = "a" });
        Assert.Equal("a", packed.Read<Dictionary<int, string>>(new ReadOnlySequence<byte>(bytes.WrittenMemory))[1]);
        bytes.Write([(byte)0]);
        Assert.ThrowsAny<Exception>(() => packed.Read<Dictionary<int, string>>(new ReadOnlySequence<byte>(bytes.WrittenMemory)));
    }

    private static string Json<T>(T value)
    {
        ArrayBufferWriter<byte> bytes = new();
        JsonBusSerializer.Simple.Write(bytes, value);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private static T Read<T>(string json) => JsonBusSerializer.Simple.Read<T>(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)));

    private static T Back<T>(T value) => Read<T>(Json(value));
}
