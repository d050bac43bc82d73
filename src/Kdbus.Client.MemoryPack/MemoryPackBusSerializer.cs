using System.Buffers;
using MemoryPack;

namespace Kdbus.Client;

/// <summary>
/// The binary format of MemoryPack, for types with <see cref="MemoryPackableAttribute"/> and those that MemoryPack knows itself: small, fast, and only for .NET. Write
/// <c>[BusService("…", Serializer = typeof(MemoryPackBusSerializer))]</c>.
/// </summary>
public sealed class MemoryPackBusSerializer : IBusSerializer
{
    /// <inheritdoc/>
    public byte Id => 2;

    /// <inheritdoc/>
    public string Name => "MemoryPack";

    /// <inheritdoc/>
    public void Write<T>(IBufferWriter<byte> to, in T value) => MemoryPackSerializer.Serialize(to, value);

    /// <inheritdoc/>
    public T Read<T>(in ReadOnlySequence<byte> from)
    {
        T? value = default;
        int read = MemoryPackSerializer.Deserialize(from, ref value);
        return read == from.Length ? value! : throw new MemoryPackSerializationException("There is something behind the value.");
    }
}
