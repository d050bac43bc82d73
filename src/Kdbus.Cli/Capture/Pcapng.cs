namespace Kdbus.Cli.Capture;

/// <summary>Numbers of the file format pcapng (draft-ietf-opsawg-pcapng), as far as captures have them.</summary>
internal static class Pcapng
{
    /// <summary>Block: the header of a section, with which a file begins.</summary>
    public const uint SectionHeader = 0x0a0d0d0a;

    /// <summary>Block: an interface, which packets come from.</summary>
    public const uint InterfaceDescription = 1;

    /// <summary>Block: a packet without a time.</summary>
    public const uint SimplePacket = 3;

    /// <summary>Block: how many packets there were.</summary>
    public const uint InterfaceStatistics = 5;

    /// <summary>Block: a packet.</summary>
    public const uint EnhancedPacket = 6;

    /// <summary>In the header of a section, in its byte order.</summary>
    public const uint ByteOrderMagic = 0x1a2b3c4d;

    /// <summary>The version of the format.</summary>
    public const ushort MajorVersion = 1;

    /// <summary>LINKTYPE_USER0: what its packets are is agreed by who uses it.</summary>
    public const ushort LinkType = 147;

    /// <summary>Of a section: the program that wrote it.</summary>
    public const ushort OptionApplication = 4;

    /// <summary>Of an interface: its name.</summary>
    public const ushort OptionInterfaceName = 2;

    /// <summary>Of an interface: what it is.</summary>
    public const ushort OptionInterfaceDescription = 3;

    /// <summary>Of an interface: unit of its times, 10^-n or, with the highest bit, 2^-n seconds.</summary>
    public const ushort OptionTimeResolution = 9;

    /// <summary>Of an interface: seconds to add to its times.</summary>
    public const ushort OptionTimeOffset = 14;

    /// <summary>Of statistics: packets received.</summary>
    public const ushort OptionReceived = 4;

    /// <summary>Of statistics: packets lost by the interface.</summary>
    public const ushort OptionDropped = 5;

    /// <summary>Rounded up to the next multiple of 4.</summary>
    public static int Align4(int size) => (size + 3) & ~3;
}
