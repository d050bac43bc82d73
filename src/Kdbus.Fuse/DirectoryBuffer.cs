using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kdbus.Fuse.Wire;

namespace Kdbus.Fuse;

/// <summary>
/// Directory entries for READDIR and READDIRPLUS, one behind the other, each padded to a multiple of 8 bytes. An entry is in the buffer whole or not at
/// all; when it does not fit, the kernel asks again from the offset of the last one that did.
/// </summary>
public ref struct DirectoryBuffer
{
    private readonly Span<byte> _buffer;
    private readonly bool _plus;
    private int _used;

    /// <param name="buffer">Room for the entries; not more than the request's size.</param>
    /// <param name="plus">The request is READDIRPLUS: entries carry attributes.</param>
    public DirectoryBuffer(Span<byte> buffer, bool plus)
    {
        _buffer = buffer;
        _plus = plus;
    }

    /// <summary>The entries so far.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer[.._used];

    /// <summary>Adds one entry, if there is room.</summary>
    /// <param name="name">1 to 4095 bytes, no NUL, no slash.</param>
    /// <param name="entry">READDIR takes inode number and mode from its attributes; READDIRPLUS all of it. With a node id of 0 it does not count as a lookup,
    /// which is right for "." and "..".</param>
    /// <param name="nextOffset">Where to continue after this entry; not 0.</param>
    /// <returns>False when it does not fit; then it does not count as a lookup either.</returns>
    /// <exception cref="ArgumentException">The name is empty or too long.</exception>
    public bool TryAdd(ReadOnlySpan<byte> name, in FuseEntryOut entry, ulong nextOffset)
    {
        if (name.IsEmpty || name.Length > FuseProtocol.NameMax)
            throw new ArgumentException($"A directory entry's name has 1 to {FuseProtocol.NameMax} bytes, not {name.Length}.", nameof(name));

        int head = _plus ? Unsafe.SizeOf<FuseDirentPlus>() : Unsafe.SizeOf<FuseDirent>();
        int size = head + name.Length + (FuseProtocol.DirentAlignment - 1) & ~(FuseProtocol.DirentAlignment - 1);
        if (size > _buffer.Length - _used)
            return false;

        Span<byte> room = _buffer.Slice(_used, size);
        var dirent = new FuseDirent { Ino = entry.Attr.Ino, Off = nextOffset, NameLen = (uint)name.Length, Type = (entry.Attr.Mode >> 12) & 0xF };
        if (_plus)
            MemoryMarshal.Write(room, new FuseDirentPlus { Entry = entry, Dirent = dirent });
        else
            MemoryMarshal.Write(room, in dirent);
        name.CopyTo(room[head..]);
        room[(head + name.Length)..].Clear();
        _used += size;
        return true;
    }
}
