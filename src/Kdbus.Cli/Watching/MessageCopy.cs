using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Abi;
using Kdbus.Client;
using Kdbus.Client.Internal;
using Kdbus.Linux;
using Microsoft.Win32.SafeHandles;

namespace Kdbus.Cli.Watching;

/// <summary>
/// Copies a received message out of the pool, so that the pool is free again at once: a monitor that keeps messages loses the next ones.
/// </summary>
internal static class MessageCopy
{
    /// <summary>The most payload of one message that is copied, whatever was asked for: more than that is no array any more, and no block of a file.</summary>
    public const long MostPayload = 1 << 30;

    /// <summary>Copies one.</summary>
    /// <param name="message">The message.</param>
    /// <param name="most">How many bytes of its payload.</param>
    /// <param name="notes">What is known beside; whether it is incomplete is added.</param>
    public static WatchedMessage Of(Message message, long most, MessageNotes notes)
    {
        MessageSlot slot = message.Slot;
        long room = Math.Min(most, MostPayload);
        byte[] bytes = new byte[Measure(slot.Items, room)];
        KdbusMsg header = slot.Header;
        header.Size = (ulong)bytes.Length;
        MemoryMarshal.Write(bytes, header);
        var writer = new ItemWriter(bytes.AsSpan(Unsafe.SizeOf<KdbusMsg>()));
        ReadOnlySpan<byte> whole = slot.Bytes;
        int memfd = 0;
        bool isIncomplete = message.IsIncomplete;
        foreach (Item item in new ItemChain(slot.Items))
        {
            switch (item.Type)
            {
                case ItemType.PayloadOff:
                    KdbusVec piece = item.As<KdbusVec>();
                    bool isZeros = piece.Offset == Constants.OffsetNone;
                    Span<byte> copied = Begin(ref writer, piece.Size, isZeros ? PieceSource.Zeros : PieceSource.Copied, ref room);
                    if (!isZeros)
                        whole.Slice((int)piece.Offset, copied.Length).CopyTo(copied);
                    break;
                case ItemType.PayloadMemfd:
                    MemfdPayload? file = memfd < message.Memfds.Count ? message.Memfds[memfd++] : null;
                    isIncomplete |= !TryRead(file, Begin(ref writer, item.As<KdbusMemfd>().Size, PieceSource.Memfd, ref room));
                    break;
                case ItemType.Fds:
                    WriteKinds(ref writer, message.Descriptors, item.Payload.Length / sizeof(int));
                    break;
                default:
                    writer.Write(item.Type, item.Payload);
                    break;
            }
        }
        return new WatchedMessage(bytes, notes with { IsIncomplete = isIncomplete });
    }

    /// <summary>A message that the bus has not sent: who owns a name when watching begins.</summary>
    public static WatchedMessage OfName(string name, ulong owner, MessageNotes notes)
    {
        byte[] text = System.Text.Encoding.ASCII.GetBytes(name);
        byte[] bytes = new byte[Unsafe.SizeOf<KdbusMsg>() + Item.SizeInChain(Unsafe.SizeOf<KdbusNotifyNameChange>() + text.Length + 1)];
        MemoryMarshal.Write(bytes, new KdbusMsg { Size = (ulong)bytes.Length, Flags = (ulong)MessageFlags.Signal, DstId = Constants.DstIdBroadcast });
        var writer = new ItemWriter(bytes.AsSpan(Unsafe.SizeOf<KdbusMsg>()));
        writer.Write(ItemType.NameAdd, new KdbusNotifyNameChange { NewId = new KdbusNotifyIdChange { Id = owner } }, [.. text, 0]);
        return new WatchedMessage(bytes, notes with { IsState = true });
    }

    private static int Measure(ItemReader items, long room)
    {
        int size = Unsafe.SizeOf<KdbusMsg>();
        foreach (Item item in new ItemChain(items))
        {
            int payload = item.Type switch
            {
                ItemType.PayloadOff => Unsafe.SizeOf<CapturedPiece>() + (item.As<KdbusVec>() is { } piece && piece.Offset == Constants.OffsetNone ? 0 : Take(piece.Size, ref room)),
                ItemType.PayloadMemfd => Unsafe.SizeOf<CapturedPiece>() + Take(item.As<KdbusMemfd>().Size, ref room),
                ItemType.Fds => sizeof(uint) + item.Payload.Length,
                _ => item.Payload.Length,
            };
            size += Item.SizeInChain(payload);
        }
        return size;
    }

    private static Span<byte> Begin(ref ItemWriter writer, ulong size, PieceSource kind, ref long room)
    {
        int copied = kind == PieceSource.Zeros ? 0 : Take(size, ref room);
        Span<byte> payload = writer.Begin(CapturedItems.Payload, Unsafe.SizeOf<CapturedPiece>() + copied);
        MemoryMarshal.Write(payload, new CapturedPiece { Size = size, Kind = kind });
        return payload[Unsafe.SizeOf<CapturedPiece>()..];
    }

    private static int Take(ulong size, ref long room)
    {
        int taken = (int)Math.Min(size, (ulong)room);
        room -= taken;
        return taken;
    }

    // Read, not mapped: it may be larger than a span, and only its beginning be wanted. What does not arrive stays zero, and the message is told to be incomplete.
    private static bool TryRead(MemfdPayload? file, Span<byte> to)
    {
        if (file is null || file.Handle.IsInvalid)
            return false;
        long at = file.Start;
        while (!to.IsEmpty)
        {
            int read;
            try
            {
                read = RandomAccess.Read(file.Handle, to, at);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return false;
            }
            if (read == 0)
                return false;
            to = to[read..];
            at += read;
        }
        return true;
    }

    private static void WriteKinds(ref ItemWriter writer, IReadOnlyList<SafeFileHandle> descriptors, int count)
    {
        Span<uint> kinds = MemoryMarshal.Cast<byte, uint>(writer.Begin(CapturedItems.Descriptors, sizeof(uint) + count * sizeof(uint)));
        kinds[0] = (uint)count;
        for (int i = 0; i < count; i++)
            kinds[i + 1] = (uint)(i < descriptors.Count ? KindOf(descriptors[i]) : DescriptorKind.Unknown);
    }

    // Whoever serves the file is not asked: he could let the monitor wait.
    private static DescriptorKind KindOf(SafeFileHandle descriptor) =>
        !descriptor.IsInvalid && FileStatus.DeviceOf((int)descriptor.DangerousGetHandle(), out FileStatus status) == 0 ? DescriptorKinds.OfMode(status.Mode) : DescriptorKind.Unknown;
}
