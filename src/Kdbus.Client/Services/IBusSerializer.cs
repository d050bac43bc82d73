using System.Buffers;

namespace Kdbus.Client;

/// <summary>How values become bytes. Both sides have to use the same; a request says which one it was written with. Used by several threads at once.</summary>
public interface IBusSerializer
{
    /// <summary>Stands in each message: 1 for JSON, 2 for MemoryPack, 128 to 255 for whoever agrees on it.</summary>
    byte Id { get; }

    /// <summary>For people: errors name it.</summary>
    string Name { get; }

    /// <summary>Writes one value.</summary>
    void Write<T>(IBufferWriter<byte> to, in T value);

    /// <summary>Reads one value, which takes all of the bytes. They come from somebody else, and are gone when the message is given back: nothing may point into them.</summary>
    /// <exception cref="Exception">Of any kind: they are not a value of this type. The peer is told that they are malformed.</exception>
    T Read<T>(in ReadOnlySequence<byte> from);
}
