namespace Kdbus.Abi;

/// <summary>The scalar constants of the interface.</summary>
public static class Constants
{
    /// <summary>Magic byte of every ioctl number.</summary>
    public const uint IoctlMagic = 0x95;
    /// <summary>Source id of messages made by the bus itself.</summary>
    public const ulong SrcIdKernel = 0;
    /// <summary>Destination id of a message that is addressed by name.</summary>
    public const ulong DstIdName = 0;
    /// <summary>In a match: any id.</summary>
    public const ulong MatchIdAny = ulong.MaxValue;
    /// <summary>Destination id of a broadcast.</summary>
    public const ulong DstIdBroadcast = ulong.MaxValue;
    /// <summary>Bit 63 of <c>flags</c>: only tell which flags and items are supported.</summary>
    public const ulong FlagNegotiate = 1UL << 63;
    /// <summary>Payload type of messages made by the bus itself.</summary>
    public const ulong PayloadKernel = 0;
    /// <summary>Payload type of D-Bus messages, ASCII "DBusDBus".</summary>
    public const ulong PayloadDBus = 0x4442757344427573;
    /// <summary>What statfs(2) says of the kernel's own file system, ASCII "DBus". A FUSE mount cannot say it.</summary>
    public const uint FileSystemMagic = 0x44427573;
    /// <summary>Offset of a <see cref="ItemType.PayloadOff"/> that stands for zero bytes kept nowhere.</summary>
    public const ulong OffsetNone = ulong.MaxValue;
    /// <summary>Offset in a <see cref="KdbusMsgInfo"/> of a message that stands right behind it instead of in the pool: an extension.</summary>
    public const ulong OffsetInline = ulong.MaxValue;
}

/// <summary>The limits of the interface, in the unit each one names.</summary>
public static class Limits
{
    /// <summary>Bytes of a command with its items; more is EMSGSIZE.</summary>
    public const int CmdMaxSize = 32768;
    /// <summary>Bytes of a sent message with its items, without payload; more is EINVAL.</summary>
    public const int MsgMaxSize = 8192;
    /// <summary>Items of a sent message; more is E2BIG.</summary>
    public const int MsgMaxItems = 128;
    /// <summary>Sealed memfds of a sent message; more is E2BIG.</summary>
    public const int MsgMaxMemfdItems = 16;
    /// <summary>Bytes of all payload vectors of a message, null vectors included; more is EMSGSIZE.</summary>
    public const ulong MsgMaxPayloadVecSize = 2097152;
    /// <summary>Descriptors in one FDS item, and queued for one receiver by one user; more is EMFILE.</summary>
    public const int ConnMaxFdsPerUser = 16;
    /// <summary>Bytes of a bloom filter; more is EINVAL.</summary>
    public const ulong BusBloomMaxSize = 4096;
    /// <summary>Characters of a well-known name; more is EINVAL.</summary>
    public const int NameMaxLen = 255;
    /// <summary>Characters of the name of a bus or endpoint, or of a description; more is ENAMETOOLONG.</summary>
    public const int SysNameMaxLen = 63;
    /// <summary>Matches of a connection; more is EMFILE.</summary>
    public const int MatchMax = 256;
    /// <summary>Messages queued for one receiver by one user; more is ENOBUFS.</summary>
    public const int ConnMaxMsgs = 256;
    /// <summary>Names owned by a connection; more is E2BIG.</summary>
    public const int ConnMaxNames = 256;
    /// <summary>Request slots of a connection; more is EMLINK.</summary>
    public const int ConnMaxRequestsPending = 128;
    /// <summary>Connections of a user in a domain; more is EMFILE.</summary>
    public const int UserMaxConn = 1024;
    /// <summary>Buses of a user in a domain; more is EMFILE.</summary>
    public const int UserMaxBuses = 16;
}
