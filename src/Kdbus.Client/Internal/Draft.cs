using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kdbus.Abi;

namespace Kdbus.Client.Internal;

/// <summary>A message that is to be sent, before it has the form of bytes.</summary>
internal ref struct Draft
{
    /// <summary>Payload up to this many bytes stands in an EXCHANGE itself; what is larger is copied by the bus from where it lies.</summary>
    public const int MostInline = 4096;

    /// <summary>The header; its size is set when it is written.</summary>
    public KdbusMsg Header;

    /// <summary>Name of the receiver, or null.</summary>
    public string? Name;

    /// <summary>The payload, if any. What is not inline must not move until the message has been sent.</summary>
    public ReadOnlySpan<byte> Payload;

    /// <summary>Payload in memfds.</summary>
    public IReadOnlyList<MemfdPayload>? Memfds;

    /// <summary>Descriptors.</summary>
    public IReadOnlyList<SafeHandle>? Descriptors;

    /// <summary>Of a signal: the generation and the bits.</summary>
    public ReadOnlySpan<byte> Filter;

    /// <summary>Whether nothing but bytes of its own is in it, so that it can be sent later as well as now.</summary>
    public readonly bool IsSelfContained => Payload.Length <= MostInline && Memfds is null && Descriptors is null;

    /// <summary>Bytes it takes, at most.</summary>
    public readonly int Room =>
        Unsafe.SizeOf<KdbusMsg>() + (Name is null ? 0 : Item.SizeInChain(Name.Length + 1)) + Item.SizeInChain(Math.Min(Payload.Length, MostInline) + 16)
        + (Memfds?.Count ?? 0) * Item.SizeInChain(Unsafe.SizeOf<KdbusMemfd>()) + Item.SizeInChain((Descriptors?.Count ?? 0) * sizeof(int))
        + (Filter.IsEmpty ? 0 : Item.SizeInChain(Filter.Length));

    /// <summary>Writes it: bytes written, a multiple of 8.</summary>
    /// <param name="room">At least <see cref="Room"/> bytes.</param>
    /// <param name="inline">Whether a small payload stands in the message: only where the bus knows PAYLOAD_INLINE.</param>
    /// <param name="handles">Keeps the files open until it has been sent.</param>
    public unsafe int Write(Span<byte> room, bool inline, ref HandleHolder handles)
    {
        var items = new ItemWriter(room[Unsafe.SizeOf<KdbusMsg>()..]);
        if (Name is not null)
        {
            Span<byte> name = items.Begin(ItemType.DstName, Name.Length + 1);
            name[Encoding.ASCII.GetBytes(Name, name)] = 0;
        }
        if (inline && Payload.Length is > 0 and <= MostInline)
            items.Write(ItemType.PayloadInline, Payload);
        else if (!Payload.IsEmpty)
            items.Write(ItemType.PayloadVec, new KdbusVec { Size = (ulong)Payload.Length, Address = (ulong)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Payload)) });
        for (int i = 0; i < (Memfds?.Count ?? 0); i++)
        {
            MemfdPayload memfd = Memfds![i];
            items.Write(ItemType.PayloadMemfd, new KdbusMemfd { Start = (ulong)memfd.Start, Size = (ulong)memfd.Length, Fd = handles.Hold(memfd.Handle) });
        }
        if (Descriptors is { Count: > 0 })
        {
            Span<byte> numbers = items.Begin(ItemType.Fds, Descriptors.Count * sizeof(int));
            for (int i = 0; i < Descriptors.Count; i++)
                BinaryPrimitives.WriteInt32LittleEndian(numbers[(i * sizeof(int))..], handles.Hold(Descriptors[i]));
        }
        if (!Filter.IsEmpty)
            items.Write(ItemType.BloomFilter, Filter);

        // The size of a message ends with its last item; that of the last item may leave its padding out, and does here as everywhere.
        int size = Unsafe.SizeOf<KdbusMsg>() + items.Length;
        Header.Size = (ulong)size;
        MemoryMarshal.Write(room, in Header);
        return size;
    }
}

/// <summary>Files that must stay open while their numbers stand in a command.</summary>
internal struct HandleHolder : IDisposable
{
    private List<SafeHandle>? _held;

    /// <summary>The number of a file, which it keeps until <see cref="Dispose"/>.</summary>
    public int Hold(SafeHandle handle)
    {
        bool held = false;
        handle.DangerousAddRef(ref held);
        (_held ??= []).Add(handle);
        return (int)handle.DangerousGetHandle();
    }

    /// <inheritdoc/>
    public readonly void Dispose() => _held?.ForEach(static handle => handle.DangerousRelease());
}
