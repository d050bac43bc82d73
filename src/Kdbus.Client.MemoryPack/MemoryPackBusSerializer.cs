using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using MemoryPack;

namespace Kdbus.Client;

/// <summary>
/// The binary format of MemoryPack, for types with <see cref="MemoryPackableAttribute"/> and those that MemoryPack knows itself: small, fast, and only for .NET. Write
/// <c>[BusService("…", Serializer = typeof(MemoryPackBusSerializer))]</c>.
/// </summary>
/// <remarks>MemoryPack finds the code for a type by reflection. Programs that are trimmed or compiled ahead of time are warned, and better use JSON.</remarks>
public sealed class MemoryPackBusSerializer : IBusSerializer
{
    private const string Reason = "MemoryPack finds the code for a type by reflection.";

    /// <summary>A serializer; one is as good as another.</summary>
    [RequiresUnreferencedCode(Reason)]
    [RequiresDynamicCode(Reason)]
    public MemoryPackBusSerializer()
    {
    }

    /// <inheritdoc/>
    public byte Id => 2;

    /// <inheritdoc/>
    public string Name => "MemoryPack";

    /// <inheritdoc/>
    [UnconditionalSuppressMessage("Trimming", "IL2091", Justification = "The constructor says it.")]
    public void Write<T>(IBufferWriter<byte> to, in T value) => MemoryPackSerializer.Serialize(to, value);

    /// <inheritdoc/>
    [UnconditionalSuppressMessage("Trimming", "IL2091", Justification = "The constructor says it.")]
    public T Read<T>(in ReadOnlySequence<byte> from)
    {
        T? value = default;
        int read = MemoryPackSerializer.Deserialize(from, ref value);
        return read == from.Length ? value! : throw new MemoryPackSerializationException("There is something behind the value.");
    }
}
