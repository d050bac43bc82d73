using System.Buffers.Binary;
using System.Text;

namespace Kdbus.Cli.Capture;

/// <summary>
/// Writes blocks of pcapng, little-endian, each with one write: whatever ends the program, the file ends behind a whole block unless the disk was full. One
/// section, one interface.
/// </summary>
/// <param name="stream">Where to; not buffered.</param>
internal sealed class PcapngWriter(Stream stream)
{
    private const int Head = 8;
    private const ushort EndOfOptions = 0;

    /// <summary>Writes the header of the section and the interface that all packets come from.</summary>
    /// <param name="application">Who writes it.</param>
    /// <param name="name">Name of the interface.</param>
    /// <param name="description">What it is.</param>
    public void Begin(string application, string name, string description)
    {
        BlockBuffer header = new();
        header.Write(Pcapng.ByteOrderMagic);
        header.Write(Pcapng.MajorVersion);
        header.Write((ushort)0);
        header.Write(ulong.MaxValue); // how long the section is: not known
        header.Option(Pcapng.OptionApplication, Encoding.UTF8.GetBytes(application));
        header.Option(EndOfOptions, []);
        Write(Pcapng.SectionHeader, header);

        BlockBuffer device = new();
        device.Write(Pcapng.LinkType);
        device.Write((ushort)0);
        device.Write(0u); // no packet is cut by its length
        device.Option(Pcapng.OptionInterfaceName, Encoding.UTF8.GetBytes(name));
        device.Option(Pcapng.OptionInterfaceDescription, Encoding.UTF8.GetBytes(description));
        device.Option(Pcapng.OptionTimeResolution, [9]);
        device.Option(EndOfOptions, []);
        Write(Pcapng.InterfaceDescription, device);
    }

    /// <summary>Writes a packet.</summary>
    /// <param name="nanoseconds">When, since 1970.</param>
    /// <param name="data">Its data.</param>
    /// <param name="fullSize">How much data there was.</param>
    public void Packet(ulong nanoseconds, ReadOnlySpan<byte> data, ulong fullSize)
    {
        BlockBuffer packet = new(data.Length + 64);
        packet.Write(0u); // the interface
        packet.Write((uint)(nanoseconds >> 32));
        packet.Write((uint)nanoseconds);
        packet.Write((uint)data.Length);
        packet.Write((uint)Math.Min(fullSize, uint.MaxValue));
        packet.Padded(data);
        Write(Pcapng.EnhancedPacket, packet);
    }

    /// <summary>Writes how many packets there were in all.</summary>
    /// <param name="nanoseconds">When, since 1970.</param>
    /// <param name="received">Received.</param>
    /// <param name="dropped">Lost.</param>
    public void End(ulong nanoseconds, ulong received, ulong dropped)
    {
        BlockBuffer statistics = new();
        statistics.Write(0u); // the interface
        statistics.Write((uint)(nanoseconds >> 32));
        statistics.Write((uint)nanoseconds);
        statistics.Option(Pcapng.OptionReceived, BitConverter.GetBytes(received));
        statistics.Option(Pcapng.OptionDropped, BitConverter.GetBytes(dropped));
        statistics.Option(EndOfOptions, []);
        Write(Pcapng.InterfaceStatistics, statistics);
    }

    private void Write(uint type, BlockBuffer block)
    {
        stream.Write(block.Complete(type));
        stream.Flush();
    }

    /// <summary>A block that is being made.</summary>
    private sealed class BlockBuffer
    {
        private byte[] _bytes;
        private int _length = Head;

        public BlockBuffer(int room = 512) => _bytes = new byte[room];

        public void Write(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(sizeof(ushort)), value);

        public void Write(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(sizeof(uint)), value);

        public void Write(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(sizeof(ulong)), value);

        public void Padded(ReadOnlySpan<byte> bytes)
        {
            Span<byte> room = Take(Pcapng.Align4(bytes.Length));
            bytes.CopyTo(room);
            room[bytes.Length..].Clear();
        }

        public void Option(ushort code, ReadOnlySpan<byte> value)
        {
            Write(code);
            Write((ushort)value.Length);
            Padded(value);
        }

        public ReadOnlySpan<byte> Complete(uint type)
        {
            uint length = (uint)(_length + sizeof(uint));
            Write(length);
            BinaryPrimitives.WriteUInt32LittleEndian(_bytes, type);
            BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(sizeof(uint)), length);
            return _bytes.AsSpan(0, _length);
        }

        private Span<byte> Take(int size)
        {
            if (_bytes.Length - _length < size)
                Array.Resize(ref _bytes, (int)Math.Min(Math.Max(_bytes.Length * 2L, _length + (long)size), Array.MaxLength));
            _length += size;
            return _bytes.AsSpan(_length - size, size);
        }
    }
}
