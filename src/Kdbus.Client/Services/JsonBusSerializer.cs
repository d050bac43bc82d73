using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Kdbus.Client.Services;

namespace Kdbus.Client;

/// <summary>
/// JSON in UTF-8, without reflection. By itself it knows simple types: <see cref="bool"/>, numbers, <see cref="char"/>, <see cref="string"/>, <see cref="Guid"/>, dates and times, <see cref="Uri"/>,
/// <see cref="Version"/>, each also as <c>T?</c>, <c>T[]</c> and <see cref="List{T}"/>, bytes as base64, and enums as numbers; a context adds whatever it was generated for.
/// </summary>
public sealed class JsonBusSerializer : IBusSerializer
{
    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    private readonly JsonSerializerOptions _options;
    private readonly JsonWriterOptions _writerOptions;
    private readonly bool _isPlain;

    /// <summary>With the types of a context beside the simple ones, and as it says.</summary>
    public JsonBusSerializer(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _options = new JsonSerializerOptions(context.Options) { TypeInfoResolver = JsonTypeInfoResolver.Combine(context, SimpleJsonTypes.Resolver) };
        _options.MakeReadOnly();
        _writerOptions = new JsonWriterOptions { Encoder = _options.Encoder, Indented = _options.WriteIndented };
        _isPlain = _options.NumberHandling == JsonNumberHandling.Strict && _options.Converters.Count == 0;
    }

    private JsonBusSerializer()
    {
        _options = new JsonSerializerOptions { TypeInfoResolver = SimpleJsonTypes.Resolver };
        _options.MakeReadOnly();
        _isPlain = true;
    }

    /// <summary>With the simple types alone.</summary>
    public static JsonBusSerializer Simple { get; } = new();

    /// <inheritdoc/>
    public byte Id => 1;

    /// <inheritdoc/>
    public string Name => "JSON";

    /// <summary>Whether it can write and read values of a type.</summary>
    public bool Knows<T>() => typeof(T).IsEnum || _options.TypeInfoResolver!.GetTypeInfo(typeof(T), _options) is not null;

    /// <inheritdoc/>
    public void Write<T>(IBufferWriter<byte> to, in T value)
    {
        ArgumentNullException.ThrowIfNull(to);
        if (_isPlain && TryWriteInteger(to, value))
            return;
        JsonTypeInfo<T> type = TypeOf<T>();

        // Taken away while it is in use: a converter might call a service in turn.
        Utf8JsonWriter? writer = t_writer;
        t_writer = null;
        if (writer is null || HasOtherOptions(writer.Options))
            writer = new Utf8JsonWriter(to, _writerOptions);
        else
            writer.Reset(to);
        JsonSerializer.Serialize(writer, value, type);
        writer.Flush();
        writer.Reset();
        t_writer = writer;
    }

    /// <inheritdoc/>
    public T Read<T>(in ReadOnlySequence<byte> from)
    {
        if (_isPlain && from.IsSingleSegment && TryReadInteger(from.FirstSpan, out T? integer))
            return integer!;
        JsonTypeInfo<T> type = TypeOf<T>();
        var reader = new Utf8JsonReader(from, new JsonReaderOptions
        {
            AllowTrailingCommas = _options.AllowTrailingCommas,
            CommentHandling = _options.ReadCommentHandling,
            MaxDepth = _options.MaxDepth,
        });
        T value = JsonSerializer.Deserialize(ref reader, type)!;
        return reader.Read() ? throw new JsonException("There is something behind the value.") : value;
    }

    // A type of the context comes first, so that what it says about enums holds.
    private JsonTypeInfo<T> TypeOf<T>()
    {
        if (_options.TryGetTypeInfo(typeof(T), out JsonTypeInfo? type))
            return (JsonTypeInfo<T>)type;
        return typeof(T).IsEnum ? EnumAsNumber<T>.Instance.TypeInfo
            : throw new NotSupportedException($"JSON does not know {typeof(T)}: use a JsonSerializerContext with [JsonSerializable(typeof({typeof(T).Name}))].");
    }

    private bool HasOtherOptions(JsonWriterOptions options) => options.Encoder != _writerOptions.Encoder || options.Indented != _writerOptions.Indented;

    // The same bytes as the general way writes, for what most small calls consist of. What the type is not is left out by the compiler.
    private static bool TryWriteInteger<T>(IBufferWriter<byte> to, T value)
    {
        const int Most = 20;
        long number;
        if (typeof(T) == typeof(int))
            number = Unsafe.As<T, int>(ref value);
        else if (typeof(T) == typeof(long))
            number = Unsafe.As<T, long>(ref value);
        else if (typeof(T) == typeof(uint))
            number = Unsafe.As<T, uint>(ref value);
        else if (typeof(T) == typeof(short))
            number = Unsafe.As<T, short>(ref value);
        else if (typeof(T) == typeof(byte))
            number = Unsafe.As<T, byte>(ref value);
        else
            return false;
        _ = Utf8Formatter.TryFormat(number, to.GetSpan(Most), out int written);
        to.Advance(written);
        return true;
    }

    // Only what certainly reads the same in the general way: JSON has no leading zeros or plus signs, but may have space and exponents.
    private static bool TryReadInteger<T>(ReadOnlySpan<byte> json, out T? value)
    {
        value = default;
        if (typeof(T) != typeof(int) && typeof(T) != typeof(long))
            return false;
        int first = json is [(byte)'-', ..] ? 1 : 0;
        if (json.Length <= first || (json[first] == '0' && json.Length > 1) || json[first] is < (byte)'0' or > (byte)'9')
            return false;
        if (typeof(T) == typeof(int))
        {
            if (!Utf8Parser.TryParse(json, out int small, out int read) || read != json.Length)
                return false;
            value = Unsafe.As<int, T>(ref small);
            return true;
        }
        if (!Utf8Parser.TryParse(json, out long large, out int length) || length != json.Length)
            return false;
        value = Unsafe.As<long, T>(ref large);
        return true;
    }
}
