using System.Runtime.InteropServices;
using Kdbus.Abi;

namespace Kdbus.Cli.Watching;

/// <summary>
/// Items that stand in a watched message instead of those that point somewhere: into the pool of the monitor, or to its descriptors. The bus never makes
/// them. docs/capture.md has their bytes.
/// </summary>
internal static class CapturedItems
{
    /// <summary>A piece of payload: <see cref="CapturedPiece"/> and as many of its bytes as were copied.</summary>
    public const ItemType Payload = (ItemType)0x10000;

    /// <summary>The descriptors of a message: u32 how many, and a u32 <see cref="DescriptorKind"/> for each.</summary>
    public const ItemType Descriptors = (ItemType)0x10001;
}

/// <summary>16 bytes, then the bytes that were copied.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct CapturedPiece
{
    /// <summary>Bytes the piece has in the message; if fewer follow, the rest was not copied.</summary>
    [FieldOffset(0)] public ulong Size;

    /// <summary>Where the bytes were.</summary>
    [FieldOffset(8)] public PieceSource Kind;

    /// <summary>0.</summary>
    [FieldOffset(12)] public uint Reserved;
}

/// <summary>Where a piece of payload was.</summary>
internal enum PieceSource : uint
{
    /// <summary>Copied by the bus.</summary>
    Copied = 1,

    /// <summary>In a sealed memfd.</summary>
    Memfd = 2,

    /// <summary>Nowhere: zero bytes. None follow.</summary>
    Zeros = 3,
}

/// <summary>What a descriptor is of.</summary>
internal enum DescriptorKind : uint
{
    /// <summary>It did not arrive at the monitor, or cannot be told.</summary>
    Unknown = 0,

    /// <summary>A regular file.</summary>
    File = 1,

    /// <summary>A directory.</summary>
    Directory = 2,

    /// <summary>A character device.</summary>
    CharacterDevice = 3,

    /// <summary>A block device.</summary>
    BlockDevice = 4,

    /// <summary>A pipe.</summary>
    Pipe = 5,

    /// <summary>A socket.</summary>
    Socket = 6,

    /// <summary>A symbolic link.</summary>
    Link = 7,

    /// <summary>A file without a type: eventfd, epoll, pidfd and others.</summary>
    Anonymous = 8,
}

/// <summary>Words for kinds of descriptors.</summary>
internal static class DescriptorKinds
{
    /// <summary>The word for one.</summary>
    public static string Word(this DescriptorKind kind) => kind switch
    {
        DescriptorKind.File => "file",
        DescriptorKind.Directory => "directory",
        DescriptorKind.CharacterDevice => "character-device",
        DescriptorKind.BlockDevice => "block-device",
        DescriptorKind.Pipe => "pipe",
        DescriptorKind.Socket => "socket",
        DescriptorKind.Link => "link",
        DescriptorKind.Anonymous => "anonymous",
        _ => "unknown",
    };

    /// <summary>The kind of a file by its mode, inode(7).</summary>
    public static DescriptorKind OfMode(ushort mode) => (mode & 0xf000) switch
    {
        0x8000 => DescriptorKind.File,
        0x4000 => DescriptorKind.Directory,
        0x2000 => DescriptorKind.CharacterDevice,
        0x6000 => DescriptorKind.BlockDevice,
        0x1000 => DescriptorKind.Pipe,
        0xc000 => DescriptorKind.Socket,
        0xa000 => DescriptorKind.Link,
        0 => DescriptorKind.Anonymous,
        _ => DescriptorKind.Unknown,
    };
}
