using System.Buffers.Binary;

namespace Kdbus.Cli.Capture;

/// <summary>A packet of a file.</summary>
/// <param name="Offset">Where its block begins.</param>
/// <param name="Nanoseconds">When, since 1970.</param>
/// <param name="Data">Its data.</param>
internal readonly record struct Packet(long Offset, ulong Nanoseconds, ReadOnlyMemory<byte> Data);

/// <summary>
/// Reads pcapng as a stream, block by block. What stands behind a fault is not read; what stands before it has been returned by then. Blocks that are not known
/// are skipped. A file is from anybody: every length in it is checked before it is used.
/// </summary>
/// <param name="stream">The file.</param>
/// <param name="name">What to call it.</param>
internal sealed class PcapngReader(Stream stream, string name)
{
    private const int Head = 8;
    private const int LeastBlock = 12;
    private const int MostBlock = (1 << 30) + (64 << 20);
    private const int PacketHead = 20;

    private readonly List<Clock> _interfaces = [];
    private long _offset;
    private bool _hasSection;

    /// <summary>Packets that the file says were lost in all; null: it does not say.</summary>
    public ulong? Dropped { get; private set; }

    /// <summary>The next packet; null at the end of the file.</summary>
    /// <exception cref="CommandException">The file is no pcapng file of this link type, or is damaged here.</exception>
    public Packet? Read()
    {
        while (ReadBlock(out uint type, out long offset) is { } body)
        {
            switch (type)
            {
                case Pcapng.SectionHeader:
                    BeginSection(body, offset);
                    break;
                case Pcapng.InterfaceDescription:
                    AddInterface(body, offset);
                    break;
                case Pcapng.EnhancedPacket:
                    return ReadPacket(body, offset);
                case Pcapng.SimplePacket:
                    throw Damaged(offset, "the packet has no time (simple packet block)");
                case Pcapng.InterfaceStatistics when body.Length >= LeastBlock:
                    if (Find(body.AsSpan(LeastBlock), Pcapng.OptionDropped) is [_, ..] dropped && dropped.Length == sizeof(ulong))
                        Dropped = (Dropped ?? 0) + BinaryPrimitives.ReadUInt64LittleEndian(dropped);
                    break;
            }
        }
        return null;
    }

    /// <summary>What is said of a fault.</summary>
    public CommandException Damaged(long offset, string what) =>
        new(ExitCode.BadInput, $"cannot read {name}: at byte {offset}: {what}", "what stands before that place was read");

    private byte[]? ReadBlock(out uint type, out long offset)
    {
        offset = _offset;
        Span<byte> head = stackalloc byte[Head];
        int read = Fill(head);
        type = BinaryPrimitives.ReadUInt32LittleEndian(head);
        if (read == 0 && _hasSection)
            return null;
        if (read < Head)
            throw read == 0 ? Damaged(offset, "the file is empty") : Damaged(offset, $"the file ends inside of the head of a block ({read} of {Head} bytes)");
        if (!_hasSection && type != Pcapng.SectionHeader)
            throw Damaged(offset, "this is no pcapng file: it does not begin with a section header");
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        if (type == Pcapng.SectionHeader)
            CheckByteOrder(magic, offset);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(head[sizeof(uint)..]);
        if (length < LeastBlock || length % sizeof(uint) != 0 || length > MostBlock || (type == Pcapng.SectionHeader && length < LeastBlock + sizeof(uint)))
            throw Damaged(offset, $"a block cannot have {length} bytes");
        return ReadBody(type, (int)length, magic, offset);
    }

    // The byte order stands behind the length, which it is needed for.
    private void CheckByteOrder(Span<byte> magic, long offset)
    {
        if (Fill(magic) < magic.Length)
            throw Damaged(offset, "the file ends inside of a section header");
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(magic);
        if (value == BinaryPrimitives.ReverseEndianness(Pcapng.ByteOrderMagic))
            throw Damaged(offset, "the section is big-endian; a capture of kdbus is little-endian, as its messages are");
        if (value != Pcapng.ByteOrderMagic)
            throw Damaged(offset, $"the section header has 0x{value:x8} where its byte order should be");
    }

    private byte[] ReadBody(uint type, int length, ReadOnlySpan<byte> magic, long offset)
    {
        int had = type == Pcapng.SectionHeader ? magic.Length : 0;
        // No memory is taken for what the file cannot have.
        if (stream.CanSeek && length - Head - had > stream.Length - stream.Position)
            throw Damaged(offset, $"the file ends inside of a block of {length} bytes (type {type})");
        byte[] body = new byte[length - LeastBlock];
        magic[..had].CopyTo(body);
        Span<byte> trailer = stackalloc byte[sizeof(uint)];
        int read = Fill(body.AsSpan(had));
        if (had + read < body.Length || Fill(trailer) < trailer.Length)
            throw Damaged(offset, $"the file ends inside of a block of {length} bytes (type {type})");
        uint again = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        return again == length ? body : throw Damaged(offset, $"a block of {length} bytes says at its end that it has {again}");
    }

    private void BeginSection(ReadOnlySpan<byte> body, long offset)
    {
        const int VersionAt = sizeof(uint), Least = 16;
        if (body.Length < Least)
            throw Damaged(offset, "the section header is too short");
        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(body[VersionAt..]);
        if (version != Pcapng.MajorVersion)
            throw Damaged(offset, $"the section is of version {version} of pcapng, and only {Pcapng.MajorVersion} is known");
        _hasSection = true;
        _interfaces.Clear();
    }

    private void AddInterface(ReadOnlySpan<byte> body, long offset)
    {
        const int OptionsAt = 8;
        if (body.Length < OptionsAt)
            throw Damaged(offset, "the description of an interface is too short");
        ushort link = BinaryPrimitives.ReadUInt16LittleEndian(body);
        if (link != Pcapng.LinkType)
            throw Damaged(offset, $"the interface is of link type {link}; a capture of kdbus has {Pcapng.LinkType} (LINKTYPE_USER0)");
        ReadOnlySpan<byte> resolution = Find(body[OptionsAt..], Pcapng.OptionTimeResolution), shift = Find(body[OptionsAt..], Pcapng.OptionTimeOffset);
        _interfaces.Add(new Clock(
            resolution.Length == 1 ? resolution[0] : (byte)6,
            shift.Length == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(shift) : 0));
    }

    private Packet ReadPacket(byte[] body, long offset)
    {
        if (body.Length < PacketHead)
            throw Damaged(offset, "the packet is too short");
        uint device = BinaryPrimitives.ReadUInt32LittleEndian(body);
        if (device >= (uint)_interfaces.Count)
            throw Damaged(offset, $"the packet is of interface {device}, which was not described");
        ulong time = ((ulong)BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(4)) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(8));
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(12));
        if (length > (uint)(body.Length - PacketHead))
            throw Damaged(offset, $"the packet says that it has {length} bytes of data, and its block has room for {body.Length - PacketHead}");
        return new Packet(offset, _interfaces[(int)device].Nanoseconds(time), body.AsMemory(PacketHead, (int)length));
    }

    // Options end with their end, or with the block; what is malformed ends them too, since they only add to what is known.
    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> options, ushort code)
    {
        const int OptionHead = 4;
        while (options.Length >= OptionHead)
        {
            ushort found = BinaryPrimitives.ReadUInt16LittleEndian(options), length = BinaryPrimitives.ReadUInt16LittleEndian(options[2..]);
            if (found == 0 || length > options.Length - OptionHead)
                break;
            if (found == code)
                return options.Slice(OptionHead, length);
            options = options[Math.Min(OptionHead + Pcapng.Align4(length), options.Length)..];
        }
        return [];
    }

    private int Fill(Span<byte> room)
    {
        int read;
        try
        {
            read = stream.ReadAtLeast(room, room.Length, throwOnEndOfStream: false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Damaged(_offset, exception.Message.TrimEnd('.'));
        }
        _offset += read;
        return read;
    }

    /// <summary>Unit and beginning of the times of an interface.</summary>
    private readonly record struct Clock(byte Resolution, long OffsetSeconds)
    {
        public ulong Nanoseconds(ulong time)
        {
            const byte PowerOfTwo = 0x80;
            UInt128 nanoseconds = (Resolution & PowerOfTwo) != 0
                ? (UInt128)time * 1_000_000_000 >> (Resolution & ~PowerOfTwo)
                : Scale(time, Resolution);
            Int128 shifted = (Int128)nanoseconds + (Int128)OffsetSeconds * 1_000_000_000;
            return (ulong)Int128.Clamp(shifted, 0, ulong.MaxValue);
        }

        private static UInt128 Scale(UInt128 time, int digits)
        {
            for (; digits < 9; digits++)
                time *= 10;
            for (; digits > 9 && time > 0; digits--)
                time /= 10;
            return time;
        }
    }
}
