using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Kdbus.Client.Services.Wire;

/// <summary>Where a payload is put together. Each thread keeps one, so that a call makes none.</summary>
internal sealed class PayloadWriter : IBufferWriter<byte>
{
    // What one large message needed is not kept for all the small ones after it.
    private const int MostKept = 64 << 10;
    private const int First = 512;

    [ThreadStatic]
    private static PayloadWriter? t_spare;

    private byte[] _bytes = new byte[First];

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written; good until the next writing.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>One that is empty, and nobody else's until it is returned. One that is not returned is lost, and no more.</summary>
    public static PayloadWriter Rent()
    {
        PayloadWriter writer = t_spare ?? new PayloadWriter();
        t_spare = null;
        writer.Length = 0;
        return writer;
    }

    public void Return()
    {
        if (_bytes.Length <= MostKept)
            t_spare = this;
    }

    /// <summary>Empties it.</summary>
    public void Clear() => Length = 0;

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _bytes.Length - Length);
        Length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsSpan(Length);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        Length += bytes.Length;
    }

    public void Write(byte value)
    {
        GetSpan(1)[0] = value;
        Length++;
    }

    public void Write(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(GetSpan(sizeof(ushort)), value);
        Length += sizeof(ushort);
    }

    public void Write(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(GetSpan(sizeof(uint)), value);
        Length += sizeof(uint);
    }

    public void Write(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(GetSpan(sizeof(ulong)), value);
        Length += sizeof(ulong);
    }

    /// <summary>One value, with its length before it.</summary>
    public void WriteValue<T>(IBusSerializer serializer, in T value)
    {
        int start = Length;
        Write(0u);
        serializer.Write(this, value);
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(start), (uint)(Length - start - sizeof(uint)));
    }

    /// <summary>Changes a byte that has been written.</summary>
    public void Patch(int index, byte value) => _bytes[index] = value;

    /// <summary>Takes back what was written last.</summary>
    public void CutTo(int length) => Length = length;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Grow(int sizeHint)
    {
        // The same minimum as other writers have, for who does not say how much.
        int needed = Math.Max(sizeHint, 256);
        if (_bytes.Length - Length < needed)
            Array.Resize(ref _bytes, Math.Max(checked(Length + needed), (int)Math.Min(_bytes.Length * 2L, Array.MaxLength)));
    }
}
