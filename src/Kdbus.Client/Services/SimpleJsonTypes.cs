using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Kdbus.Client.Services;

/// <summary>What JSON knows without a context. Every type is named here, so that ahead-of-time compilation finds its code.</summary>
internal sealed class SimpleJsonTypes : IJsonTypeInfoResolver
{
    private readonly Dictionary<Type, Func<JsonSerializerOptions, JsonTypeInfo>> _types = [];

    private SimpleJsonTypes()
    {
        AddValue(JsonMetadataServices.BooleanConverter);
        AddValue(JsonMetadataServices.ByteConverter, hasArray: false);
        AddValue(JsonMetadataServices.SByteConverter);
        AddValue(JsonMetadataServices.Int16Converter);
        AddValue(JsonMetadataServices.UInt16Converter);
        AddValue(JsonMetadataServices.Int32Converter);
        AddValue(JsonMetadataServices.UInt32Converter);
        AddValue(JsonMetadataServices.Int64Converter);
        AddValue(JsonMetadataServices.UInt64Converter);
        AddValue(JsonMetadataServices.SingleConverter);
        AddValue(JsonMetadataServices.DoubleConverter);
        AddValue(JsonMetadataServices.DecimalConverter);
        AddValue(JsonMetadataServices.CharConverter);
        AddValue(JsonMetadataServices.GuidConverter);
        AddValue(JsonMetadataServices.DateTimeConverter);
        AddValue(JsonMetadataServices.DateTimeOffsetConverter);
        AddValue(JsonMetadataServices.DateOnlyConverter);
        AddValue(JsonMetadataServices.TimeOnlyConverter);
        AddValue(JsonMetadataServices.TimeSpanConverter);
        AddClass(JsonMetadataServices.StringConverter);
        AddClass(JsonMetadataServices.UriConverter);
        AddClass(JsonMetadataServices.VersionConverter);
        AddClass(JsonMetadataServices.ByteArrayConverter);
    }

    public static SimpleJsonTypes Resolver { get; } = new();

    public JsonTypeInfo? GetTypeInfo(Type type, JsonSerializerOptions options) => _types.TryGetValue(type, out var make) ? make(options) : null;

    private void AddValue<T>(JsonConverter<T> converter, bool hasArray = true)
        where T : struct
    {
        Add(converter);
        if (hasArray)
            AddArray<T>();
        AddList<T>();
        _types.Add(typeof(T?), static options =>
            JsonMetadataServices.CreateValueInfo<T?>(options, JsonMetadataServices.GetNullableConverter((JsonTypeInfo<T>)options.GetTypeInfo(typeof(T)))));
    }

    private void AddClass<T>(JsonConverter<T?> converter)
        where T : class
    {
        _types.Add(typeof(T), options => JsonMetadataServices.CreateValueInfo<T>(options, converter));
        AddArray<T>();
        AddList<T>();
    }

    private void Add<T>(JsonConverter<T> converter) => _types.Add(typeof(T), options => JsonMetadataServices.CreateValueInfo<T>(options, converter));

    private void AddArray<T>() =>
        _types.Add(typeof(T[]), static options => JsonMetadataServices.CreateArrayInfo(options, new JsonCollectionInfoValues<T[]> { ElementInfo = options.GetTypeInfo(typeof(T)) }));

    private void AddList<T>() =>
        _types.Add(typeof(List<T>), static options => JsonMetadataServices.CreateListInfo<List<T>, T>(
            options, new JsonCollectionInfoValues<List<T>> { ObjectCreator = static () => [], ElementInfo = options.GetTypeInfo(typeof(T)) }));
}

/// <summary>An enum as the number that it is.</summary>
internal sealed class EnumAsNumber<T> : JsonConverter<T>
{
    private static readonly bool s_isSigned = System.Type.GetTypeCode(typeof(T)) is TypeCode.SByte or TypeCode.Int16 or TypeCode.Int32 or TypeCode.Int64;

    private EnumAsNumber()
    {
        var options = new JsonSerializerOptions { TypeInfoResolver = SimpleJsonTypes.Resolver };
        TypeInfo = JsonMetadataServices.CreateValueInfo<T>(options, this);
    }

    public static EnumAsNumber<T> Instance { get; } = new();

    public JsonTypeInfo<T> TypeInfo { get; }

    public override T? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        T value = default!;
        ref byte first = ref Unsafe.As<T, byte>(ref value);
        if (s_isSigned)
        {
            long number = reader.GetInt64();
            switch (Unsafe.SizeOf<T>())
            {
                case 1: first = (byte)checked((sbyte)number); break;
                case 2: Unsafe.WriteUnaligned(ref first, checked((short)number)); break;
                case 4: Unsafe.WriteUnaligned(ref first, checked((int)number)); break;
                default: Unsafe.WriteUnaligned(ref first, number); break;
            }
        }
        else
        {
            ulong number = reader.GetUInt64();
            switch (Unsafe.SizeOf<T>())
            {
                case 1: first = checked((byte)number); break;
                case 2: Unsafe.WriteUnaligned(ref first, checked((ushort)number)); break;
                case 4: Unsafe.WriteUnaligned(ref first, checked((uint)number)); break;
                default: Unsafe.WriteUnaligned(ref first, number); break;
            }
        }
        return value;
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        if (s_isSigned)
            writer.WriteNumberValue(((IConvertible)value!).ToInt64(CultureInfo.InvariantCulture));
        else
            writer.WriteNumberValue(((IConvertible)value!).ToUInt64(CultureInfo.InvariantCulture));
    }
}
